//! Fuzzes mappings of a step's input.

#![no_main]

use runcor_pipeline::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::mapping(data));
