//! What a check tells: how much it looked at, and what is not as it must be.

use std::fmt::Display;

use serde::Serialize;

use crate::error::Error;

/// The most findings that a report lists.
const MOST_FINDINGS: usize = 200;

/// What a check of a database found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The version of the tables; of an older one than the newest, only the
    /// soundness of the file and the events are checked.
    pub version: i64,
    /// How much was looked at.
    pub checked: Checked,
    /// What is not as it must be; at most two hundred.
    pub findings: Vec<Finding>,
    /// How many more there are than are listed.
    pub left_out: u64,
}

/// How much a check has looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Executions.
    pub executions: u64,
    /// Journal entries, packed ones included.
    pub journal_entries: u64,
    /// Journals that are packed.
    pub packed_journals: u64,
    /// Results that are kept apart because of their size.
    pub large_results: u64,
    /// Stored events.
    pub events: u64,
    /// Rows of the ledger.
    pub ledger_rows: u64,
    /// Accounts of budgets.
    pub accounts: u64,
    /// Reservations that are not settled.
    pub reservations: u64,
    /// Entries of memories.
    pub memories: u64,
}

/// Something in a database that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule, by a stable name.
    pub rule: &'static str,
    /// Where: an execution, a place of a journal, an event, a table, or the file.
    pub place: String,
    /// What is wrong, for people.
    pub message: String,
}

impl Report {
    /// Returns whether everything is as it must be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// Notes that a rule does not hold.
    pub(super) fn find(
        &mut self,
        rule: &'static str,
        place: &impl Display,
        message: impl Into<String>,
    ) {
        if self.findings.len() == MOST_FINDINGS {
            self.left_out += 1;
            return;
        }
        let finding = Finding { rule, place: place.to_string(), message: message.into() };
        self.findings.push(finding);
    }

    /// Notes what does not hold of several things about one place.
    pub(super) fn find_all(
        &mut self,
        rule: &'static str,
        place: &impl Display,
        broken: impl IntoIterator<Item = (bool, &'static str)>,
    ) {
        for (is_broken, message) in broken {
            if is_broken {
                self.find(rule, place, message);
            }
        }
    }

    /// Goes on after a part of the check that could not be read to its end.
    pub(super) fn note_failure(&mut self, place: &str, outcome: Result<(), Error>) {
        if let Err(error) = outcome {
            self.find("can-be-read", &place, error.to_string());
        }
    }
}
