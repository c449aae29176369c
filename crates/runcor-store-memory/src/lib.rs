//! The in-memory store of runcor, the reference implementation of the store contract
