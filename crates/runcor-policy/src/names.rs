//! Sets of names, in which `*` stands for all.

use std::collections::BTreeSet;

use serde::Deserialize;

/// Names of flows, users or tenants, or all that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<String>")]
pub(crate) struct Names {
    all: bool,
    names: BTreeSet<String>,
}

impl Names {
    /// Returns whether `name` is among them.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }

    /// Returns whether `*` is among them.
    pub(crate) const fn is_all(&self) -> bool {
        self.all
    }

    /// Returns those that are named.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

impl From<Vec<String>> for Names {
    fn from(names: Vec<String>) -> Self {
        names.into_iter().collect()
    }
}

impl<I: Into<String>> FromIterator<I> for Names {
    fn from_iter<T: IntoIterator<Item = I>>(names: T) -> Self {
        let mut set = Self::default();
        for name in names.into_iter().map(Into::into) {
            if name == "*" {
                set.all = true;
            } else {
                set.names.insert(name);
            }
        }
        set
    }
}
