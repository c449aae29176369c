//! Fuzzes the filling in of variables.

#![no_main]

use runcor_config::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::interpolation(data));
