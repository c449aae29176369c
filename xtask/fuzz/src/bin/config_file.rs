//! Fuzzes files of configuration.

#![no_main]

use runcor_config::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::config_file(data));
