//! The embedded durable store of runcor on SQLite, with group commit
