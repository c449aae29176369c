//! Signs of life, for operators.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use runcor_core::{CallScope, Error as CoreError, ModelRequest, ProviderError};

use crate::ask::{Ask, Whole};
use crate::attempt::attributed;
use crate::exchange::Exchange;
use crate::limit::within;
use crate::router::Router;
use crate::slot::Slot;

/// How long a sign of life is waited for where no other limit is set.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of asking a provider for a sign of life.
#[derive(Debug)]
pub struct Ping {
    /// The registered name of the provider.
    pub provider: String,
    /// How long it took to answer, or why there was no answer.
    pub latency: Result<Duration, CoreError>,
}

impl Router {
    /// Asks every provider for a sign of life, all at once.
    ///
    /// Where a vendor has a request that costs nothing it is used; others are
    /// asked for an answer of one token, which is booked in `scope`. Breakers
    /// neither refuse a ping nor learn from it.
    pub async fn ping(&self, scope: &CallScope) -> Vec<Ping> {
        join_all(self.slots.iter().map(|slot| ping(slot, scope))).await
    }
}

async fn ping(slot: &Arc<Slot>, scope: &CallScope) -> Ping {
    let began = slot.clock.now();
    let asked = sign_of_life(slot, scope).await;
    let latency = asked.map(|()| slot.clock.now().since(began));
    Ping { provider: slot.name.as_ref().to_owned(), latency }
}

async fn sign_of_life(slot: &Slot, scope: &CallScope) -> Result<(), CoreError> {
    let limit = slot.timeout.unwrap_or(PATIENCE);
    let upward = |error: ProviderError| CoreError::from(attributed(&slot.name, error));
    let free = within(limit, slot, async { slot.provider.ping().await.transpose() });
    if free.await.map_err(upward)?.is_some() {
        return Ok(());
    }
    let model = slot.first_model().map(str::to_owned);
    let request = ModelRequest { model, ..ModelRequest::prompt("ping").with_max_tokens(1) };
    let mut exchange = Exchange::open(slot, &request, scope).await?;
    match within(limit, slot, Whole::ask(slot, &request, &mut exchange)).await {
        Ok(_) => Ok(()),
        Err(error) => {
            exchange.fail(slot, &error);
            Err(upward(error))
        }
    }
}
