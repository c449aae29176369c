//! What rows add up to, as columns; additions stop at the largest number there is.

use rusqlite::Row;

use runcor_core::{LedgerTotal, Money};

use crate::encode::LedgerRow;

/// How many numbers a sum has.
pub(super) const WIDTH: usize = 9;

/// The columns of a sum, in order.
pub(crate) const SUM_COLUMNS: &str =
    "cost, requests, replayed, unpriced, prompt, completion, cached, reasoning, saved";

/// The code of answers that came from a journal.
const REPLAYED: i64 = 4;

/// Cost, requests, replayed, unpriced, and the five kinds of tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums(pub(super) [i64; WIDTH]);

impl Sums {
    /// Returns what one row adds, as [`LedgerTotal::add`] has it.
    pub(crate) fn of(row: &LedgerRow) -> Self {
        Self::of_columns(row.outcome, row.cost, row.unpriced, row.tokens)
    }

    pub(crate) fn of_columns(outcome: i64, cost: i64, unpriced: bool, tokens: [i64; 4]) -> Self {
        let [prompt, completion, cached, reasoning] = tokens;
        if outcome == REPLAYED {
            return Self([0, 0, 1, 0, 0, 0, 0, 0, prompt.saturating_add(completion)]);
        }
        Self([cost, 1, 0, i64::from(unpriced), prompt, completion, cached, reasoning, 0])
    }

    /// Reads the sum that begins at a column.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let mut sums = Self::default();
        for (number, column) in sums.0.iter_mut().zip(first..) {
            *number = row.get(column)?;
        }
        Ok(sums)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (number, other) in self.0.iter_mut().zip(other.0) {
            *number = number.saturating_add(other);
        }
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        for (number, other) in self.0.iter_mut().zip(other.0) {
            *number = number.saturating_sub(other);
        }
    }

    /// Returns whether no row was added.
    pub(super) fn is_nothing(&self) -> bool {
        let [_, requests, replayed, ..] = self.0;
        requests == 0 && replayed == 0
    }

    pub(super) fn into_total(self, name: Option<String>) -> LedgerTotal {
        let [cost, counts @ ..] = self.0;
        let [count, replayed, unpriced, prompt, completion, cached, reasoning, saved] =
            counts.map(|count| u64::try_from(count).unwrap_or(0));
        LedgerTotal {
            name,
            cost: Money::from_nanos(cost),
            count,
            replayed,
            unpriced,
            prompt_tokens: prompt,
            completion_tokens: completion,
            cached_tokens: cached,
            reasoning_tokens: reasoning,
            saved_tokens: saved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_tokens_are_those_of_replayed_answers() {
        let total = Sums::of_columns(REPLAYED, 5, true, [1, 2, 3, 4]).into_total(None);
        let expected = LedgerTotal { replayed: 1, saved_tokens: 3, ..LedgerTotal::default() };
        assert_eq!(total, expected);
    }
}
