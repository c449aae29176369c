//! Writes to memories, and evaluations, with their values as text.

use runcor_core::{Evaluation, MemoryExpectation, MemorySpace, MemoryWrite, StoreError, Timestamp};

use super::Encoder;

/// A write to a memory whose value is text.
#[derive(Debug)]
pub(crate) struct MemoryRow {
    pub(crate) space: MemorySpace,
    pub(crate) key: String,
    pub(crate) value: Option<String>,
    pub(crate) now: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) expect: MemoryExpectation,
    pub(crate) max_entries: u32,
}

/// An evaluation and its text.
#[derive(Debug)]
pub(crate) struct EvaluationRow {
    pub(crate) evaluation: Box<Evaluation>,
    pub(crate) body: String,
}

impl Encoder {
    pub(super) fn memory(&mut self, write: MemoryWrite) -> Result<MemoryRow, StoreError> {
        Ok(MemoryRow {
            value: self.optional(write.value.as_ref())?,
            space: write.space,
            key: write.key,
            now: write.now,
            expires: write.expires,
            expect: write.expect,
            max_entries: write.max_entries,
        })
    }

    pub(super) fn evaluation(
        &mut self,
        evaluation: Box<Evaluation>,
    ) -> Result<EvaluationRow, StoreError> {
        Ok(EvaluationRow { body: self.text(&evaluation)?, evaluation })
    }
}
