//! The binary `runcor`, run as its users run it.

#![cfg(test)]

mod bed;
mod checking;
mod crashing;
mod deciding;
mod demo;
mod developing;
mod disk;
mod durable;
mod flags;
mod init;
mod keeping;
mod looking_back;
mod reloading;
mod resuming;
mod reviewing;
mod services;
mod spending;
mod status;
mod trial;
mod triggering;
