//! What a policy adds to an operation.

fn main() {}
