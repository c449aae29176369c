//! Pages of the ledger in order of writing, along the index that leads to the fewest rows.

use std::collections::{BinaryHeap, HashSet};

use runcor_core::{
    Cursor, LedgerDimension, LedgerEntry, LedgerFilter, LedgerQuery, Order, Page, Timestamp,
};
use rusqlite::{Connection, params, params_from_iter};

use super::span::Level;
use super::totals::wanted;
use crate::decode::{self, LEDGER_COLUMNS};
use crate::encode::integer;
use crate::error::Error;

/// The rows that are looked at for each group before the groups are asked one by one.
const LOOKS: usize = 16;
/// The fewest rows that are looked at.
const FEWEST_LOOKS: usize = 1024;

/// The numbers between which rows may lie, and in which order they are wanted.
#[derive(Debug, Clone, Copy)]
struct Range {
    first: i64,
    last: i64,
    order: Order,
}

/// Reads a page.
pub(crate) fn page(conn: &Connection, query: &LedgerQuery) -> Result<Page<LedgerEntry>, Error> {
    // Everything is read of one state of the database.
    let conn = &*conn.unchecked_transaction()?;
    let wanted = query.limit.saturating_add(1);
    let Some(range) = Range::of(conn, query)? else {
        return Ok(Page { items: Vec::new(), next: None });
    };
    let mut found = Found { filter: &query.filter, entries: Vec::new(), wanted };
    if let Some(execution) = &query.filter.execution {
        let sql = "ledger INDEXED BY ledger_execution WHERE execution = ?3 AND number";
        found.read(conn, sql, range, Some(execution.as_bytes()))?;
    } else {
        found.by_names(conn, range)?;
    }
    let mut entries = found.entries;
    let has_more = entries.len() > query.limit;
    entries.truncate(query.limit);
    let next = entries.last().filter(|_| has_more);
    let next = next.map(|(number, _)| Cursor::new(number.unsigned_abs()));
    Ok(Page { items: entries.into_iter().map(|(_, entry)| entry).collect(), next })
}

/// Gives every row of the filter's execution that fits.
pub(super) fn of_execution(
    conn: &Connection,
    filter: &LedgerFilter,
    mut see: impl FnMut(LedgerEntry),
) -> Result<(), Error> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {LEDGER_COLUMNS} FROM ledger INDEXED BY ledger_execution \
         CROSS JOIN ledger_groups ON ledger_groups.number = ledger.grp WHERE execution = ?1"
    ))?;
    let mut rows = statement.query([filter.execution.as_ref().map(|id| id.as_bytes())])?;
    while let Some(row) = rows.next()? {
        let (_, entry) = decode::ledger(row)?;
        if filter.fits(&entry) {
            see(entry);
        }
    }
    Ok(())
}

impl Range {
    /// Returns the numbers behind the cursor in which the hours of the filter lie.
    fn of(conn: &Connection, query: &LedgerQuery) -> Result<Option<Self>, Error> {
        let mut range = Self { first: 1, last: i64::MAX, order: query.order };
        let (from, to) = (query.filter.from, query.filter.to);
        if from.is_some() || to.is_some() {
            let hour = |at: Timestamp| Level::Hour.floor(at.as_millis());
            let hours = params![from.map_or(i64::MIN, hour), to.map_or(i64::MAX, hour)];
            let sql = "SELECT min(first), max(last) FROM ledger_hours \
                       WHERE start >= ?1 AND start <= ?2";
            let numbers = conn
                .prepare_cached(sql)?
                .query_row(hours, |row| Ok(row.get(0).ok().zip(row.get(1).ok())))?;
            let Some((first, last)) = numbers else { return Ok(None) };
            (range.first, range.last) = (first, last);
        }
        if let Some(after) = query.after {
            let after = integer(after.number());
            match query.order {
                Order::Oldest => range.first = range.first.max(after.saturating_add(1)),
                Order::Newest => range.last = range.last.min(after.saturating_sub(1)),
            }
        }
        Ok((range.first <= range.last).then_some(range))
    }

    fn direction(self) -> &'static str {
        match self.order {
            Order::Oldest => "ASC",
            Order::Newest => "DESC",
        }
    }

    /// Returns what is left of it behind a number.
    fn behind(self, number: i64) -> Self {
        match self.order {
            Order::Oldest => Self { first: number.saturating_add(1), ..self },
            Order::Newest => Self { last: number.saturating_sub(1), ..self },
        }
    }

    /// Returns a number by which the order becomes an ascending one.
    fn rank(self, number: i64) -> i64 {
        match self.order {
            Order::Oldest => number,
            Order::Newest => -number,
        }
    }
}

