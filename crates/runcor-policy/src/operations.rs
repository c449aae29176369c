//! Sets of operations.

use runcor_core::Operation;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// A set of operations; in configurations `*` stands for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Operations {
    bits: u16,
}

impl Operations {
    /// Returns whether an operation is among them.
    pub(crate) fn contains(self, operation: Operation) -> bool {
        self.bits & bit(operation) != 0
    }

    /// Returns whether there are none.
    pub(crate) const fn is_empty(self) -> bool {
        self.bits == 0
    }
}

/// Returns the bit of an operation; one that this crate does not know has none.
fn bit(operation: Operation) -> u16 {
    let place = Operation::ALL.iter().position(|known| *known == operation);
    place.map_or(0, |place| 1 << place)
}

impl FromIterator<Operation> for Operations {
    fn from_iter<T: IntoIterator<Item = Operation>>(operations: T) -> Self {
        Self { bits: operations.into_iter().fold(0, |bits, operation| bits | bit(operation)) }
    }
}

impl<'de> Deserialize<'de> for Operations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        let read = |word: &String| match word.as_str() {
            "*" => Ok(Operation::ALL.into_iter().collect()),
            word => Operation::ALL
                .into_iter()
                .find(|operation| operation.as_str() == word)
                .map(|operation| std::iter::once(operation).collect())
                .ok_or_else(|| D::Error::custom("expected an operation or \"*\"")),
        };
        let union = |all: Self, some: Self| Self { bits: all.bits | some.bits };
        words.iter().map(read).try_fold(Self::default(), |all, some| Ok(union(all, some?)))
    }
}
