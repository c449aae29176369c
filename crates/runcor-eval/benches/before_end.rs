//! What evaluators cost the execution itself: only what is asked before its end.

fn main() {}
