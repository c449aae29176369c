//! Identifiers: validated once, cheap to clone, transparent on the wire.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// The longest text identifier that is accepted, in bytes.
pub const MAX_ID_BYTES: usize = 512;

/// A text that is not a valid identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {problem}")]
pub struct InvalidId {
    kind: &'static str,
    problem: &'static str,
}

fn check(kind: &'static str, text: &str) -> Result<(), InvalidId> {
    let problem = if text.trim().is_empty() {
        "must not be empty"
    } else if text.len() > MAX_ID_BYTES {
        "is longer than 512 bytes"
    } else if text.chars().any(char::is_control) {
        "must not contain control characters"
    } else {
        return Ok(());
    };
    Err(InvalidId { kind, problem })
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and makes an identifier of it.
            ///
            /// # Errors
            /// Returns [`InvalidId`] when the text is blank, longer than
            /// [`MAX_ID_BYTES`] or contains control characters.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
                let text = text.as_ref();
                check($kind, text)?;
                Ok(Self(Arc::from(text)))
            }

            /// Returns the identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;
            fn try_from(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// The name under which a flow is registered.
    FlowName, "flow name");
text_id!(
    /// The caller's key that makes a trigger happen once.
    IdempotencyKey, "idempotency key");
text_id!(
    /// The person or service on whose behalf an execution runs.
    UserId, "user id");
text_id!(
    /// The conversation or session that an execution belongs to.
    SessionId, "session id");
text_id!(
    /// The tenant that owns an execution.
    TenantId, "tenant id");

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Mints a new identity whose time part is `now`.
            #[must_use]
            pub fn mint(now: Timestamp) -> Self {
                Self(mint(now))
            }

            /// Returns the sixteen bytes of the identity, as a store keeps them.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Makes an identity from the sixteen bytes that [`as_bytes`](Self::as_bytes) gave.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.as_hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| InvalidId { kind: $kind, problem: "is not a UUID" })
            }
        }
    };
}

uuid_id!(
    /// The identity of one execution: a UUID of version 7, ordered by creation time.
    ExecutionId, "execution id");
uuid_id!(
    /// The identity of one engine process that owns executions by lease.
    WorkerId, "worker id");
uuid_id!(
    /// The identity of one request to a vendor: of its reservation and of its row in the ledger.
    AttemptId, "attempt id");

fn mint(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(
        uuid::timestamp::context::ContextV7::new(),
        millis / 1000,
        u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000,
    );
    Uuid::new_v7(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_and_control_texts_are_not_identifiers() {
        assert!(FlowName::new("").is_err());
        assert!(FlowName::new("  \t").is_err());
        assert!(FlowName::new("a\nb").is_err());
        assert!(FlowName::new("x".repeat(513)).is_err());
        assert_eq!(FlowName::new("morning-brief").unwrap().as_str(), "morning-brief");
    }

    #[test]
    fn execution_ids_sort_by_the_time_they_were_minted() {
        let early = ExecutionId::mint(Timestamp::from_millis(1_000));
        let late = ExecutionId::mint(Timestamp::from_millis(2_000));
        assert!(early < late);
        assert_eq!(early.to_string().parse::<ExecutionId>().unwrap(), early);
    }
}
