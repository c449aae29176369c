//! Fuzzes paths into the document of a run.

#![no_main]

use runcor_pipeline::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::json_path(data));
