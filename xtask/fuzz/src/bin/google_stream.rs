//! Fuzzes Google's streams.

#![no_main]

use runcor_providers::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::google_stream(data));
