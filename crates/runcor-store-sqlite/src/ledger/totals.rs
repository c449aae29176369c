//! Totals of the ledger: from groups and their pieces of time, and only at the edges from rows.

use std::collections::HashMap;

use runcor_core::{LedgerDimension, LedgerFilter, LedgerTotal, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::pages::of_execution;
use super::span::{Interval, Level, Span};
use super::sums::{SUM_COLUMNS, Sums};
use crate::error::Error;

/// Reads what the rows of a filter add up to.
pub(crate) fn totals(
    conn: &Connection,
    filter: &LedgerFilter,
    by: Option<LedgerDimension>,
) -> Result<Vec<LedgerTotal>, Error> {
    // Everything is read of one state of the database.
    let conn = &*conn.unchecked_transaction()?;
    let mut tally = Tally::new(by);
    if filter.execution.is_some() {
        execution(conn, filter, &mut tally)?;
        return Ok(tally.finish());
    }
    let groups = Groups::read(conn, filter, by, &mut tally)?;
    let coarsest = if tally.by_day { Level::Day } else { Level::Month };
    let span = Span::of(filter, coarsest);
    groups.pieces(conn, &span, &mut tally)?;
    for (rows, is_added) in [(span.added, true), (span.left_out, false)] {
        if let Some(rows) = rows {
            groups.rows(conn, rows, is_added, &mut tally)?;
        }
    }
    Ok(tally.finish())
}

/// One execution has few rows, and no totals of its own.
fn execution(conn: &Connection, filter: &LedgerFilter, tally: &mut Tally) -> Result<(), Error> {
    let mut whole = HashMap::<Option<String>, LedgerTotal>::new();
    of_execution(conn, filter, |entry| {
        let text = |text: &str| Some(text.to_owned());
        let name = match tally.by {
            None => None,
            Some(LedgerDimension::Flow) => text(entry.flow_name.as_str()),
            Some(LedgerDimension::User) => entry.user_id.as_ref().map(|user| user.to_string()),
            Some(LedgerDimension::Tenant) => entry.tenant_id.as_ref().map(|of| of.to_string()),
            Some(LedgerDimension::Provider) => text(&entry.provider),
            Some(LedgerDimension::Model) => text(&entry.model),
            Some(LedgerDimension::Day) => Some(day(entry.timestamp.as_millis())),
        };
        whole.entry(name).or_default().add(&entry);
    })?;
    tally.done = whole.into_iter().map(|(name, total)| LedgerTotal { name, ..total }).collect();
    Ok(())
}

/// The groups that fit a filter, and what each counts to.
struct Groups {
    /// Which of the four cuts.
    cut: i64,
    /// The places in the tally, by the number of the group.
    places: HashMap<i64, i64>,
}

impl Groups {
    fn read(
        conn: &Connection,
        filter: &LedgerFilter,
        by: Option<LedgerDimension>,
        tally: &mut Tally,
    ) -> Result<Self, Error> {
        let (cut, wanted, arguments) = wanted(filter, by);
        let column = by.and_then(column);
        let sql = format!(
            "SELECT number, {} FROM ledger_groups INDEXED BY ledger_groups_names WHERE {wanted}",
            column.unwrap_or("''")
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(arguments))?;
        let mut places = HashMap::new();
        while let Some(row) = rows.next()? {
            let place = match column {
                Some(_) => tally.place(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?),
                None => 0,
            };
            places.insert(row.get(0)?, place);
        }
        Ok(Self { cut, places })
    }

    /// Adds whole hours, days and months.
    fn pieces(&self, conn: &Connection, span: &Span, tally: &mut Tally) -> Result<(), Error> {
        let mut statement = conn.prepare_cached(&format!(
            "SELECT start, {SUM_COLUMNS} FROM ledger_totals \
             WHERE grp = ?1 AND level = ?2 AND start >= ?3 AND start < ?4"
        ))?;
        for (group, place) in &self.places {
            for (level, (first, last)) in &span.whole {
                let mut rows = statement.query(params![group, level.code(), first, last])?;
                while let Some(row) = rows.next()? {
                    let place = tally.place_at(*place, row.get(0)?);
                    tally.add(place, &Sums::read(row, 1)?);
                }
            }
        }
        Ok(())
    }

    /// Adds rows, or takes them away.
    fn rows(
        &self,
        conn: &Connection,
        (from, end): Interval,
        is_added: bool,
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let mut statement = conn.prepare_cached(
            "SELECT at, kind, grp, who, outcome, cost, unpriced, prompt, completion, cached, \
             reasoning              FROM ledger INDEXED BY ledger_time WHERE at >= ?1 AND at < ?2",
        )?;
        let mut rows = statement.query([from, end])?;
        while let Some(row) = rows.next()? {
            let place = match self.cut {
                0 => self.places.values().next(),
                cut => self.places.get(&row.get(usize::try_from(cut).unwrap_or(1))?),
            };
            let Some(place) = place else { continue };
            let tokens = [row.get(7)?, row.get(8)?, row.get(9)?, row.get(10)?];
            let sums = Sums::of_columns(row.get(4)?, row.get(5)?, row.get(6)?, tokens);
            let place = tally.place_at(*place, row.get(0)?);
            if is_added { tally.add(place, &sums) } else { tally.subtract(place, &sums) }
        }
        Ok(())
    }
}

/// Returns the smallest cut that tells what is asked for, and which of its groups are meant.
pub(super) fn wanted(
    filter: &LedgerFilter,
    by: Option<LedgerDimension>,
) -> (i64, String, Vec<Value>) {
    let names = [
        ("user", filter.user.as_ref().map(|user| user.as_str())),
        ("tenant", filter.tenant.as_ref().map(|tenant| tenant.as_str())),
        ("flow", filter.flow.as_ref().map(|flow| flow.as_str())),
        ("provider", filter.provider.as_deref()),
        ("model", filter.model.as_deref()),
    ];
    let by = by.and_then(column);
    let [user, tenant, rest @ ..] = names.map(|(name, value)| value.is_some() || by == Some(name));
    let cut = match (user, tenant, rest.contains(&true)) {
        (true, _, false) => 3,
        (true, _, true) => 2,
        (false, false, false) => 0,
        (false, ..) => 1,
    };
    let mut sql = format!("cut = {cut}");
    if cut < 2 {
        // It stands first in the index.
        sql.push_str(" AND user = ''");
    }
    let mut arguments = Vec::new();
    for (name, value) in names {
        if let Some(value) = value {
            sql.push_str(&format!(" AND {name} = ?"));
            arguments.push(Value::Text(value.to_owned()));
        }
    }
    (cut, sql, arguments)
}

fn column(by: LedgerDimension) -> Option<&'static str> {
    match by {
        LedgerDimension::Flow => Some("flow"),
        LedgerDimension::User => Some("user"),
        LedgerDimension::Tenant => Some("tenant"),
        LedgerDimension::Provider => Some("provider"),
        LedgerDimension::Model => Some("model"),
        LedgerDimension::Day => None,
    }
}

