//! Fuzzes rows of events.

#![no_main]

use runcor_store_sqlite::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::event_row(data));
