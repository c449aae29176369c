//! Groups: ordered sets under keys, of which only those with members exist.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// Ordered members grouped by a key.
#[derive(Debug)]
pub(crate) struct Groups<K, V> {
    sets: HashMap<K, BTreeSet<V>>,
}

impl<K, V> Default for Groups<K, V> {
    fn default() -> Self {
        Self { sets: HashMap::new() }
    }
}

impl<K: Eq + Hash, V: PartialEq> PartialEq for Groups<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.sets == other.sets
    }
}

impl<K: Eq + Hash + Clone, V: Ord> Groups<K, V> {
    pub(crate) fn insert(&mut self, key: &K, member: V) {
        match self.sets.get_mut(key) {
            Some(set) => {
                set.insert(member);
            }
            None => {
                self.sets.insert(key.clone(), BTreeSet::from([member]));
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &K, member: &V) {
        if let Some(set) = self.sets.get_mut(key) {
            set.remove(member);
            if set.is_empty() {
                self.sets.remove(key);
            }
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&BTreeSet<V>> {
        self.sets.get(key)
    }

    pub(crate) fn sets(&self) -> impl Iterator<Item = &BTreeSet<V>> {
        self.sets.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_without_members_does_not_exist() {
        let mut groups = Groups::default();
        groups.insert(&"a", 1);
        groups.insert(&"a", 2);
        groups.remove(&"a", &1);
        assert_eq!(groups.get(&"a").map(BTreeSet::len), Some(1));
        groups.remove(&"a", &2);
        assert!(groups.get(&"a").is_none());
        groups.remove(&"b", &2);
        assert_eq!(groups.sets().count(), 0);
    }
}
