#![doc = include_str!("../README.md")]

mod memories;
mod memory;

pub use memories::Memories;
pub use memory::Memory;
