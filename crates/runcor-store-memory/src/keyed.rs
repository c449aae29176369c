//! Values in numbered slots under keys that are looked up by reference.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, RandomState};

use crate::index::{Kept, TABLES, place};

/// A key, what stands under it, and the slot in which both are found directly.
///
/// The hash tables hold slots and no keys, so they grow cheaply, and a key of
/// several parts is looked up without being put together.
#[derive(Debug)]
pub(crate) struct Keyed<K, V> {
    hasher: RandomState,
    tables: Vec<HashMap<u64, Vec<u32>, BuildHasherDefault<Kept>>>,
    slots: Vec<Option<Box<(K, V)>>>,
    free: Vec<u32>,
}

impl<K, V> Default for Keyed<K, V> {
    fn default() -> Self {
        let tables = std::iter::repeat_with(HashMap::default).take(TABLES).collect();
        Self { hasher: RandomState::new(), tables, slots: Vec::new(), free: Vec::new() }
    }
}

impl<K: Eq + Hash, V> Keyed<K, V> {
    pub(crate) fn find(&self, key: &K) -> Option<u32> {
        self.find_by(key, |other| other == key)
    }

    /// Finds a key by anything that hashes alike.
    pub(crate) fn find_by(&self, like: &impl Hash, is: impl Fn(&K) -> bool) -> Option<u32> {
        let hash = self.hasher.hash_one(like);
        let slots = self.tables.get(place(hash))?.get(&hash)?;
        slots.iter().copied().find(|slot| self.get(*slot).is_some_and(|(key, _)| is(key)))
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&(K, V)> {
        self.slots.get(index(slot))?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut V> {
        self.slots.get_mut(index(slot))?.as_deref_mut().map(|(_, value)| value)
    }

    /// Adds a key that is not there.
    pub(crate) fn add(&mut self, key: K, value: V) -> u32 {
        let next = || u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let slot = self.free.pop().unwrap_or_else(next);
        self.fill(slot, Box::new((key, value)));
        slot
    }

    pub(crate) fn take(&mut self, slot: u32) -> Option<Box<(K, V)>> {
        let pair = self.slots.get_mut(index(slot))?.take()?;
        let hash = self.hasher.hash_one(&pair.0);
        if let Some(table) = self.tables.get_mut(place(hash))
            && let Some(slots) = table.get_mut(&hash)
        {
            slots.retain(|other| *other != slot);
            if slots.is_empty() {
                table.remove(&hash);
            }
        }
        self.free.push(slot);
        Some(pair)
    }

    /// Puts something back into the slot that it was taken from.
    pub(crate) fn put(&mut self, slot: u32, pair: Box<(K, V)>) {
        // Steps are taken back in reverse, so it is the last one as a rule.
        if let Some(at) = self.free.iter().rposition(|free| *free == slot) {
            self.free.remove(at);
        }
        self.fill(slot, pair);
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = &(K, V)> {
        self.slots.iter().flatten().map(Box::as_ref)
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = (u32, &(K, V))> {
        let filled = |(slot, pair)| Some((slot, Option::as_deref(pair)?));
        (0..).zip(&self.slots).filter_map(filled)
    }

    fn fill(&mut self, slot: u32, pair: Box<(K, V)>) {
        let hash = self.hasher.hash_one(&pair.0);
        if let Some(table) = self.tables.get_mut(place(hash)) {
            table.entry(hash).or_default().push(slot);
        }
        let at = index(slot);
        if self.slots.len() <= at {
            self.slots.resize_with(at + 1, || None);
        }
        if let Some(place) = self.slots.get_mut(at) {
            *place = Some(pair);
        }
    }
}

impl<K: Eq + Hash, V: PartialEq> PartialEq for Keyed<K, V> {
    /// Two are equal when they hold the same, in whatever slots.
    fn eq(&self, other: &Self) -> bool {
        self.pairs().count() == other.pairs().count()
            && self.pairs().all(|(key, value)| {
                let found = other.find(key).and_then(|slot| other.get(slot));
                found.is_some_and(|(_, other)| other == value)
            })
    }
}

fn index(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_used_again_and_keys_found_where_they_are() {
        let mut keyed = Keyed::default();
        let [a, b] = ["a", "b"].map(|key| keyed.add(key.to_owned(), key.len()));
        assert_eq!(keyed.find(&"b".to_owned()), Some(b));
        let taken = keyed.take(a).unwrap();
        assert_eq!(keyed.find(&"a".to_owned()), None);
        assert_eq!(keyed.add("c".to_owned(), 1), a);
        keyed.take(a);
        keyed.put(a, taken);
        assert_eq!(keyed.find_by(&"a", |key| key == "a"), Some(a));
        assert_eq!(keyed.pairs().count(), 2);
    }
}
