//! Reads of memories: one entry, and pages by prefix.

use runcor_core::{MemoryEntry, MemoryPage, MemoryQuery, MemorySpace, Timestamp};
use rusqlite::{Connection, params};

use super::tenant;
use crate::decode::{self, MEMORY_COLUMNS};
use crate::encode::integer;
use crate::error::Error;

/// Reads an entry.
pub(crate) fn entry(
    conn: &Connection,
    of: &MemorySpace,
    key: &str,
    now: Timestamp,
) -> Result<Option<MemoryEntry>, Error> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {MEMORY_COLUMNS} FROM memories WHERE space = (SELECT number FROM memory_spaces \
         WHERE owner = ?1 AND scope = ?2 AND tenant = ?3) AND key = ?4 \
         AND (expires IS NULL OR expires > ?5)"
    ))?;
    let (name, scope) = (of.owner.name(), of.owner.scope());
    let mut rows = statement.query(params![name, scope, tenant(of), key, now.as_millis()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(decode::memory(row)?))
}

/// Reads a page of entries, in order of the keys' bytes.
pub(crate) fn page(conn: &Connection, query: &MemoryQuery) -> Result<MemoryPage, Error> {
    let MemoryQuery { space, prefix, after, limit, now } = query;
    let end = successor(prefix);
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {MEMORY_COLUMNS} FROM memories INDEXED BY memories_key \
         WHERE space = (SELECT number FROM memory_spaces \
         WHERE owner = ?1 AND scope = ?2 AND tenant = ?3) AND key >= ?4 {} {} \
         AND (expires IS NULL OR expires > ?5) ORDER BY key LIMIT ?6",
        if end.is_some() { "AND key < ?7" } else { "AND ?7 IS NULL" },
        if after.is_some() { "AND key > ?8" } else { "AND ?8 IS NULL" },
    ))?;
    let (name, scope) = (space.owner.name(), space.owner.scope());
    let wanted = integer(limit.saturating_add(1));
    let arguments =
        params![name, scope, tenant(space), prefix, now.as_millis(), wanted, end, after];
    let mut rows = statement.query(arguments)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(decode::memory(row)?);
    }
    let has_more = items.len() > *limit;
    items.truncate(*limit);
    let next = items.last().filter(|_| has_more).map(|last| last.key.clone());
    Ok(MemoryPage { items, next })
}

/// Returns the first text behind all that begin with `prefix`; `None` where there is no such.
fn successor(prefix: &str) -> Option<String> {
    let mut rest = prefix.to_owned();
    while let Some(last) = rest.pop() {
        // The order of bytes in UTF-8 is that of the characters.
        if let Some(next) = ((u32::from(last) + 1)..=u32::from(char::MAX)).find_map(char::from_u32)
        {
            rest.push(next);
            return Some(rest);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn behind_the_last_character_comes_the_one_before_it() {
        let last = char::MAX;
        assert_eq!(successor("a:"), Some("a;".to_owned()));
        assert_eq!(successor(&format!("a{last}{last}")), Some("b".to_owned()));
        assert_eq!(successor("\u{d7ff}"), Some("\u{e000}".to_owned()));
        assert_eq!(successor(&last.to_string()), None);
        assert_eq!(successor(""), None);
    }

    proptest! {
        #[test]
        fn a_text_lies_between_a_prefix_and_its_successor_if_it_begins_so(
            prefix in "\\PC{0,3}", text in "\\PC{0,5}",
        ) {
            for text in [text.clone(), format!("{prefix}{text}")] {
                let lies = text >= prefix && successor(&prefix).is_none_or(|end| text < end);
                prop_assert_eq!(lies, text.starts_with(&prefix), "{:?} {:?}", prefix, text);
            }
        }
    }
}
