//! What the dispatcher does while the store has trouble: it tries until the store takes something.

use std::time::Duration;

use runcor_core::{ErrorCode, Timestamp};

use crate::pause::Pauses;
use crate::shared::Shared;

/// How long the store has to be well before a new trouble counts as another one.
const RELAPSE: Duration = Duration::from_secs(60);

/// The attempts of the dispatcher, which take longer when the trouble keeps coming back.
#[derive(Debug)]
pub(crate) struct Attempts {
    pauses: Pauses,
    pauses_of_damaged: Pauses,
    well_since: Option<Timestamp>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { pauses: Pauses::default(), pauses_of_damaged: Pauses::long(), well_since: None }
    }
}

impl Attempts {
    /// Returns once the store has no trouble any more, or the engine stops.
    ///
    /// The attempt is a renewal of the lease: something small that is really written.
    pub(crate) async fn outlast(&mut self, shared: &Shared) {
        if self.well_since.is_some_and(|since| shared.now().since(since) > RELAPSE) {
            *self = Self::default();
        }
        tokio::select! {
            biased;
            () = shared.stopping.cancelled() => {}
            () = self.attempt_until_well(shared) => {}
        }
        self.well_since = Some(shared.now());
        // Work may wait that new triggers must not overtake.
        shared.admission.raise_backlog();
    }

    async fn attempt_until_well(&mut self, shared: &Shared) {
        while let Some(trouble) = shared.health.trouble() {
            let pause = match trouble.code {
                ErrorCode::StorageCorrupt => self.pauses_of_damaged.next(),
                _ => self.pauses.next(),
            };
            tokio::select! {
                () = shared.clock.sleep(pause) => {}
                () = shared.health.changed() => {}
            }
            if !shared.health.is_degraded() {
                return;
            }
            let round = shared.health.round();
            match shared.renew_lease().await {
                Ok(()) => shared.health.trust(round),
                Err(error) => tracing::debug!(%error, "the store still has trouble"),
            }
        }
    }
}
