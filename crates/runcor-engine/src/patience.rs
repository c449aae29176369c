//! How long to go on trying what the store did not take.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::StoreError;

use crate::health::{Health, Withheld};
use crate::pause::Pauses;

/// The attempts of somebody who does not give up what was achieved because the
/// store has trouble.
pub(crate) struct Patience {
    health: Arc<Health>,
    pauses: Pauses,
    /// Held, with pauses of its own, once the store has turned out to be damaged.
    withheld: Option<(Withheld, Pauses)>,
}

impl Patience {
    pub(crate) fn new(health: &Arc<Health>) -> Self {
        Self { health: Arc::clone(health), pauses: Pauses::default(), withheld: None }
    }

    /// Returns how long to wait before the next attempt, or the error where
    /// another attempt would fail the same way.
    pub(crate) fn after(&mut self, error: StoreError) -> Result<Duration, StoreError> {
        match error {
            StoreError::Corrupt { .. } => {
                let hold = || (self.health.withhold(&error), Pauses::long());
                let (_, pauses) = self.withheld.get_or_insert_with(hold);
                Ok(pauses.next())
            }
            error if error.is_temporary() => Ok(self.pauses.next()),
            error => Err(error),
        }
    }
}
