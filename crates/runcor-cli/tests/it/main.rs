//! The binary `runcor`, run as its users run it.

#![cfg(test)]

mod bed;
mod checking;
mod crashing;
mod demo;
mod developing;
mod disk;
mod flags;
mod init;
mod reloading;
mod resuming;
mod services;
mod status;
mod triggering;
