//! Fuzzes rows of executions.

#![no_main]

use runcor_store_sqlite::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::execution_row(data));
