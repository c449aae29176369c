//! Memories: ordered entries of each space, and when they expire.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included, Unbounded};

use runcor_core::{
    MemoryEntry, MemoryExpectation, MemoryPage, MemoryQuery, MemorySpace, MemoryWrite, StoreError,
    Timestamp,
};

use crate::index::Index;

/// One memory.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Space {
    entries: BTreeMap<String, MemoryEntry>,
    expiring: BTreeSet<(Timestamp, String)>,
}

/// Every memory that has entries.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Memories {
    last_version: u64,
    spaces: Index<MemorySpace, Space>,
    /// When each memory's next entry expires.
    due: BTreeSet<(Timestamp, MemorySpace)>,
}

/// How a step is taken back.
#[derive(Debug)]
pub(crate) enum MemoryUndo {
    Entry { space: MemorySpace, key: String, former: Option<MemoryEntry>, last_version: u64 },
    Space(MemorySpace, Space),
}

impl Space {
    fn live(&self, key: &str, now: Timestamp) -> Option<&MemoryEntry> {
        self.entries.get(key).filter(|entry| is_live(entry, now))
    }

    fn has_room(&self, max: u32, now: Timestamp) -> bool {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let expired = || self.expiring.iter().take_while(|(at, _)| *at <= now).count();
        self.entries.len() < max || self.entries.len() - expired() < max
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.expiring.first().map(|(at, _)| *at)
    }

    fn set(&mut self, key: &str, entry: Option<MemoryEntry>) -> Option<MemoryEntry> {
        let expires = entry.as_ref().and_then(|entry| entry.expires);
        let former = match entry {
            Some(entry) => self.entries.insert(key.to_owned(), entry),
            None => self.entries.remove(key),
        };
        if let Some(at) = former.as_ref().and_then(|former| former.expires) {
            self.expiring.remove(&(at, key.to_owned()));
        }
        if let Some(at) = expires {
            self.expiring.insert((at, key.to_owned()));
        }
        former
    }
}

impl Memories {
    pub(crate) fn entry(
        &self,
        space: &MemorySpace,
        key: &str,
        now: Timestamp,
    ) -> Option<&MemoryEntry> {
        self.spaces.find(space.clone())?.live(key, now)
    }

    /// Returns a page of entries in order of their keys.
    pub(crate) fn page(&self, query: &MemoryQuery) -> MemoryPage {
        let mut page = MemoryPage::default();
        let Some(space) = self.spaces.find(query.space.clone()) else { return page };
        let prefix = query.prefix.as_str();
        let start = match query.after.as_deref() {
            Some(after) if after >= prefix => Excluded(after),
            _ => Included(prefix),
        };
        let mut found = space
            .entries
            .range::<str, _>((start, Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(_, entry)| entry)
            .filter(|entry| is_live(entry, query.now));
        page.items = found.by_ref().take(query.limit).cloned().collect();
        page.next = found.next().and_then(|_| page.items.last()).map(|entry| entry.key.clone());
        page
    }

    /// Writes or removes a key; returns how that is taken back.
    pub(crate) fn write(&mut self, write: MemoryWrite) -> Result<MemoryUndo, StoreError> {
        let MemoryWrite { space, key, value, now, expires, expect, max_entries } = write;
        let found = self.spaces.find(space.clone());
        let live = found.and_then(|space| space.live(&key, now));
        let holds = match expect {
            MemoryExpectation::Anything => true,
            MemoryExpectation::Absent => live.is_none(),
            MemoryExpectation::Version(version) => live.is_some_and(|e| e.version == version),
        };
        if !holds {
            return Err(StoreError::Stale { what: format!("the memory's {key:?}") });
        }
        let has_room = || found.map_or(max_entries > 0, |space| space.has_room(max_entries, now));
        if value.is_some() && live.is_none() && !has_room() {
            return Err(StoreError::MemoryFull { max: max_entries });
        }
        let created = live.map_or(now, |entry| entry.created);
        let last_version = self.last_version;
        let entry = value.map(|value| MemoryEntry {
            key: key.clone(),
            value,
            created,
            updated: now,
            expires,
            version: last_version + 1,
        });
        self.last_version += u64::from(entry.is_some());
        let former = self.set(&space, &key, entry);
        Ok(MemoryUndo::Entry { space, key, former, last_version })
    }

    /// Removes a memory with all that it has.
    pub(crate) fn forget(&mut self, space: &MemorySpace) -> Option<MemoryUndo> {
        let taken = self.spaces.remove(space.clone())?;
        if let Some(at) = taken.next_due() {
            self.due.remove(&(at, space.clone()));
        }
        Some(MemoryUndo::Space(space.clone(), taken))
    }

    /// Removes entries that have expired.
    pub(crate) fn expire(&mut self, now: Timestamp, limit: usize) -> Vec<MemoryUndo> {
        let last_version = self.last_version;
        let mut removed = Vec::new();
        while removed.len() < limit
            && let Some((at, space)) = self.due.first().cloned()
            && at <= now
        {
            let found = self.spaces.find(space.clone());
            let Some((_, key)) = found.and_then(|space| space.expiring.first()).cloned() else {
                break;
            };
            let former = self.set(&space, &key, None);
            removed.push(MemoryUndo::Entry { space, key, former, last_version });
        }
        removed
    }

    pub(crate) fn undo(&mut self, undo: MemoryUndo) {
        match undo {
            MemoryUndo::Entry { space, key, former, last_version } => {
                self.set(&space, &key, former);
                self.last_version = last_version;
            }
            MemoryUndo::Space(space, taken) => {
                if let Some(at) = taken.next_due() {
                    self.due.insert((at, space.clone()));
                }
                self.spaces.insert(space, taken);
            }
        }
    }

    /// Sets what stands at a key, and returns what stood there.
    fn set(
        &mut self,
        space: &MemorySpace,
        key: &str,
        entry: Option<MemoryEntry>,
    ) -> Option<MemoryEntry> {
        let found = self.spaces.find_or_default(space.clone())?;
        let before = found.next_due();
        let former = found.set(key, entry);
        let after = found.next_due();
        if found.entries.is_empty() {
            self.spaces.remove(space.clone());
        }
        if before != after {
            before.map(|at| self.due.remove(&(at, space.clone())));
            after.map(|at| self.due.insert((at, space.clone())));
        }
        former
    }
}

fn is_live(entry: &MemoryEntry, now: Timestamp) -> bool {
    entry.expires.is_none_or(|expires| expires > now)
}
