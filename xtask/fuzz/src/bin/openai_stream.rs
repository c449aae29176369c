//! Fuzzes OpenAI's streams.

#![no_main]

use runcor_providers::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::openai_stream(data));
