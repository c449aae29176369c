//! The journal of one execution: entries in order, each found by its path.

use std::collections::HashMap;

use runcor_core::JournalEntry;

/// The entries in the order in which their places were first met, and where
/// each path stands, so that a write does not depend on how many there are.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct JournalLog {
    entries: Vec<JournalEntry>,
    places: HashMap<String, usize>,
}

impl JournalLog {
    /// Makes the journal of its entries; `None` when two of them share a path.
    pub(crate) fn seeded(entries: Vec<JournalEntry>) -> Option<Self> {
        let places: HashMap<_, _> =
            entries.iter().enumerate().map(|(at, entry)| (entry.path.clone(), at)).collect();
        (places.len() == entries.len()).then_some(Self { entries, places })
    }

    pub(crate) fn entries(&self) -> &[JournalEntry] {
        &self.entries
    }

    pub(crate) fn find(&self, path: &str) -> Option<&JournalEntry> {
        self.places.get(path).and_then(|place| self.entries.get(*place))
    }

    /// Writes an entry in the place of the one with its path, else at the end;
    /// returns the one that was there.
    pub(crate) fn write(&mut self, entry: JournalEntry) -> Option<JournalEntry> {
        let place = self.places.get(&entry.path).copied();
        if let Some(present) = place.and_then(|place| self.entries.get_mut(place)) {
            return Some(std::mem::replace(present, entry));
        }
        self.places.insert(entry.path.clone(), self.entries.len());
        self.entries.push(entry);
        None
    }

    /// Takes the newest entry back, as if its place had never been met.
    pub(crate) fn unwrite(&mut self) {
        if let Some(entry) = self.entries.pop() {
            self.places.remove(&entry.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::{JournalKind, Timestamp};

    use super::*;

    fn entry(path: &str, millis: i64) -> JournalEntry {
        JournalEntry::intent(path, JournalKind::Step, Timestamp::from_millis(millis))
    }

    #[test]
    fn an_entry_keeps_its_place_and_the_newest_is_taken_back() {
        let mut journal = JournalLog::default();
        assert_eq!(journal.write(entry("a", 1)), None);
        assert_eq!(journal.write(entry("b", 2)), None);
        assert_eq!(journal.write(entry("a", 3)), Some(entry("a", 1)));
        assert_eq!(journal.entries(), [entry("a", 3), entry("b", 2)]);
        assert_eq!(journal.find("b"), Some(&entry("b", 2)));
        journal.unwrite();
        assert_eq!(journal.find("b"), None);
        assert_eq!(Some(journal), JournalLog::seeded(vec![entry("a", 3)]));
    }

    #[test]
    fn a_journal_does_not_begin_with_one_path_twice() {
        assert_eq!(JournalLog::seeded(vec![entry("a", 1), entry("a", 2)]), None);
    }
}
