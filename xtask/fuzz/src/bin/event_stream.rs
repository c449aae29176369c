//! Fuzzes the decoding of server-sent events.

#![no_main]

use runcor_providers::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::event_stream(data));
