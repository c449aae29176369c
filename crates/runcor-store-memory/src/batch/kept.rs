//! Operations on rate limits, memories and flags.

use runcor_core::{Flag, FlagStatus, MemorySpace, MemoryWrite, RateTake, StoreError};

use super::{Undo, Work};
use crate::quality::QualityUndo;

impl Work<'_> {
    pub(super) fn take_turn(&mut self, wish: &RateTake) -> Result<(), StoreError> {
        let (turn, undo) = self.state.rates.take(wish).map_err(StoreError::RateLimited)?;
        self.undo.push(Undo::Rate(undo));
        if turn > wish.now {
            self.receipt.turn = self.receipt.turn.max(Some(turn));
        }
        Ok(())
    }

    pub(super) fn remember(&mut self, write: MemoryWrite) -> Result<(), StoreError> {
        let undo = self.state.memories.write(write)?;
        self.undo.push(Undo::Memory(Box::new(undo)));
        Ok(())
    }

    pub(super) fn forget_all(&mut self, space: &MemorySpace) {
        let undo = self.state.memories.forget(space);
        self.undo.extend(undo.map(Box::new).map(Undo::Memory));
    }

    pub(super) fn flag(
        &mut self,
        flag: Box<Flag>,
        expect: Option<FlagStatus>,
    ) -> Result<(), StoreError> {
        let id = flag.execution_id;
        if self.state.quality.flag_status(id) != expect {
            return Err(StoreError::Stale { what: format!("the flag of execution {id}") });
        }
        let undo = self.state.quality.flag(flag);
        self.undo.push(Undo::Quality(undo));
        self.state.note_flag(id);
        Ok(())
    }

    pub(super) fn undo_quality(&mut self, undo: QualityUndo) {
        let flagged = match &undo {
            QualityUndo::Flag(id, _) => Some(*id),
            QualityUndo::Evaluation(..) | QualityUndo::Waiting(..) => None,
        };
        self.state.quality.undo(undo);
        if let Some(id) = flagged {
            self.state.note_flag(id);
        }
    }
}
