//! Chance from a seed: the same question gets the same answer in every campaign with that seed.

use std::time::Duration;

/// A stream of numbers that depends on the seed and on what it is for, not on when it is asked.
pub(crate) struct Chance(u64);

impl Chance {
    /// Makes the stream for the `n`-th thing of a kind.
    pub(crate) fn new(seed: u64, kind: &str, n: u64) -> Self {
        let mut chance = Self(seed);
        for part in kind.bytes().map(u64::from).chain([n]) {
            chance.0 = chance.next() ^ part;
        }
        chance
    }

    /// Returns the next number: `SplitMix64`.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to `limit - 1`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// Returns true once in `many` times.
    pub(crate) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// Returns a time of at least `from` and less than `to`.
    pub(crate) fn time(&mut self, from: Duration, to: Duration) -> Duration {
        let span = to.saturating_sub(from).as_micros();
        from + Duration::from_micros(self.below(u64::try_from(span).unwrap_or(u64::MAX)))
    }

    /// Picks one of several.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(u64::try_from(from.len()).unwrap_or(u64::MAX));
        from.get(usize::try_from(at).unwrap_or(0))
    }
}
