//! A registered provider with its circuit breaker, and the permit to call it.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{
    Clock, Event, EventSink, ModelProvider, ModelRequest, ModelResponse, ProviderErrorKind,
    ProviderHealth, ProviderHealthChange, TokenPrice,
};

use crate::breaker::{Admission, Breaker, BreakerEvent, BreakerPolicy};
use crate::vitals::Vitals;

/// A registered provider.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: Arc<str>,
    pub(crate) provider: Arc<dyn ModelProvider>,
    pub(crate) priority: u32,
    pub(crate) price: Option<TokenPrice>,
    pub(crate) model_prices: Vec<(String, TokenPrice)>,
    pub(crate) weight: u32,
    pub(crate) timeout: Option<Duration>,
    pub(crate) models: Vec<String>,
    /// Names of models, each with what this vendor calls it.
    pub(crate) names: Vec<(String, String)>,
    pub(crate) streams: bool,
    pub(crate) policy: BreakerPolicy,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Arc<dyn EventSink>,
}

impl Slot {
    /// Returns whether there is a name of this vendor's own for `model`.
    pub(crate) fn renames(&self, model: &str) -> bool {
        self.renamed(model).is_some()
    }

    fn renamed(&self, model: &str) -> Option<&str> {
        let own = self.names.iter().find(|(name, _)| name == model)?;
        Some(&own.1)
    }

    /// Returns whether the provider is known to serve `model`: the registration
    /// lists it, or lists none and the provider can tell.
    pub(crate) fn lists(&self, model: &str) -> bool {
        self.models.iter().any(|listed| listed == model)
            || (self.models.is_empty() && self.provider.serves(model) == Some(true))
    }

    /// Returns whether the provider is known not to serve `model`.
    pub(crate) fn lacks(&self, model: &str) -> bool {
        if self.models.is_empty() {
            self.provider.serves(model) == Some(false)
        } else {
            !self.lists(model)
        }
    }

    /// Returns what the vendor calls `model`, where it is known to serve it.
    pub(crate) fn own_name<'a>(&'a self, model: &'a str) -> Option<&'a str> {
        self.renamed(model).or_else(|| self.lists(model).then_some(model))
    }

    /// Returns the model for requests that name none, unless the provider has one itself.
    pub(crate) fn first_model(&self) -> Option<&str> {
        let first = self.models.first()?;
        self.own_name(first)
    }

    /// Returns the price of a model, as this provider names it.
    pub(crate) fn price_of(&self, model: Option<&str>) -> Option<TokenPrice> {
        self.own_price(model).or(self.price)
    }

    fn own_price(&self, model: Option<&str>) -> Option<TokenPrice> {
        let named = |(name, _): &&(String, TokenPrice)| Some(name.as_str()) == model;
        self.model_prices.iter().find(named).map(|(_, price)| *price)
    }

    /// Writes the registered name and the cost into an answer, at the price at
    /// which it was reserved, or else at that of the model that was asked or answered.
    pub(crate) fn sign(
        &self,
        request: &ModelRequest,
        response: &mut ModelResponse,
        price: Option<TokenPrice>,
    ) {
        if *response.provider != *self.name {
            response.provider.clear();
            response.provider.push_str(&self.name);
        }
        let price = price
            .or_else(|| self.own_price(request.model.as_deref()))
            .or_else(|| self.price_of(Some(&response.model)));
        response.cost = price.map(|price| price.cost(&response.usage));
    }

    /// Returns whether a call would be let through now.
    pub(crate) fn is_available(&self) -> bool {
        let breaker = *self.vitals.breaker.lock();
        // The clock is asked only where the answer depends on it.
        matches!(breaker, Breaker::Healthy { .. })
            || breaker.admission(self.clock.now(), self.policy) != Admission::Refused
    }

    /// Returns the state of the breaker, and announces a cooldown that has ended.
    pub(crate) fn health(&self) -> ProviderHealth {
        self.record(BreakerEvent::Looked);
        self.vitals.breaker.lock().health()
    }

    /// Returns how long the cooldown still lasts, where one is running.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        let breaker = *self.vitals.breaker.lock();
        breaker.remaining(self.clock.now(), self.policy)
    }

    /// Gives the permit for one call, unless the breaker refuses.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Permit> {
        let mut breaker = self.vitals.breaker.lock();
        let before = *breaker;
        if matches!(before, Breaker::Healthy { .. }) {
            drop(breaker);
            return Some(Permit { slot: Arc::clone(self), probe: false, settled: false });
        }
        let now = self.clock.now();
        let admission = before.admission(now, self.policy);
        if admission == Admission::Refused {
            return None;
        }
        let after = before.step(BreakerEvent::Asked, now, self.policy);
        *breaker = after;
        drop(breaker);
        self.announce(before, after, now);
        Some(Permit {
            slot: Arc::clone(self),
            probe: admission == Admission::Probe,
            settled: false,
        })
    }

    fn record(&self, event: BreakerEvent) {
        let mut breaker = self.vitals.breaker.lock();
        let before = *breaker;
        let nothing_new = matches!(event, BreakerEvent::Succeeded { .. } | BreakerEvent::Looked);
        if before == Breaker::NEW && nothing_new {
            return;
        }
        let now = self.clock.now();
        let after = before.step(event, now, self.policy);
        *breaker = after;
        drop(breaker);
        self.announce(before, after, now);
    }

    /// Tells of a change of health. The lock is free by then, so that a sink may
    /// ask for a report; the order of events holds all the same, because a
    /// cooldown or a whole call lies between any two changes of one breaker.
    fn announce(&self, before: Breaker, after: Breaker, now: runcor_core::Timestamp) {
        let (from, to) = (before.health(), after.health());
        if from == to {
            return;
        }
        tracing::info!(provider = &*self.name, ?from, ?to, "provider changed its health");
        self.events.emit(Event::ProviderHealthChange(ProviderHealthChange {
            provider: self.name.as_ref().to_owned(),
            from,
            to,
            timestamp: now,
        }));
    }
}

/// The permit for one call to a provider; its end tells the breaker how it went.
///
/// A permit that is dropped unused counts neither way, and gives a probe back.
#[derive(Debug)]
pub(crate) struct Permit {
    slot: Arc<Slot>,
    probe: bool,
    settled: bool,
}

impl Permit {
    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// Returns the provider, to be asked once more.
    pub(crate) fn shared(&self) -> Arc<Slot> {
        Arc::clone(&self.slot)
    }

    /// Returns whether the call is the one that a half-open breaker lets through.
    pub(crate) fn is_probe(&self) -> bool {
        self.probe
    }

    /// Tells that the call succeeded.
    pub(crate) fn succeed(mut self) {
        self.settled = true;
        self.slot.record(BreakerEvent::Succeeded { probe: self.probe });
    }

    /// Tells that the call failed; a rejected request says nothing about the provider.
    pub(crate) fn fail(mut self, kind: ProviderErrorKind) {
        if kind.is_outage() {
            self.settled = true;
            self.slot.record(BreakerEvent::Failed { probe: self.probe });
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.probe && !self.settled {
            self.slot.record(BreakerEvent::Released);
        }
    }
}
