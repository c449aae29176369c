//! Sharing requests out by weight, evenly and without chance.

use std::cmp::Reverse;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::slot::Slot;

/// The smooth weighted round-robin: at each request every provider gains its
/// weight, and the one that is chosen pays all of them.
///
/// So each is chosen as often as its weight says, and never in a row when it
/// could be spread.
#[derive(Debug)]
pub(crate) struct Weights {
    weights: Box<[i64]>,
    credit: Mutex<Box<[i64]>>,
}

impl Weights {
    pub(crate) fn new(slots: &[Arc<Slot>]) -> Self {
        let weights: Box<[i64]> = slots.iter().map(|slot| i64::from(slot.weight)).collect();
        let credit = Mutex::new(vec![0; weights.len()].into());
        Self { weights, credit }
    }

    /// Returns the order for one request among `ready`: the chosen one, then
    /// those that are next in turn, last those without weight.
    pub(crate) fn order(&self, ready: &[usize]) -> Vec<usize> {
        let weight = |index: usize| self.weights.get(index).copied().unwrap_or(0);
        let total: i64 = ready.iter().map(|index| weight(*index)).sum();
        let mut order = ready.to_vec();
        let mut credit = self.credit.lock();
        for index in ready {
            if let Some(credit) = credit.get_mut(*index) {
                *credit += weight(*index);
            }
        }
        let owed = |index: usize| credit.get(index).copied().unwrap_or(0);
        order.sort_by_key(|index| (weight(*index) == 0, Reverse(owed(*index))));
        if let Some(chosen) = order.first().and_then(|index| credit.get_mut(*index)) {
            *chosen -= total;
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::*;

    fn weights(weights: &[u32]) -> Weights {
        let weights: Box<[i64]> = weights.iter().map(|weight| i64::from(*weight)).collect();
        Weights { credit: Mutex::new(vec![0; weights.len()].into()), weights }
    }

    #[test]
    fn the_heaviest_is_not_chosen_in_a_row_when_it_could_be_spread() {
        let shared = weights(&[5, 1, 1]);
        let chosen: Vec<_> = (0..7).map(|_| shared.order(&[0, 1, 2])[0]).collect();
        assert_eq!(chosen, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn without_any_weight_the_order_is_that_of_registration() {
        assert_eq!(weights(&[0, 0, 0]).order(&[0, 2]), [0, 2]);
    }

    proptest! {
        #[test]
        fn each_is_chosen_as_often_as_its_weight_says(
            given in proptest::collection::vec(0..9_u32, 1..6),
            rounds in 1..5_u32,
        ) {
            let shared = weights(&given);
            let ready: Vec<_> = (0..given.len()).collect();
            let total: u32 = given.iter().sum();
            let mut chosen = vec![0; given.len()];
            for _ in 0..total * rounds {
                let order = shared.order(&ready);
                let mut sorted = order.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, ready);
                chosen[order[0]] += 1;
            }
            let due: Vec<_> = given.iter().map(|weight| weight * rounds).collect();
            assert_eq!(chosen, due);
        }

        #[test]
        fn whoever_comes_and_goes_no_credit_grows_without_bound(
            given in proptest::collection::vec(0..9_u32, 3),
            away in proptest::collection::vec(0..4_usize, 0..200),
        ) {
            let shared = weights(&given);
            let total: i64 = given.iter().map(|weight| i64::from(*weight)).sum();
            for away in away {
                let ready: Vec<_> = (0..3).filter(|index| *index != away).collect();
                shared.order(&ready);
                let credit = shared.credit.lock();
                assert_eq!(credit.iter().sum::<i64>(), 0);
                assert!(credit.iter().all(|credit| credit.abs() <= 3 * total), "{credit:?}");
            }
        }
    }
}
