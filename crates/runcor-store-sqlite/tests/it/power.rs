//! Power loss: what the disk may hold after a power cut, opened by the real store.
//!
//! A process works on a database over a layer that writes down every change of
//! the files (`layer.c`). From that log a disk is built which keeps what was
//! flushed, and of the rest any part that a real disk might (`disk.rs`,
//! `file.rs`). Each state is opened by the store and compared with what the
//! database held in turn while the power was on (`recording.rs`).
//!
//! `RUNCOR_POWER_STATES` says how many states each campaign judges, and
//! `RUNCOR_POWER_SEED_FROM` with which seed it begins.

mod calls;
mod campaign;
mod check;
mod disk;
mod file;
mod flushes;
mod layer;
mod live;
mod log;
mod loss;
mod moments;
mod random;
mod recording;
mod work;
