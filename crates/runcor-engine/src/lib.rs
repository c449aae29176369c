//! The execution engine of runcor: triggers, queue, retries, waits, replay, recovery
