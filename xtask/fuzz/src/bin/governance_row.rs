//! Fuzzes rows of accounts, memories, evaluations and flags.

#![no_main]

use runcor_store_sqlite::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::governance_row(data));
