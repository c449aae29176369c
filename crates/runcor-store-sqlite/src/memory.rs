//! Memories: values under keys, each key in the space of its owner.

mod reads;

use runcor_core::{
    ExecutionId, MemoryExpectation, MemoryOwner, MemorySpace, StoreError, TenantId, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};

pub(crate) use reads::{entry, page};

use crate::counters::Counters;
use crate::encode::{MemoryRow, integer};
use crate::error::Error;

/// What stands at a key, expired or not.
struct Standing {
    number: i64,
    version: i64,
    lives: bool,
}

/// Writes to a memory. Nothing is written before everything is judged.
pub(crate) fn remember(
    conn: &Connection,
    write: &MemoryRow,
    counters: &mut Counters,
) -> Result<(), Error> {
    let space = space(conn, &write.space)?;
    let standing = match space {
        Some((number, _)) => standing(conn, number, &write.key, write.now)?,
        None => None,
    };
    let living = standing.as_ref().filter(|standing| standing.lives);
    let is_expected = match write.expect {
        MemoryExpectation::Anything => true,
        MemoryExpectation::Absent => living.is_none(),
        MemoryExpectation::Version(version) => {
            living.is_some_and(|living| living.version == integer(version))
        }
    };
    if !is_expected {
        let what = format!("the memory's {:?}", write.key);
        return Err(StoreError::Stale { what }.into());
    }
    match &write.value {
        None => Ok(forget(conn, space, standing)?),
        Some(_) if living.is_some() => Ok(replace(conn, write, living, counters)?),
        Some(_) => {
            has_room(conn, space, write)?;
            match standing {
                Some(standing) => Ok(replace(conn, write, Some(&standing), counters)?),
                None => Ok(insert(conn, write, space, counters)?),
            }
        }
    }
}

/// A memory's number, and how many keys it has.
type Space = (i64, i64);

