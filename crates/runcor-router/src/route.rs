//! The way of one request: who is asked, who next, and what came of it.

use std::sync::Arc;

use runcor_core::ProviderError;

use crate::ask::Ask;
use crate::attempt::{Attempt, one_line};
use crate::call::Call;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::limit::within;
use crate::pin;
use crate::reach::Reach;
use crate::retry::Retries;
use crate::router::Router;
use crate::slot::{Permit, Slot};
use crate::strategy::Plan;
use crate::walk::Walk;

/// An answer, or the beginning of one, with what has to be told of its end.
pub(crate) struct Routed<T> {
    pub(crate) answer: T,
    pub(crate) permit: Permit,
    pub(crate) exchange: Exchange,
}

/// Why nobody answered.
pub(crate) enum Lost {
    /// Everybody who was asked failed; nobody was when there is nothing.
    GivenUp(Vec<Attempt>),
    /// The money for a request could not be reserved: nobody else is asked.
    NotReserved(runcor_core::Error),
}

/// Why one provider gave no answer.
pub(crate) enum Ended {
    /// It failed, and another may be asked.
    GivenUp(Attempt),
    /// The money for a request could not be reserved.
    NotReserved(runcor_core::Error),
}

impl Router {
    /// Finds somebody who answers; `call` ends as that one got it.
    pub(crate) async fn route<A: Ask>(&self, call: &mut Call) -> Result<Routed<A::Answer>, Error> {
        let pinned = match call.pin.take() {
            Some(name) => Some(self.pinned(call, &name)?),
            None => None,
        };
        let walk = self.walk(call, pinned)?;
        let reach = walk.reach;
        let asked = match self.hedge.filter(|_| call.may_hedge) {
            Some(hedge) => Box::pin(self.ask_hedged::<A>(call, walk, hedge)).await,
            None => self.ask_in_turn::<A>(call, walk).await,
        };
        asked.map_err(|lost| match lost {
            Lost::NotReserved(error) => Error::NotReserved(Arc::new(error)),
            Lost::GivenUp(mut attempts) => match (attempts.pop(), pinned) {
                (None, _) => self.nobody_healthy(|at, slot| {
                    pinned.map_or_else(|| reach.covers(slot, call), |pinned| pinned == at)
                }),
                (Some(last), Some(_)) => Error::PinnedProviderFailed(Box::new(last)),
                (Some(last), None) => {
                    attempts.push(last);
                    Error::AllProvidersFailed { attempts }
                }
            },
        })
    }

    /// Finds the one provider that a call is meant for.
    fn pinned(&self, call: &Call, name: &str) -> Result<usize, Error> {
        let names: Vec<_> = self.slots.iter().map(|slot| &*slot.name).collect();
        let found = pin::find(&names, name)?;
        if let (Some(slot), Some(model)) = (self.slots.get(found), call.named_model())
            && Reach::of(call, &self.slots) == Reach::Named
            && slot.own_name(model).is_none()
        {
            let (alias, provider) = (one_line(model), slot.name.as_ref().to_owned());
            return Err(Error::AliasElsewhere { alias, provider });
        }
        Ok(found)
    }

    fn walk(&self, call: &Call, pinned: Option<usize>) -> Result<Walk<'_>, Error> {
        if let Some(pinned) = pinned {
            return Ok(Walk::new(&self.slots, Plan::Only(pinned), Reach::Anywhere, 1));
        }
        let reach = Reach::of(call, &self.slots);
        let plan = self.orders.plan(call, &self.slots, |slot| reach.covers(slot, call));
        let plan = plan.map_err(|available| Error::NobodyChosen { available })?;
        Ok(Walk::new(&self.slots, plan, reach, self.max_fallbacks.saturating_add(1)))
    }

    async fn ask_in_turn<A: Ask>(
        &self,
        call: &mut Call,
        mut walk: Walk<'_>,
    ) -> Result<Routed<A::Answer>, Lost> {
        let mut attempts = Vec::new();
        while let Some(permit) = walk.next(call) {
            match self.ask_one::<A>(permit, call).await {
                Ok(routed) => return Ok(routed),
                Err(Ended::GivenUp(attempt)) => attempts.push(attempt),
                Err(Ended::NotReserved(error)) => return Err(Lost::NotReserved(error)),
            }
        }
        Err(Lost::GivenUp(attempts))
    }

    /// Asks one provider, again where that may help, and tells its breaker of a failure.
    pub(crate) async fn ask_one<A: Ask>(
        &self,
        permit: Permit,
        call: &Call,
    ) -> Result<Routed<A::Answer>, Ended> {
        // A half-open breaker lets one request through, not one with its retries.
        let retries = if permit.is_probe() { &Retries::NONE } else { &self.retries };
        let limit = call.timeout.or_else(|| permit.slot().timeout);
        let mut made = 1;
        loop {
            let slot = permit.slot();
            let exchange = Exchange::open(slot, &call.request, &call.scope).await;
            let mut exchange = exchange.map_err(Ended::NotReserved)?;
            let asked = A::ask(slot, &call.request, &mut exchange);
            // A box where it is needed keeps the future of all other calls small.
            let asked = match limit {
                None => asked.await,
                Some(limit) => Box::pin(within(limit, slot, asked)).await,
            };
            let error = match asked {
                Ok(answer) => return Ok(Routed { answer, permit, exchange }),
                Err(error) => error,
            };
            exchange.fail(slot, &error);
            drop(exchange);
            let Some(pause) = retries.pause(made, &error) else {
                return Err(Ended::GivenUp(self.given_up(permit, error)));
            };
            tracing::debug!(provider = &*permit.slot().name, kind = ?error.kind, made, "asks again");
            made += 1;
            self.clock.sleep(pause).await;
        }
    }

    fn given_up(&self, permit: Permit, error: ProviderError) -> Attempt {
        let attempt = Attempt::new(&permit.slot().name, error, self.clock.now());
        let kind = attempt.error.kind;
        tracing::debug!(provider = &*permit.slot().name, ?kind, "gives the provider up");
        permit.fail(kind);
        attempt
    }

    /// Says when the first of the providers that are meant may be asked again. A
    /// probe under way may end at any moment, so then nothing is known.
    fn nobody_healthy(&self, meant: impl Fn(usize, &Slot) -> bool) -> Error {
        let meant = self.slots.iter().enumerate().filter(|(at, slot)| meant(*at, slot));
        let waits: Option<Vec<_>> = meant.map(|(_, slot)| slot.remaining()).collect();
        Error::NoHealthyProviders { retry_after: waits.and_then(|waits| waits.into_iter().min()) }
    }
}
