//! Compaction: packs the journals of ended executions.
//!
//! They are read and compressed on the caller's side, over a reading
//! connection: what has ended does not change any more, so that the writer has
//! only to put the packs in the place of the rows.

use runcor_core::{ExecutionId, StoreError, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use crate::decode::{self, ENTRY_COLUMNS};
use crate::encode::{EntryRow, integer};
use crate::error::Error;
use crate::pack::{self, Numbered};

/// The most that the packs of one operation take, roughly, however many executions were allowed.
const MOST_BYTES: usize = 32 << 20;
/// What a row takes beside its texts: its numbers and its place in the index.
const ROW_BYTES: usize = 48;

/// The packed journal of one execution.
#[derive(Debug)]
pub(crate) struct Packing {
    number: i64,
    /// `None` where packing saves nothing.
    pack: Option<Vec<u8>>,
    /// Large results, compressed.
    large: Vec<(i64, Vec<u8>)>,
}

impl Packing {
    fn bytes(&self) -> usize {
        let large = self.large.iter().map(|(_, body)| body.len());
        self.pack.as_ref().map_or(0, Vec::len) + large.sum::<usize>()
    }
}

/// Reads and packs the journals of executions that ended before an instant, oldest end first.
pub(crate) fn prepare(
    conn: &Connection,
    ended_before: Timestamp,
    limit: usize,
) -> Result<Vec<Packing>, Error> {
    // One state of the database, though the writer goes on meanwhile.
    let conn = conn.unchecked_transaction()?;
    let mut candidates = conn.prepare_cached(
        "SELECT number, id FROM executions INDEXED BY executions_unpacked \
         WHERE unpacked < ?1 ORDER BY unpacked, number LIMIT ?2",
    )?;
    let mut rows = candidates.query(params![ended_before.as_millis(), integer(limit)])?;
    let (mut packings, mut bytes) = (Vec::new(), 0);
    while bytes < MOST_BYTES
        && let Some(row) = rows.next()?
    {
        let (number, id) = (row.get(0)?, ExecutionId::from_bytes(row.get(1)?));
        let packing = match packing(&conn, number, id) {
            Err(Error::Store(error)) => unpackable(number, &error),
            packing => packing?,
        };
        bytes += packing.bytes();
        packings.push(packing);
    }
    Ok(packings)
}

/// Leaves a damaged journal as it is; it is not looked at again.
fn unpackable(number: i64, error: &StoreError) -> Packing {
    tracing::error!(%error, "a damaged journal is not packed");
    Packing { number, pack: None, large: Vec::new() }
}

fn packing(conn: &Connection, number: i64, id: ExecutionId) -> Result<Packing, Error> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {ENTRY_COLUMNS} FROM journal WHERE number = ?1 AND bytes IS NULL ORDER BY entry"
    ))?;
    let mut rows = statement.query([number])?;
    let mut small: Vec<Numbered> = Vec::new();
    while let Some(row) = rows.next()? {
        small.push(decode::entry_row(row, id)?);
    }
    let before: usize = small.iter().map(|(_, row)| row_bytes(row)).sum();
    let pack = pack::pack(&small).filter(|pack| pack.len() + ROW_BYTES < before);
    let large = large(conn, number)?;
    Ok(Packing { number, pack, large })
}

fn row_bytes(row: &EntryRow) -> usize {
    let texts = [&row.value, &row.note, &row.spend];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    ROW_BYTES + 2 * row.path.len() + texts
}

/// Compresses the large results of a journal, each by itself.
fn large(conn: &Connection, number: i64) -> Result<Vec<(i64, Vec<u8>)>, Error> {
    let mut statement = conn.prepare_cached(
        "SELECT entry, value FROM journal WHERE number = ?1 AND bytes IS NOT NULL",
    )?;
    let mut rows = statement.query([number])?;
    let mut large = Vec::new();
    while let Some(row) = rows.next()? {
        let ValueRef::Text(text) = row.get_ref(1)? else { continue };
        let body = pack::squeeze(text);
        if body.len() < text.len() / 10 * 9 {
            large.push((row.get(0)?, body));
        }
    }
    Ok(large)
}

/// Puts packs in the place of rows; returns how many journals are done with.
pub(crate) fn apply(conn: &Connection, packings: &[Packing]) -> rusqlite::Result<usize> {
    let mut done = 0;
    for packing in packings {
        // It may be gone since, or packed by another operation.
        let stands = conn
            .prepare_cached(
                "UPDATE executions SET unpacked = NULL WHERE number = ?1 AND unpacked IS NOT NULL",
            )?
            .execute([packing.number])?;
        if stands > 0 {
            replace(conn, packing)?;
            done += 1;
        }
    }
    Ok(done)
}

fn replace(conn: &Connection, packing: &Packing) -> rusqlite::Result<()> {
    if let Some(body) = &packing.pack {
        conn.prepare_cached("DELETE FROM journal WHERE number = ?1 AND bytes IS NULL")?
            .execute([packing.number])?;
        conn.prepare_cached("INSERT INTO packs (number, body) VALUES (?1, ?2)")?
            .execute(params![packing.number, body])?;
    }
    for (entry, body) in &packing.large {
        conn.prepare_cached("UPDATE journal SET value = ?2 WHERE entry = ?1")?
            .execute(params![entry, body])?;
    }
    Ok(())
}
