//! A request that is being held against its budgets, and of which the vendor knows nothing yet.

use std::time::Duration;

use runcor_core::Held;

/// What is booked at nothing if its commit is given up, or fails.
///
/// Then nobody knows whether money was set aside; if it was, the row of this
/// request gives it back.
#[derive(Debug)]
pub(super) struct Unasked {
    held: Option<Held>,
}

impl Unasked {
    pub(super) fn new(held: Held) -> Self {
        Self { held: Some(held) }
    }

    /// Says that the money is set aside.
    pub(super) fn into_paid(mut self) -> Held {
        self.held.take().unwrap_or_else(Held::uncounted)
    }

    /// Says that no money was set aside.
    pub(super) fn was_refused(mut self) {
        if let Some(held) = self.held.take() {
            held.never_made();
        }
    }
}

impl Drop for Unasked {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            held.failed(Duration::ZERO);
        }
    }
}