fn space(conn: &Connection, space: &MemorySpace) -> rusqlite::Result<Option<Space>> {
    conn.prepare_cached(
        "SELECT number, entries FROM memory_spaces WHERE owner = ?1 AND scope = ?2 AND tenant = ?3",
    )?
    .query_row(params![space.owner.name(), space.owner.scope(), tenant(space)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .optional()
}

fn tenant(space: &MemorySpace) -> &str {
    space.tenant.as_ref().map_or("", TenantId::as_str)
}

fn standing(
    conn: &Connection,
    space: i64,
    key: &str,
    now: Timestamp,
) -> rusqlite::Result<Option<Standing>> {
    conn.prepare_cached(
        "SELECT number, version, coalesce(expires > ?3, 1) FROM memories \
         WHERE space = ?1 AND key = ?2",
    )?
    .query_row(params![space, key, now.as_millis()], |row| {
        Ok(Standing { number: row.get(0)?, version: row.get(1)?, lives: row.get(2)? })
    })
    .optional()
}

/// Checks that there is room for a new key; what has expired takes none.
fn has_room(conn: &Connection, space: Option<Space>, write: &MemoryRow) -> Result<(), Error> {
    let max = i64::from(write.max_entries);
    let Some((number, entries)) = space else {
        return if max > 0 { Ok(()) } else { Err(full(write)) };
    };
    if entries < max {
        return Ok(());
    }
    let expired: i64 = conn
        .prepare_cached(
            "SELECT count(*) FROM memories INDEXED BY memories_space_expires \
             WHERE space = ?1 AND expires <= ?2",
        )?
        .query_row(params![number, write.now.as_millis()], |row| row.get(0))?;
    if entries - expired < max { Ok(()) } else { Err(full(write)) }
}

fn full(write: &MemoryRow) -> Error {
    StoreError::MemoryFull { max: write.max_entries }.into()
}

fn insert(
    conn: &Connection,
    write: &MemoryRow,
    space: Option<Space>,
    counters: &mut Counters,
) -> rusqlite::Result<()> {
    let space = match space {
        Some((number, _)) => {
            let sql = "UPDATE memory_spaces SET entries = entries + 1 WHERE number = ?1";
            conn.prepare_cached(sql)?.execute([number])?;
            number
        }
        None => {
            let (name, scope) = (write.space.owner.name(), write.space.owner.scope());
            conn.prepare_cached(
                "INSERT INTO memory_spaces (owner, scope, tenant, entries) VALUES (?1, ?2, ?3, 1)",
            )?
            .execute(params![name, scope, tenant(&write.space)])?;
            conn.last_insert_rowid()
        }
    };
    let now = write.now.as_millis();
    let expires = write.expires.map(Timestamp::as_millis);
    conn.prepare_cached(
        "INSERT INTO memories (space, key, created, updated, expires, version, value) \
         VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![space, write.key, now, expires, counters.writing(), write.value])
    .map(drop)
}

/// Writes over what stands at a key; over something expired as if it were not there.
fn replace(
    conn: &Connection,
    write: &MemoryRow,
    standing: Option<&Standing>,
    counters: &mut Counters,
) -> rusqlite::Result<()> {
    let Some(standing) = standing else { return Ok(()) };
    conn.prepare_cached(
        "UPDATE memories SET value = ?2, updated = ?3, expires = ?4, version = ?5, \
         created = CASE WHEN ?6 THEN created ELSE ?3 END WHERE number = ?1",
    )?
    .execute(params![
        standing.number,
        write.value,
        write.now.as_millis(),
        write.expires.map(Timestamp::as_millis),
        counters.writing(),
        standing.lives,
    ])
    .map(drop)
}

fn forget(
    conn: &Connection,
    space: Option<Space>,
    standing: Option<Standing>,
) -> rusqlite::Result<()> {
    let (Some((space, _)), Some(standing)) = (space, standing) else { return Ok(()) };
    conn.prepare_cached("DELETE FROM memories WHERE number = ?1")?.execute([standing.number])?;
    lessen(conn, space, 1)
}

/// Takes keys off a memory's count; one without keys is no memory.
fn lessen(conn: &Connection, space: i64, keys: i64) -> rusqlite::Result<()> {
    let left: Option<i64> = conn
        .prepare_cached(
            "UPDATE memory_spaces SET entries = entries - ?2 WHERE number = ?1 RETURNING entries",
        )?
        .query_row([space, keys], |row| row.get(0))
        .optional()?;
    if left.is_some_and(|left| left <= 0) {
        conn.prepare_cached("DELETE FROM memory_spaces WHERE number = ?1")?.execute([space])?;
    }
    Ok(())
}

/// Empties a memory.
pub(crate) fn forget_all(conn: &Connection, of: &MemorySpace) -> rusqlite::Result<()> {
    match space(conn, of)? {
        Some((number, _)) => empty(conn, number),
        None => Ok(()),
    }
}

fn empty(conn: &Connection, space: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM memories WHERE space = ?1")?.execute([space])?;
    conn.prepare_cached("DELETE FROM memory_spaces WHERE number = ?1")?.execute([space]).map(drop)
}

/// Empties an execution's own memory.
pub(crate) fn end_session(conn: &Connection, id: ExecutionId) -> rusqlite::Result<()> {
    let owner = MemoryOwner::Session(id);
    let spaces: Vec<i64> = conn
        .prepare_cached("SELECT number FROM memory_spaces WHERE owner = ?1 AND scope = ?2")?
        .query_map(params![owner.name(), owner.scope()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    spaces.into_iter().try_for_each(|space| empty(conn, space))
}

/// Removes entries that have expired.
pub(crate) fn expire(conn: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    let expired: Vec<(i64, i64)> = conn
        .prepare_cached(
            "SELECT number, space FROM memories INDEXED BY memories_expires \
             WHERE expires <= ?1 ORDER BY expires LIMIT ?2",
        )?
        .query_map(params![now.as_millis(), integer(limit)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (number, space) in &expired {
        conn.prepare_cached("DELETE FROM memories WHERE number = ?1")?.execute([number])?;
        lessen(conn, *space, 1)?;
    }
    Ok(expired.len())
}
