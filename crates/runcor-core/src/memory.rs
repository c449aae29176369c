//! Memory: values that outlive a run, kept for a flow, a user or one execution.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::error::{Error, ErrorCode, Result};
use crate::id::{ExecutionId, FlowName, TenantId, UserId};
use crate::store::StoreError;
use crate::time::Timestamp;

/// One memory: whose it is, within a tenant or outside of all.
///
/// The parts are kept apart, so no name can reach into another memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemorySpace {
    /// The tenant; memories of two tenants are two memories.
    pub tenant: Option<TenantId>,
    /// Whose it is.
    pub owner: MemoryOwner,
}

/// Whose a memory is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemoryOwner {
    /// A flow's, for all of its executions: the scope `tool`.
    Tool(FlowName),
    /// A user's, for all flows: the scope `user`.
    User(UserId),
    /// One execution's; it ends with it: the scope `session`.
    Session(ExecutionId),
}

impl MemoryOwner {
    /// Returns the scope as stores keep it and the wire shows it.
    #[must_use]
    pub const fn scope(&self) -> &'static str {
        match self {
            Self::Tool(_) => "tool",
            Self::User(_) => "user",
            Self::Session(_) => "session",
        }
    }

    /// Returns the flow, user or execution as text.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Tool(flow) => flow.as_str().to_owned(),
            Self::User(user) => user.as_str().to_owned(),
            Self::Session(execution) => execution.to_string(),
        }
    }
}

/// A value in a memory.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryEntry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Value,
    /// When the key was first set, since it was last absent.
    pub created: Timestamp,
    /// When the value was last set.
    pub updated: Timestamp,
    /// From when on it is absent.
    pub expires: Option<Timestamp>,
    /// A number that this writing of the value shares with no other.
    pub version: u64,
}

/// A value to be kept in a memory.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryWrite {
    /// The memory.
    pub space: MemorySpace,
    /// The key.
    pub key: String,
    /// The value; `None` removes the key.
    pub value: Option<Value>,
    /// The present instant.
    pub now: Timestamp,
    /// From when on it is absent.
    pub expires: Option<Timestamp>,
    /// What the author last saw there.
    pub expect: MemoryExpectation,
    /// The most keys that the memory may have; a new one beyond is refused.
    pub max_entries: u32,
}

/// What has to stand at a key for a write to happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MemoryExpectation {
    /// Whatever there is.
    #[default]
    Anything,
    /// Nothing, or something that has expired.
    Absent,
    /// The writing with this number.
    Version(u64),
}

/// Which entries of a memory are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryQuery {
    /// The memory.
    pub space: MemorySpace,
    /// Only keys that begin like this.
    pub prefix: String,
    /// Only keys after this one.
    pub after: Option<String>,
    /// The most that are returned.
    pub limit: usize,
    /// The present instant: what has expired is absent.
    pub now: Timestamp,
}

/// A page of a memory, in order of the keys' bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemoryPage {
    /// The entries.
    pub items: Vec<MemoryEntry>,
    /// The key after which the next page begins, if there is one.
    pub next: Option<String>,
}

/// Reads of memories.
#[async_trait]
pub trait MemoryReads: Send + Sync {
    /// Returns an entry, unless it is absent or has expired at `now`.
    async fn memory(
        &self,
        space: &MemorySpace,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<MemoryEntry>, StoreError>;

    /// Returns a page of entries.
    async fn memories(&self, query: &MemoryQuery) -> Result<MemoryPage, StoreError>;
}

/// How much a memory may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimits {
    /// The longest key, in bytes.
    pub max_key_bytes: usize,
    /// The largest value as JSON text, in bytes.
    pub max_value_bytes: usize,
    /// The most keys of one memory.
    pub max_entries: u32,
}

/// Keys of 512 bytes, values of 256 KiB, and 10,000 of them.
impl Default for MemoryLimits {
    fn default() -> Self {
        Self { max_key_bytes: 512, max_value_bytes: 256 * 1024, max_entries: 10_000 }
    }
}

impl MemoryLimits {
    /// Checks a key.
    ///
    /// # Errors
    /// `INVALID_MEMORY_KEY`.
    pub fn check_key(&self, key: &str) -> Result<()> {
        let problem = if key.is_empty() {
            "is empty".to_owned()
        } else if key.len() > self.max_key_bytes {
            format!("is longer than {} bytes", self.max_key_bytes)
        } else if key.chars().any(char::is_control) {
            "has control characters".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorCode::InvalidMemoryKey, format!("a memory's key {problem}")))
    }

    /// Checks the size of a value.
    ///
    /// # Errors
    /// `INVALID_MEMORY_VALUE`.
    pub fn check_value(&self, value: &Value) -> Result<()> {
        let mut size = Size(0);
        let written = serde_json::to_writer(&mut size, value);
        if written.is_ok() && size.0 <= self.max_value_bytes {
            return Ok(());
        }
        let message = format!(
            "a memory's value has {} bytes as JSON; {} are allowed, keep larger things elsewhere",
            size.0, self.max_value_bytes
        );
        Err(Error::new(ErrorCode::InvalidMemoryValue, message))
    }
}

/// Returns when a value expires that is set at `now` for `ttl`; zero is never.
#[must_use]
pub fn expiry(now: Timestamp, ttl: Option<Duration>) -> Option<Timestamp> {
    ttl.filter(|ttl| !ttl.is_zero()).map(|ttl| now.after(ttl))
}

/// Counts what is written to it.
struct Size(usize);

impl std::io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_have_limits_that_say_what_is_wrong() {
        let limits = MemoryLimits { max_value_bytes: 4, ..MemoryLimits::default() };
        assert_eq!(limits.check_key("").unwrap_err().code(), ErrorCode::InvalidMemoryKey);
        assert!(limits.check_key("a\nb").is_err());
        assert!(limits.check_key("a:b/c").is_ok());
        assert!(limits.check_value(&Value::from("ab")).is_ok());
        let error = limits.check_value(&Value::from("abc")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidMemoryValue);
    }
}
