//! An index that grows a little at a time: from keys to creation numbers.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

/// In how many tables the keys are spread; a power of two.
pub(crate) const TABLES: usize = 64;

/// Values by a key: the creation numbers of executions, unless it says otherwise.
///
/// A hash table that grows moves all that it holds at once, while everybody
/// waits for the lock: with a million keys that takes half a second. So the
/// keys are spread over many tables, of which one grows at a time, and each key
/// has its hash beside it, so that the text of keys is not read again.
#[derive(Debug)]
pub(crate) struct Index<K, V = u64> {
    hasher: RandomState,
    tables: Vec<Table<K, V>>,
}

type Table<K, V> = HashMap<Hashed<K>, V, BuildHasherDefault<Kept>>;

#[derive(Debug, PartialEq, Eq)]
struct Hashed<K> {
    hash: u64,
    key: K,
}

impl<K> Hash for Hashed<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Returns the hash that it is given, or spreads a slot.
#[derive(Debug, Default)]
pub(crate) struct Kept(u64);

impl Hasher for Kept {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    /// Slots are given out one by one; a product brings each into all bits.
    fn write_u32(&mut self, slot: u32) {
        self.0 = u64::from(slot).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl<K: Eq + Hash> Index<K> {
    pub(crate) fn get(&self, key: K) -> Option<u64> {
        self.find(key).copied()
    }
}

impl<K: Eq + Hash, V> Index<K, V> {
    pub(crate) fn find(&self, key: K) -> Option<&V> {
        let key = self.hashed(key);
        self.tables.get(place(key.hash))?.get(&key)
    }

    pub(crate) fn find_mut(&mut self, key: K) -> Option<&mut V> {
        let key = self.hashed(key);
        self.tables.get_mut(place(key.hash))?.get_mut(&key)
    }

    /// Returns the value of a key, which is the default until it is set.
    pub(crate) fn find_or_default(&mut self, key: K) -> Option<&mut V>
    where
        V: Default,
    {
        let key = self.hashed(key);
        Some(self.tables.get_mut(place(key.hash))?.entry(key).or_default())
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let key = self.hashed(key);
        self.tables.get_mut(place(key.hash))?.insert(key, value)
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let key = self.hashed(key);
        self.tables.get_mut(place(key.hash))?.remove(&key)
    }

    fn hashed(&self, key: K) -> Hashed<K> {
        Hashed { hash: self.hasher.hash_one(&key), key }
    }
}

impl<K: Eq + Hash + Clone, V: PartialEq> PartialEq for Index<K, V> {
    /// Indexes are equal when they hold the same, whatever it hashes to in each.
    fn eq(&self, other: &Self) -> bool {
        let size = |index: &Self| index.tables.iter().map(HashMap::len).sum::<usize>();
        let mut entries = self.tables.iter().flatten();
        size(self) == size(other)
            && entries.all(|(hashed, value)| other.find(hashed.key.clone()) == Some(value))
    }
}

impl<K, V> Default for Index<K, V> {
    fn default() -> Self {
        let tables = std::iter::repeat_with(HashMap::default).take(TABLES).collect();
        Self { hasher: RandomState::new(), tables }
    }
}

/// Chooses the table by bits in the middle: a table itself uses those at both ends.
pub(crate) fn place(hash: u64) -> usize {
    usize::try_from(hash >> 40).unwrap_or(0) % TABLES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_until_it_is_removed() {
        let mut index = Index::default();
        for number in 0..10_000 {
            index.insert(number.to_string(), number);
        }
        assert_eq!(index.get("7".to_owned()), Some(7));
        index.insert("7".to_owned(), 70);
        assert_eq!(index.get("7".to_owned()), Some(70));
        index.remove("7".to_owned());
        assert_eq!((index.get("7".to_owned()), index.get("8".to_owned())), (None, Some(8)));
    }

    #[test]
    fn keys_are_spread_over_all_tables() {
        let mut index = Index::default();
        for number in 0..10_000_u64 {
            index.insert(number, number);
        }
        let sizes = index.tables.iter().map(HashMap::len);
        assert!(sizes.clone().all(|size| size > 0), "{:?}", sizes.collect::<Vec<_>>());
    }
}
