//! (placeholder until the guardrail bench is written)

fn main() {}