/// The entries of a page as they are found.
struct Found<'a> {
    filter: &'a LedgerFilter,
    entries: Vec<(i64, LedgerEntry)>,
    wanted: usize,
}

impl Found<'_> {
    fn is_full(&self) -> bool {
        self.entries.len() >= self.wanted
    }

    /// Reads rows of a source until there are enough.
    fn read(
        &mut self,
        conn: &Connection,
        source: &str,
        range: Range,
        argument: Option<&[u8; 16]>,
    ) -> Result<(), Error> {
        let sql = format!(
            "SELECT number FROM {source} BETWEEN ?1 AND ?2 ORDER BY number {}",
            range.direction()
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = match argument {
            Some(argument) => statement.query(params![range.first, range.last, argument])?,
            None => statement.query(params![range.first, range.last])?,
        };
        while !self.is_full()
            && let Some(row) = rows.next()?
        {
            self.take(conn, row.get(0)?)?;
        }
        Ok(())
    }

    /// Reads a row, and keeps it if it fits.
    fn take(&mut self, conn: &Connection, number: i64) -> Result<(), Error> {
        let mut statement = conn.prepare_cached(&format!(
            "SELECT {LEDGER_COLUMNS} FROM ledger \
             CROSS JOIN ledger_groups ON ledger_groups.number = ledger.grp \
             WHERE ledger.number = ?1"
        ))?;
        let mut rows = statement.query([number])?;
        if let Some(row) = rows.next()? {
            let (number, entry) = decode::ledger(row)?;
            if self.filter.fits(&entry) {
                self.entries.push((number, entry));
            }
        }
        Ok(())
    }

    fn by_names(&mut self, conn: &Connection, range: Range) -> Result<(), Error> {
        // Of the cuts with a user only the one with all names has an index.
        let by = self.filter.user.is_some().then_some(LedgerDimension::Model);
        let (cut, sql, arguments) = wanted(self.filter, by);
        if cut == 0 {
            return self.read(conn, "ledger NOT INDEXED WHERE number", range, None);
        }
        let column = if cut == 1 { "kind" } else { "grp" };
        let mut statement = conn.prepare_cached(&format!(
            "SELECT number FROM ledger_groups INDEXED BY ledger_groups_names WHERE {sql}"
        ))?;
        let groups: HashSet<i64> = statement
            .query_map(params_from_iter(arguments), |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let looks = (groups.len() * LOOKS).max(FEWEST_LOOKS);
        match self.look(conn, column, &groups, range, looks)? {
            Some(last) if !self.is_full() => self.merge(conn, column, &groups, range.behind(last)),
            _ => Ok(()),
        }
    }

    /// Looks at so many rows in their order; returns the last one where there may be more.
    fn look(
        &mut self,
        conn: &Connection,
        column: &str,
        groups: &HashSet<i64>,
        range: Range,
        looks: usize,
    ) -> Result<Option<i64>, Error> {
        let sql = format!(
            "SELECT number, {column} FROM ledger NOT INDEXED WHERE number BETWEEN ?1 AND ?2 \
             ORDER BY number {} LIMIT ?3",
            range.direction()
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params![range.first, range.last, integer(looks)])?;
        let mut last = None;
        while !self.is_full()
            && let Some(row) = rows.next()?
        {
            let number = row.get(0)?;
            last = Some(number);
            if groups.contains(&row.get(1)?) {
                self.take(conn, number)?;
            }
        }
        Ok(last)
    }

    /// Asks each group for its next rows, and takes them in their order.
    ///
    /// Each step of the merge takes what no other group can come before.
    fn merge(
        &mut self,
        conn: &Connection,
        column: &str,
        groups: &HashSet<i64>,
        range: Range,
    ) -> Result<(), Error> {
        let index = if column == "kind" { "ledger_kind" } else { "ledger_group" };
        let sql = format!(
            "SELECT number FROM ledger INDEXED BY {index} WHERE {column} = ?1 \
             AND number BETWEEN ?2 AND ?3 ORDER BY number {} LIMIT 1",
            range.direction()
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let mut next = |group: i64, range: Range| -> Result<Option<(i64, i64)>, Error> {
            let mut rows = statement.query(params![group, range.first, range.last])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let number: i64 = row.get(0)?;
            Ok(Some((-range.rank(number), group)))
        };
        let mut heads = BinaryHeap::new();
        for group in groups {
            heads.extend(next(*group, range)?);
        }
        while !self.is_full()
            && let Some((rank, group)) = heads.pop()
        {
            let number = rank.abs();
            self.take(conn, number)?;
            heads.extend(next(group, range.behind(number))?);
        }
        Ok(())
    }
}
