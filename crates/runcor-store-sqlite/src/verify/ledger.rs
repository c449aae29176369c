//! The ledger: rows that can be read, and totals that are what the rows add up to.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::report::Report;
use crate::decode::{self, LEDGER_COLUMNS};
use crate::error::Error;
use crate::ledger::{Level, SUM_COLUMNS, Sums};

pub(super) fn check(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    rows(conn, report)?;
    groups(conn, report)
}

/// Whether a row's groups are there and have its names.
const STRAYS: &str = "NOT EXISTS (SELECT 1 FROM ledger_groups AS kinds \
     WHERE kinds.number = ledger.kind AND (kinds.cut, kinds.user, kinds.tenant, kinds.flow, \
     kinds.provider, kinds.model) = (1, '', ledger_groups.tenant, ledger_groups.flow, \
     ledger_groups.provider, ledger_groups.model)) OR NOT EXISTS (SELECT 1 FROM ledger_groups \
     AS owners WHERE owners.number = ledger.who AND (owners.cut, owners.user, owners.tenant, \
     owners.flow, owners.provider, owners.model) = (3, ledger_groups.user, \
     ledger_groups.tenant, '', '', '')) AS strays";

/// Every row can be read, has its groups and lies within its hour.
fn rows(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let mut statement = conn.prepare(&format!(
        "SELECT {LEDGER_COLUMNS}, {STRAYS}, \
         NOT EXISTS (SELECT 1 FROM ledger_hours WHERE start = at - (at % 3600000 + 3600000) \
         % 3600000 AND ledger.number BETWEEN first AND last) AS is_late \
         FROM ledger LEFT JOIN ledger_groups ON ledger_groups.number = ledger.grp \
         AND cut = 2 ORDER BY ledger.number"
    ))?;
    let mut rows = statement.query([])?;
    let mut last: Option<i64> = None;
    while let Some(row) = rows.next()? {
        report.checked.ledger_rows += 1;
        let number: i64 = row.get(0)?;
        let place = format!("row {number} of the ledger");
        if let Err(error) = decode::ledger(row) {
            report.find("ledger-can-be-read", &place, error.to_string());
        }
        let (strays, is_late): (bool, bool) = (row.get("strays")?, row.get("is_late")?);
        report.find_all(
            "ledger-is-whole",
            &place,
            [
                (strays, "its groups differ, or are not there"),
                (is_late, "it is not where the rows of its hour are looked for"),
                (last.is_some_and(|last| number != last + 1), "the row before it is missing"),
            ],
        );
        last = Some(number);
    }
    Ok(())
}

/// A group of rows.
struct Group {
    number: i64,
    cut: i64,
}

/// Sums by the beginning of a piece of time.
type Pieces = BTreeMap<i64, Sums>;

/// Totals fit each other, and the rows where none was removed.
fn groups(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let sql = "SELECT coalesce(min(number), 1) FROM ledger";
    let first: i64 = conn.query_row(sql, [], |row| row.get(0))?;
    let was_trimmed: bool = first > 1 || {
        let sql = "SELECT count(*) FROM counters WHERE name = 'ledger'";
        conn.query_row(sql, [], |row| row.get::<_, i64>(0))? > 0
    };
    let mut cuts = [Sums::default(); 4];
    let mut statement = conn.prepare("SELECT number, cut FROM ledger_groups")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let group = Group { number: row.get(0)?, cut: row.get(1)? };
        let place = format!("group {} of the ledger", group.number);
        let Some(cut) = usize::try_from(group.cut).ok().and_then(|cut| cuts.get_mut(cut)) else {
            report.find("totals-are-true", &place, "there is no such cut");
            continue;
        };
        levels(conn, &group, &place, cut, report)?;
        if !was_trimmed && hours_of_rows(conn, &group)? != pieces(conn, &group, Level::Hour)? {
            report.find("totals-are-true", &place, "its hours are not what its rows add up to");
        }
    }
    let [all, others @ ..] = cuts;
    if others.iter().any(|other| *other != all) {
        report.find("totals-are-true", &"the ledger", "the totals of its groups differ");
    }
    strays(conn, report)
}

/// The hours of a group add up to its days, these to its months, and these to all of it.
fn levels(
    conn: &Connection,
    group: &Group,
    place: &str,
    cut: &mut Sums,
    report: &mut Report,
) -> Result<(), Error> {
    let [hours, days, months] = Level::ALL.map(|level| pieces(conn, group, level));
    let (hours, days, months) = (hours?, days?, months?);
    months.values().for_each(|sums| cut.add(sums));
    report.find_all(
        "totals-are-true",
        &place,
        [
            (folded(&hours, Level::Day) != days, "its hours don't add up to its days"),
            (folded(&days, Level::Month) != months, "its days don't add up to its months"),
        ],
    );
    Ok(())
}

fn folded(pieces: &Pieces, level: Level) -> Pieces {
    let mut folded = Pieces::new();
    for (start, sums) in pieces {
        folded.entry(level.floor(*start)).or_default().add(sums);
    }
    folded
}

fn pieces(conn: &Connection, group: &Group, level: Level) -> Result<Pieces, Error> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT start, {SUM_COLUMNS} FROM ledger_totals WHERE grp = ?1 AND level = ?2"
    ))?;
    let pieces = statement
        .query_map([group.number, level.code()], |row| Ok((row.get(0)?, Sums::read(row, 1)?)))?;
    Ok(pieces.collect::<rusqlite::Result<_>>()?)
}

fn hours_of_rows(conn: &Connection, group: &Group) -> Result<Pieces, Error> {
    let source = match group.cut {
        0 => "?1 IS NOT NULL",
        1 => "kind = ?1",
        3 => "who = ?1",
        _ => "grp = ?1",
    };
    let mut statement = conn.prepare_cached(&format!(
        "SELECT at, outcome, cost, unpriced, prompt, completion, cached, reasoning \
         FROM ledger WHERE {source}"
    ))?;
    let mut rows = statement.query([group.number])?;
    let mut hours = Pieces::new();
    while let Some(row) = rows.next()? {
        let tokens = [row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?];
        let sums = Sums::of_columns(row.get(1)?, row.get(2)?, row.get(3)?, tokens);
        hours.entry(Level::Hour.floor(row.get(0)?)).or_default().add(&sums);
    }
    Ok(hours)
}

/// No totals of groups that are not there, and none of other pieces of time.
fn strays(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let mut statement = conn.prepare(
        "SELECT DISTINCT grp FROM ledger_totals WHERE level NOT BETWEEN 1 AND 3 \
         OR NOT EXISTS (SELECT 1 FROM ledger_groups WHERE number = grp)",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let place = format!("group {} of the ledger", row.get::<_, i64>(0)?);
        report.find("totals-are-true", &place, "there are totals that belong to nothing");
    }
    Ok(())
}
