//! Fuzzes Anthropic's streams.

#![no_main]

use runcor_providers::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::anthropic_stream(data));
