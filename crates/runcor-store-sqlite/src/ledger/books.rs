//! What the writer knows of the ledger: the numbers of groups, and totals that
//! are added to the tables once for all rows of a transaction.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::span::Level;
use super::sums::Sums;
use crate::encode::Names;

/// The most groups whose numbers are remembered.
const MOST_GROUPS: usize = 16_384;

/// The groups that a row belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Groups {
    /// Of all names.
    pub(crate) full: i64,
    /// Without the user.
    pub(crate) kind: i64,
    /// Of the user and the tenant.
    pub(crate) who: i64,
    /// Of everything.
    all: i64,
}

/// A row that the totals do not have yet.
#[derive(Debug)]
struct Posting {
    groups: Groups,
    number: i64,
    at: i64,
    sums: Sums,
}

/// What is to be taken back when a batch is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    postings: usize,
    opened: u64,
}

/// The writer's books; what is in them belongs to the transaction under way.
#[derive(Debug, Default)]
pub(crate) struct Books {
    groups: HashMap<Names, Groups>,
    /// How many groups were opened.
    opened: u64,
    postings: Vec<Posting>,
}

impl Books {
    /// Returns the groups of a row, which are opened where they are not there yet.
    pub(super) fn groups(&mut self, conn: &Connection, names: &Names) -> rusqlite::Result<Groups> {
        if let Some(groups) = self.groups.get(names) {
            return Ok(*groups);
        }
        let none = Names::default();
        let kind = Names { user: String::new(), ..names.clone() };
        let (user, tenant) = (names.user.clone(), names.tenant.clone());
        let who = Names { user, tenant, ..Names::default() };
        let groups = Groups {
            all: self.group(conn, 0, &none)?,
            kind: self.group(conn, 1, &kind)?,
            full: self.group(conn, 2, names)?,
            who: self.group(conn, 3, &who)?,
        };
        if self.groups.len() == MOST_GROUPS {
            self.groups.clear();
        }
        self.groups.insert(names.clone(), groups);
        Ok(groups)
    }

    fn group(&mut self, conn: &Connection, cut: i64, names: &Names) -> rusqlite::Result<i64> {
        let Names { user, tenant, flow, provider, model } = names;
        let names = params![cut, user, tenant, flow, provider, model];
        let found = conn
            .prepare_cached(
                "SELECT number FROM ledger_groups WHERE cut = ?1 AND user = ?2 AND tenant = ?3 \
                 AND flow = ?4 AND provider = ?5 AND model = ?6",
            )?
            .query_row(names, |row| row.get(0))
            .optional()?;
        if let Some(number) = found {
            return Ok(number);
        }
        self.opened += 1;
        conn.prepare_cached(
            "INSERT INTO ledger_groups (cut, user, tenant, flow, provider, model) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(names)?;
        Ok(conn.last_insert_rowid())
    }

    /// Notes a row that was written.
    pub(super) fn note(&mut self, groups: Groups, number: i64, at: i64, sums: Sums) {
        self.postings.push(Posting { groups, number, at, sums });
    }

    /// Returns how the books stand.
    pub(crate) fn mark(&self) -> Mark {
        Mark { postings: self.postings.len(), opened: self.opened }
    }

    /// Takes back what came after a mark.
    pub(crate) fn return_to(&mut self, mark: Mark) {
        self.postings.truncate(mark.postings);
        if self.opened != mark.opened {
            self.groups.clear();
        }
    }

    /// Forgets a transaction that was taken back.
    pub(crate) fn forget(&mut self) {
        self.postings.clear();
        self.groups.clear();
    }

    /// Adds what was noted to the totals; called before each COMMIT.
    pub(crate) fn save(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        if self.postings.is_empty() {
            return Ok(());
        }
        let mut pieces: HashMap<(i64, i64, i64), Sums> = HashMap::new();
        let mut hours: HashMap<i64, (i64, i64)> = HashMap::new();
        for Posting { groups: of, number, at, sums } in &self.postings {
            let starts = Level::ALL.map(|level| (level.code(), level.floor(*at)));
            for group in [of.all, of.kind, of.full, of.who] {
                for (level, start) in starts {
                    pieces.entry((group, level, start)).or_default().add(sums);
                }
            }
            let hour = hours.entry(Level::Hour.floor(*at)).or_insert((*number, *number));
            *hour = (hour.0.min(*number), hour.1.max(*number));
        }
        pieces.iter().try_for_each(|(place, sums)| add_to_piece(conn, *place, sums))?;
        hours.iter().try_for_each(|(start, numbers)| widen_hour(conn, *start, *numbers))?;
        self.postings.clear();
        Ok(())
    }
}

/// A sum that is too large for an integer is a float; cast, it is the largest integer.
fn add_to_piece(
    conn: &Connection,
    (group, level, start): (i64, i64, i64),
    Sums(sums): &Sums,
) -> rusqlite::Result<()> {
    let [a, b, c, d, e, f, g, h, i] = sums;
    conn.prepare_cached(
        "INSERT INTO ledger_totals (grp, level, start, cost, requests, replayed, unpriced, \
         prompt, completion, cached, reasoning, saved) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT (grp, level, start) DO UPDATE SET cost = CAST(cost + ?4 AS INTEGER), \
         requests = CAST(requests + ?5 AS INTEGER), replayed = CAST(replayed + ?6 AS INTEGER), \
         unpriced = CAST(unpriced + ?7 AS INTEGER), prompt = CAST(prompt + ?8 AS INTEGER), \
         completion = CAST(completion + ?9 AS INTEGER), cached = CAST(cached + ?10 AS INTEGER), \
         reasoning = CAST(reasoning + ?11 AS INTEGER), saved = CAST(saved + ?12 AS INTEGER)",
    )?
    .execute(params![group, level, start, a, b, c, d, e, f, g, h, i])
    .map(drop)
}

fn widen_hour(conn: &Connection, start: i64, (first, last): (i64, i64)) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO ledger_hours (start, first, last) VALUES (?1, ?2, ?3) \
         ON CONFLICT (start) DO UPDATE SET first = min(first, ?2), last = max(last, ?3)",
    )?
    .execute(params![start, first, last])
    .map(drop)
}
