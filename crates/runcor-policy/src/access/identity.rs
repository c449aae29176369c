//! Identities: whom an access policy is for.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::error::Error;

/// Whom an access policy is for.
///
/// ```
/// # use runcor_policy::Identity;
/// assert_eq!("user:alice".parse::<Identity>()?, Identity::User("alice".to_owned()));
/// assert_eq!("tenant:acme".parse::<Identity>()?, Identity::Tenant("acme".to_owned()));
/// assert_eq!("*".parse::<Identity>()?, Identity::Everybody);
/// assert_eq!("alice".parse::<Identity>()?, Identity::Either("alice".to_owned()));
/// # Ok::<(), runcor_policy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Identity {
    /// Everybody, also callers without user and tenant: `*`.
    Everybody,
    /// A user: `user:NAME`.
    User(String),
    /// A tenant: `tenant:NAME`.
    Tenant(String),
    /// The user of that name, and the tenant of that name: just `NAME`.
    Either(String),
}

impl FromStr for Identity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (make, name): (fn(String) -> Self, _) = match text {
            "*" => return Ok(Self::Everybody),
            _ if text.starts_with("user:") => (Self::User, text.split_at(5).1),
            _ if text.starts_with("tenant:") => (Self::Tenant, text.split_at(7).1),
            _ => (Self::Either, text),
        };
        if name.trim().is_empty() {
            let message = "an identity names nobody; write user:NAME, tenant:NAME, NAME or *";
            return Err(Error::invalid(message));
        }
        Ok(make(name.to_owned()))
    }
}

impl TryFrom<String> for Identity {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("*"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Tenant(name) => write!(f, "tenant:{name}"),
            Self::Either(name) => f.write_str(name),
        }
    }
}
