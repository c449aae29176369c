//! Hashes of requests: by which a replay notices that the code now asks something else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The first 128 bits of the SHA-256 of a request's canonical JSON.
///
/// Canonical means that the order of an object's keys makes no difference.
/// On the wire it is 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestHash([u8; 16]);

impl RequestHash {
    /// Hashes a request.
    #[must_use]
    pub fn of(request: &Value) -> Self {
        let mut hasher = Sha256::new();
        feed(&mut hasher, request);
        let mut short = [0; 16];
        for (to, from) in short.iter_mut().zip(hasher.finalize()) {
            *to = from;
        }
        Self(short)
    }

    /// Makes a hash of its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Feeds a value in a form that no other value has.
fn feed(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => tagged(hasher, b'v', &value.to_string()),
        Value::String(text) => tagged(hasher, b's', text),
        Value::Array(items) => {
            tagged(hasher, b'a', &items.len().to_string());
            items.iter().for_each(|item| feed(hasher, item));
        }
        Value::Object(fields) => {
            tagged(hasher, b'o', &fields.len().to_string());
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            for (key, field) in fields {
                tagged(hasher, b'k', key);
                feed(hasher, field);
            }
        }
    }
}

fn tagged(hasher: &mut Sha256, tag: u8, text: &str) {
    hasher.update([tag]);
    hasher.update(text.len().to_le_bytes());
    hasher.update(text);
}

impl fmt::Display for RequestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RequestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestHash({self})")
    }
}

/// A text that is no request hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a request hash; it has 32 hexadecimal digits")]
pub struct InvalidRequestHash;

impl FromStr for RequestHash {
    type Err = InvalidRequestHash;
    fn from_str(text: &str) -> Result<Self, InvalidRequestHash> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number.map(|number| Self(number.to_be_bytes())).ok_or(InvalidRequestHash)
    }
}

impl Serialize for RequestHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_keys_makes_no_difference_and_everything_else_does() {
        let hash = RequestHash::of(&json!({ "a": 1, "b": [true, null] }));
        assert_eq!(hash, RequestHash::of(&json!({ "b": [true, null], "a": 1 })));
        for other in [
            json!({ "a": 1, "b": [null, true] }),
            json!({ "a": "1", "b": [true, null] }),
            json!({ "a": 1, "b": [[true, null]] }),
            json!({ "a": 1, "b": [true], "c": null }),
        ] {
            assert_ne!(hash, RequestHash::of(&other), "{other}");
        }
    }

    #[test]
    fn a_hash_is_read_back_from_its_text() {
        let hash = RequestHash::of(&json!("x"));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for text in
            ["", "zz", "+1234567890123456789012345678901", "é234567890123456789012345678901"]
        {
            assert_eq!(text.parse::<RequestHash>(), Err(InvalidRequestHash), "{text}");
        }
    }
}
