//! What can be chosen about the store.

use serde::{Deserialize, Serialize};

/// How the store keeps its promises and how much it uses for it.
///
/// ```
/// # use runcor_store_sqlite::{Durability, SqliteConfig};
/// let config = SqliteConfig { readers: 2, ..SqliteConfig::default() };
/// assert_eq!(config.durability, Durability::Full);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SqliteConfig {
    /// What an acknowledged commit survives.
    pub durability: Durability,
    /// How many reads run at once, each on a connection of its own; at least one.
    pub readers: u32,
    /// How many of the newest events are kept; at least one.
    pub event_retention: usize,
    /// The size that the database file may reach; commits beyond it are refused as full.
    ///
    /// The write-ahead log beside it comes on top.
    pub max_size_bytes: Option<u64>,
    /// How much write-ahead log may gather before it is brought into the file.
    ///
    /// It grows beyond that while a long read needs it.
    pub log_bytes: u64,
    /// How much memory the writer uses for pages of the file.
    pub cache_bytes: u64,
}

impl Default for SqliteConfig {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            readers: 4,
            event_retention: 100_000,
            max_size_bytes: None,
            log_bytes: 16 << 20,
            cache_bytes: 16 << 20,
        }
    }
}

/// What an acknowledged commit survives.
///
/// No mode loses an earlier commit while it keeps a later one, and the file stays
/// sound, `Memory` in a power cut excepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// A power cut: every commit is flushed to the disk before it is answered.
    #[default]
    Full,
    /// A crash of the process; a power cut may take the last commits.
    Normal,
    /// A crash of the process; a power cut may damage the file.
    Memory,
}

impl Durability {
    /// Returns the value of SQLite's `synchronous` pragma.
    pub(crate) const fn synchronous(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
            Self::Memory => "OFF",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_configuration_is_the_default_and_unknown_keys_are_refused() {
        assert_eq!(serde_json::from_str::<SqliteConfig>("{}").unwrap(), SqliteConfig::default());
        let some = r#"{ "durability": "normal", "eventRetention": 7 }"#;
        let config: SqliteConfig = serde_json::from_str(some).unwrap();
        assert_eq!((config.durability, config.event_retention), (Durability::Normal, 7));
        assert!(serde_json::from_str::<SqliteConfig>(r#"{ "path": "x" }"#).is_err());
    }
}
