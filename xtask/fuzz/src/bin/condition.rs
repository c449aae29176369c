//! Fuzzes conditions of flow files.

#![no_main]

use runcor_pipeline::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::condition(data));
