//! Secrets on their way out: always three asterisks.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Serialize as _, Serializer};

/// What stands in place of a secret.
const MASK: &str = "***";

/// Writes the mask in place of the secret.
pub(crate) fn masked<S: Serializer>(
    secret: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| MASK).serialize(serializer)
}

/// Writes the mask in place of a secret that is always there.
pub(crate) fn masked_one<S: Serializer>(
    _: &SecretString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    MASK.serialize(serializer)
}

/// Writes the names with the mask in place of every value.
pub(crate) fn masked_values<S: Serializer>(
    secrets: &BTreeMap<String, SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(secrets.keys().map(|name| (name, MASK)))
}
