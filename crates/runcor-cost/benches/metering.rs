//! What metering adds to a call.
fn main() {}