/// Sums by place: a name, a day, or the only one.
struct Tally {
    by: Option<LedgerDimension>,
    by_day: bool,
    names: HashMap<String, i64>,
    sums: HashMap<i64, Sums>,
    /// Totals that are complete.
    done: Vec<LedgerTotal>,
}

impl Tally {
    fn new(by: Option<LedgerDimension>) -> Self {
        let by_day = by == Some(LedgerDimension::Day);
        Self { by, by_day, names: HashMap::new(), sums: HashMap::new(), done: Vec::new() }
    }

    fn place(&mut self, name: &str) -> i64 {
        if let Some(place) = self.names.get(name) {
            return *place;
        }
        let place = crate::encode::integer(self.names.len());
        self.names.insert(name.to_owned(), place);
        place
    }

    /// Returns the place of something that happened at an instant.
    fn place_at(&self, place: i64, at: i64) -> i64 {
        if self.by_day { Level::Day.floor(at) } else { place }
    }

    fn add(&mut self, place: i64, sums: &Sums) {
        self.sums.entry(place).or_default().add(sums);
    }

    fn subtract(&mut self, place: i64, sums: &Sums) {
        self.sums.entry(place).or_default().subtract(sums);
    }

    /// Returns the totals, the highest cost first.
    fn finish(mut self) -> Vec<LedgerTotal> {
        let mut totals = std::mem::take(&mut self.done);
        match self.by {
            None => {
                let sums = self.sums.remove(&0).unwrap_or_default();
                return vec![totals.pop().unwrap_or_else(|| sums.into_total(None))];
            }
            Some(LedgerDimension::Day) => {
                let days = self.sums.iter().filter(|(_, sums)| !sums.is_nothing());
                totals.extend(days.map(|(start, sums)| sums.into_total(Some(day(*start)))));
            }
            Some(by) => {
                let may_lack = matches!(by, LedgerDimension::User | LedgerDimension::Tenant);
                for (name, place) in self.names {
                    let Some(sums) = self.sums.get(&place) else { continue };
                    if !sums.is_nothing() {
                        let name = Some(name).filter(|name| !(may_lack && name.is_empty()));
                        totals.push(sums.into_total(name));
                    }
                }
            }
        }
        totals.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.name.cmp(&b.name)));
        totals
    }
}

/// Returns the day of an instant: `2026-11-21`.
fn day(at: i64) -> String {
    let text = Timestamp::from_millis(Level::Day.floor(at)).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}
