//! Fuzzes failures of all vendors.

#![no_main]

use runcor_providers::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::failure(data));
