//! Queries for executions and the pages that answer them.

use std::fmt;
use std::str::FromStr;

use crate::execution::ExecutionState;
use crate::id::{ExecutionId, FlowName, TenantId, UserId};

/// Which executions are wanted, and which page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionQuery {
    /// Only those in this state.
    pub state: Option<ExecutionState>,
    /// Only those of this flow.
    pub flow: Option<FlowName>,
    /// Only those of this user.
    pub user: Option<UserId>,
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those that this execution called.
    pub parent: Option<ExecutionId>,
    /// The order of creation in which they come.
    pub order: Order,
    /// Where the last page ended.
    pub after: Option<Cursor>,
    /// How many are passed over, counted from `after`.
    pub offset: usize,
    /// The most that are returned.
    pub limit: usize,
}

impl Default for ExecutionQuery {
    fn default() -> Self {
        Self {
            state: None,
            flow: None,
            user: None,
            tenant: None,
            parent: None,
            order: Order::Oldest,
            after: None,
            offset: 0,
            limit: 50,
        }
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    #[default]
    Oldest,
    /// Newest first.
    Newest,
}

/// The place where a page ended: the creation number of its last execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(u64);

impl Cursor {
    /// Makes a cursor of a store's creation number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the creation number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor; pass a nextCursor of an earlier page unchanged")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let number = text.strip_prefix('c').ok_or(InvalidCursor)?;
        number.parse().map(Self).map_err(|_| InvalidCursor)
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// What is on the page.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}
