//! The `runcor` binary.
fn main() {}
