//! Which execution of one set belongs to which of the other.

use std::collections::HashMap;

use super::Sample;

/// Returns the pairs by their places in the two sets; `None` when some of the
/// smaller set would be left alone.
pub(super) fn of(first: &[Sample], second: &[Sample]) -> Option<Vec<(usize, usize)>> {
    let smaller = first.len().min(second.len());
    let is_whole = |pairs: &Vec<_>| pairs.len() == smaller && smaller > 0;
    Some(by_origin(first, second))
        .filter(is_whole)
        .or_else(|| Some(by_input(first, second)).filter(is_whole))
}

/// Pairs executions of which one forks or replays the other, or both a third.
fn by_origin(first: &[Sample], second: &[Sample]) -> Vec<(usize, usize)> {
    let root = |sample: &Sample| sample.fork_of.unwrap_or(sample.execution);
    matched(first, second, |sample| Some(root(sample)))
}

/// Pairs executions that had the same input, in order where several had.
fn by_input(first: &[Sample], second: &[Sample]) -> Vec<(usize, usize)> {
    matched(first, second, |sample| sample.input)
}

fn matched<K: Eq + std::hash::Hash>(
    first: &[Sample],
    second: &[Sample],
    key: impl Fn(&Sample) -> Option<K>,
) -> Vec<(usize, usize)> {
    let mut waiting: HashMap<K, Vec<usize>> = HashMap::new();
    for (at, sample) in second.iter().enumerate().rev() {
        if let Some(key) = key(sample) {
            waiting.entry(key).or_default().push(at);
        }
    }
    let partner = |(at, sample): (usize, &Sample)| {
        let other = waiting.get_mut(&key(sample)?)?.pop()?;
        Some((at, other))
    };
    first.iter().enumerate().filter_map(partner).collect()
}
