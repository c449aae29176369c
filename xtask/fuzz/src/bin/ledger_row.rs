//! Fuzzes rows of the ledger.

#![no_main]

use runcor_store_sqlite::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::ledger_row(data));
