//! An evaluator with what is asked of it: when, how long, how much it counts.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{Confidence, Error, ErrorCode, ExecutionId, FlowName, Result};

use crate::evaluator::Evaluator;

/// The scores from which on a result can be relied upon, or may do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// From here on it can be relied upon.
    pub high: f64,
    /// From here on it may do.
    pub medium: f64,
}

/// High from 0.8, medium from 0.5.
impl Default for Thresholds {
    fn default() -> Self {
        Self { high: 0.8, medium: 0.5 }
    }
}

impl Thresholds {
    /// Returns what a score says.
    #[must_use]
    pub fn confidence(&self, score: f64) -> Confidence {
        if score >= self.high {
            Confidence::High
        } else if score >= self.medium {
            Confidence::Medium
        } else {
            Confidence::Low
        }
    }
}

/// An evaluator that is to be added, with what is asked of it.
#[derive(Debug, Clone)]
#[must_use]
pub struct Registration {
    pub(crate) evaluator: Arc<dyn Evaluator>,
    pub(crate) priority: u32,
    pub(crate) flows: Vec<FlowName>,
    pub(crate) timeout: Duration,
    pub(crate) thresholds: Thresholds,
    pub(crate) weight: f64,
    pub(crate) sample: f64,
}

impl Registration {
    /// Describes an evaluator of every execution, with priority 10, weight 1,
    /// 30 seconds, and the usual thresholds.
    pub fn new(evaluator: impl Evaluator + 'static) -> Self {
        Self::shared(Arc::new(evaluator))
    }

    /// As [`new`](Self::new), for one that is shared already.
    pub fn shared(evaluator: Arc<dyn Evaluator>) -> Self {
        Self {
            evaluator,
            priority: 10,
            flows: Vec::new(),
            timeout: Duration::from_secs(30),
            thresholds: Thresholds::default(),
            weight: 1.0,
            sample: 1.0,
        }
    }

    /// Sets its place in the order of results; the lowest comes first.
    pub fn priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }

    /// Lets it judge these flows alone; none are all.
    pub fn flows(mut self, flows: impl IntoIterator<Item = FlowName>) -> Self {
        self.flows = flows.into_iter().collect();
        self
    }

    /// Sets how long it may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets what its own scores say.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// Sets how much its scores count beside those of others.
    pub fn weight(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }

    /// Sets the part of the executions that it judges by itself, of 0 to 1.
    ///
    /// Which ones follows from their identities, so that nothing changes when
    /// one is judged again.
    pub fn sample(mut self, sample: f64) -> Self {
        self.sample = sample;
        self
    }

    /// Returns the evaluator's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.evaluator.name()
    }

    pub(crate) fn check(&self) -> Result<()> {
        let Thresholds { high, medium } = self.thresholds;
        let problem = if self.name().trim().is_empty() {
            "has no name"
        } else if self.priority == 0 {
            "has priority 0; the first is 1"
        } else if self.timeout.is_zero() {
            "has no time to work in"
        } else if !(0.0 <= medium && medium < high && high <= 1.0) {
            "needs thresholds with 0 <= medium < high <= 1"
        } else if !(self.weight.is_finite() && self.weight >= 0.0) {
            "needs a weight of at least 0"
        } else if !(0.0..=1.0).contains(&self.sample) {
            "needs a sample between 0 and 1"
        } else {
            return Ok(());
        };
        let message = format!("evaluator {:?} {problem}", self.name());
        Err(Error::new(ErrorCode::InvalidEvaluatorConfig, message))
    }

    /// Returns whether it judges a flow at all.
    pub(crate) fn applies_to(&self, flow: &FlowName) -> bool {
        self.flows.is_empty() || self.flows.contains(flow)
    }

    /// Returns whether it judges an execution by itself.
    pub(crate) fn samples(&self, id: ExecutionId) -> bool {
        self.sample >= 1.0 || (self.sample > 0.0 && draw(id, self.name()) < self.sample)
    }
}

/// Draws a number of 0 to 1 from an execution and a name, always the same.
fn draw(id: ExecutionId, name: &str) -> f64 {
    // FNV-1a of both, and the finaliser of MurmurHash3 since that alone does
    // not reach the high bits.
    let bytes = id.as_bytes().iter().chain(name.as_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    let hash = hash ^ (hash >> 33);
    // The 53 bits that a float can hold.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let part = (hash >> 11) as f64;
    part / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use runcor_core::Timestamp;

    use super::*;

    #[test]
    fn a_sample_is_as_large_as_asked_for_and_each_name_has_its_own() {
        let ids: Vec<_> = (0..4000)
            .map(|at| ExecutionId::mint(Timestamp::from_millis(1_700_000_000_000 + at)))
            .collect();
        let count = |name: &str, part: f64| ids.iter().filter(|id| draw(**id, name) < part).count();
        for part in [0.1, 0.5, 0.9] {
            let expected = part * 4000.0;
            let found = count("a", part) as f64;
            // Five standard deviations of a binomial distribution.
            assert!((found - expected).abs() < 5.0 * (4000.0 * part * (1.0 - part)).sqrt());
        }
        let both = ids.iter().filter(|id| draw(**id, "a") < 0.5 && draw(**id, "b") < 0.5);
        assert!((800..1200).contains(&both.count()), "they are independent");
    }

    #[test]
    fn thresholds_belong_to_the_better_side() {
        let usual = Thresholds::default();
        let said = [0.8, 0.79, 0.5, 0.49].map(|score| usual.confidence(score));
        let expected = [Confidence::High, Confidence::Medium, Confidence::Medium, Confidence::Low];
        assert_eq!(said, expected);
    }
}
