//! Random histories: what is done, in numbers that a world gives a meaning to.

use proptest::prelude::*;

use super::governed::{Governed, governed};

/// One step of a history; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Commit(Vec<Part>),
    /// A batch that fails in the end, whatever it does before.
    Doomed(Vec<Part>),
    Claim {
        worker: usize,
        limit: usize,
        flows: usize,
    },
}

#[derive(Debug, Clone)]
pub(super) enum Part {
    Insert(usize),
    Change(usize, usize),
    Stale(usize),
    Delete(usize),
    Journal(usize, u8, Write),
    Seed(usize, Vec<u8>),
    Expect(usize),
    NotEnded(usize),
    Emit,
    Lease(usize, i64),
    Retire(usize),
    Sweep(usize),
    Governed(usize, Governed),
}

/// What is written to a journal.
#[derive(Debug, Clone, Copy)]
pub(super) enum Write {
    Intent,
    Answer,
    NotDone,
    Replacement,
}

fn write() -> impl Strategy<Value = Write> {
    use Write::{Answer, Intent, NotDone, Replacement};
    prop::sample::select(vec![Intent, Answer, NotDone, Replacement])
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        4 => (0_usize..8).prop_map(Part::Insert),
        8 => (0_usize..8, 0_usize..9).prop_map(|(n, change)| Part::Change(n, change)),
        1 => (0_usize..8).prop_map(Part::Stale),
        1 => (0_usize..8).prop_map(Part::Delete),
        4 => (0_usize..8, 0_u8..3, write()).prop_map(|(n, path, write)| Part::Journal(n, path, write)),
        1 => (0_usize..8, prop::collection::vec(0_u8..4, 0..3))
            .prop_map(|(n, paths)| Part::Seed(n, paths)),
        1 => (0_usize..8).prop_map(Part::Expect),
        1 => (0_usize..8).prop_map(Part::NotEnded),
        1 => Just(Part::Emit),
        2 => (0_usize..3, 0_i64..40).prop_map(|(worker, lease)| Part::Lease(worker, lease)),
        1 => (0_usize..3).prop_map(Part::Retire),
        1 => (0_usize..3).prop_map(Part::Sweep),
        24 => (0_usize..8, governed()).prop_map(|(n, step)| Part::Governed(n, step)),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(part(), 1..5).prop_map(Step::Commit),
        2 => prop::collection::vec(part(), 1..5).prop_map(Step::Doomed),
        1 => (0_usize..3, 0_usize..5, 0_usize..3)
            .prop_map(|(worker, limit, flows)| Step::Claim { worker, limit, flows }),
    ]
}
