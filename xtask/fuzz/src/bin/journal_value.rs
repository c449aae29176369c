//! Fuzzes large values of journals.

#![no_main]

use runcor_store_sqlite::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::journal_value(data));
