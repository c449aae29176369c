//! Notes: what need not be durable before whatever comes next is.

use parking_lot::Mutex;
use runcor_core::{JournalEntry, Op};

/// The notes of one run, until they are durable.
///
/// They are written together with each write that begins before one of those
/// has succeeded. Writing one twice does no harm, and a write that is dropped
/// in the middle loses none.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    notes: Vec<Note>,
    /// The number of the last one.
    last: u64,
}

#[derive(Debug, Clone)]
struct Note {
    number: u64,
    entry: Option<JournalEntry>,
    ops: Vec<Op>,
}

/// The notes at one instant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noted {
    notes: Vec<Note>,
}

impl Notes {
    pub(crate) fn add(&self, entry: Option<JournalEntry>, ops: Vec<Op>) {
        let mut kept = self.kept.lock();
        kept.last += 1;
        let number = kept.last;
        kept.notes.push(Note { number, entry, ops });
    }

    /// Returns whether an entry is not yet durable.
    pub(crate) fn has_entries(&self) -> bool {
        self.kept.lock().notes.iter().any(|note| note.entry.is_some())
    }

    /// Returns what is not yet durable.
    pub(crate) fn now(&self) -> Noted {
        Noted { notes: self.kept.lock().notes.clone() }
    }

    /// Returns the entries that are not yet durable.
    pub(crate) fn entries_now(&self) -> Noted {
        let kept = self.kept.lock();
        let has_entry = |note: &&Note| note.entry.is_some();
        Noted { notes: kept.notes.iter().filter(has_entry).cloned().collect() }
    }

    /// Forgets what has been written.
    pub(crate) fn written(&self, noted: &Noted) {
        let is_written = |number| noted.notes.binary_search_by_key(&number, |it| it.number).is_ok();
        self.kept.lock().notes.retain(|note| !is_written(note.number));
    }
}

impl Noted {
    pub(crate) fn entries(&self) -> impl Iterator<Item = &JournalEntry> {
        self.notes.iter().filter_map(|note| note.entry.as_ref())
    }

    /// Returns the operations that write them; `write` makes one of an entry.
    pub(crate) fn ops(&self, write: impl Fn(&JournalEntry) -> Op) -> Vec<Op> {
        let ops = |note: &Note| {
            let entry = note.entry.as_ref().map(&write);
            entry.into_iter().chain(note.ops.iter().cloned()).collect::<Vec<_>>()
        };
        self.notes.iter().flat_map(ops).collect()
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::{ExecutionId, JournalKind, Timestamp};
    use serde_json::json;

    use super::*;

    #[test]
    fn notes_are_kept_until_a_write_that_had_them_succeeds() {
        let notes = Notes::default();
        let entry = |path: &str| {
            let at = Timestamp::from_millis(1);
            Some(JournalEntry::done(path, JournalKind::Memory, json!(1), at))
        };
        notes.add(entry("a"), Vec::new());
        let first = notes.now();
        notes.add(entry("b"), Vec::new());
        let both = notes.now();
        notes.written(&first);
        assert!(notes.has_entries(), "b is not written yet");
        assert_eq!(both.entries().count(), 2);
        notes.written(&both);
        assert!(!notes.has_entries());
    }

    #[test]
    fn what_is_no_entry_is_kept_while_the_entries_are_written() {
        let notes = Notes::default();
        let at = Timestamp::from_millis(1);
        notes.add(None, vec![Op::NotEnded { id: ExecutionId::mint(at) }]);
        notes.add(Some(JournalEntry::done("a", JournalKind::Memory, json!(1), at)), Vec::new());
        notes.written(&notes.entries_now());
        assert!(!notes.has_entries());
        assert_eq!(notes.now().notes.len(), 1);
    }
}
