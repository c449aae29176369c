//! The limit of time of one request to a vendor.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use runcor_core::{ProviderError, ProviderErrorKind};

use crate::slot::Slot;

/// Gives `work` up when it takes longer than `limit`.
///
/// # Errors
/// Those of `work`, and a timeout.
pub(crate) async fn within<T>(
    limit: Duration,
    slot: &Slot,
    work: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    match select(pin!(work), slot.clock.sleep(limit)).await {
        Either::Left((done, _)) => done,
        Either::Right(((), _)) => {
            let message = format!("did not answer within {} ms", limit.as_millis());
            Err(ProviderError::new(&slot.name, ProviderErrorKind::Timeout, message))
        }
    }
}
