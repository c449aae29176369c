//! Choices by a seed: `SplitMix64`, which needs no dependency and is the same everywhere.

/// A source of choices that a seed decides.
#[derive(Debug, Clone)]
pub(super) struct Seeded(u64);

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number from zero to `most`.
    pub(super) fn up_to(&mut self, most: usize) -> usize {
        let span = (most as u64).saturating_add(1);
        usize::try_from(self.next() % span).unwrap_or(0)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_made_and_no_other() {
        let mut seeded = Seeded::new(1);
        let mut counts = [0; 6];
        for _ in 0..6_000 {
            counts[seeded.up_to(5)] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
        assert_eq!(seeded.up_to(0), 0);
    }
}
