//! Putting a router together.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use runcor_core::{Clock, EventSink, ModelRequest, NopSink, Strategy, SystemClock};

use crate::breaker::{Breaker, BreakerPolicy};
use crate::error::Error;
use crate::registration::Registration;
use crate::retry::Retries;
use crate::router::Router;
use crate::slot::Slot;
use crate::strategy::{Candidate, Custom, Orders, Standing};

/// Collects providers and settings for a [`Router`].
///
/// ```
/// # use std::time::Duration;
/// # use runcor_core::{ErrorCode, Strategy};
/// # use runcor_router::Router;
/// let empty = Router::builder()
///     .strategy(Strategy::LowestCost)
///     .failure_threshold(3)
///     .cooldown(Duration::from_secs(10));
/// assert_eq!(empty.build().unwrap_err().code(), ErrorCode::InvalidConfig);
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct RouterBuilder {
    providers: Vec<Registration>,
    strategy: Standing,
    max_fallbacks: Option<usize>,
    policy: BreakerPolicy,
    retries: Retries,
    clock: Arc<dyn Clock>,
    events: Arc<dyn EventSink>,
}

impl RouterBuilder {
    pub(crate) fn new() -> Self {
        Self {
            providers: Vec::new(),
            strategy: Standing::Named(Strategy::default()),
            max_fallbacks: None,
            policy: BreakerPolicy { threshold: 5, cooldown: Duration::from_secs(30) },
            retries: Retries::default(),
            clock: Arc::new(SystemClock),
            events: Arc::new(NopSink),
        }
    }

    /// Adds a provider; at least one is needed.
    pub fn provider(mut self, registration: impl Into<Registration>) -> Self {
        self.providers.push(registration.into());
        self
    }

    /// Sets the strategy for requests that name none; by priority by default.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = Standing::Named(strategy);
        self
    }

    /// Sets a strategy in your own code for requests that name none.
    ///
    /// It gets the available providers in order of registration and returns
    /// positions in that slice, the first to ask first. Positions that it
    /// leaves out are not asked; those that do not exist or come again are
    /// passed over.
    pub fn custom_strategy(
        mut self,
        choose: impl Fn(&[Candidate<'_>], &ModelRequest) -> Vec<usize> + Send + Sync + 'static,
    ) -> Self {
        self.strategy = Standing::Custom(Custom::new(choose));
        self
    }

    /// Sets how many more providers may be asked after the first; all of them by default.
    pub fn max_fallback_attempts(mut self, attempts: usize) -> Self {
        self.max_fallbacks = Some(attempts);
        self
    }

    /// Sets the failures in a row after which a provider is skipped; 5 by default.
    pub fn failure_threshold(mut self, failures: u32) -> Self {
        self.policy.threshold = failures;
        self
    }

    /// Sets how long a failing provider is skipped; 30 seconds by default.
    pub fn cooldown(mut self, cooldown: Duration) -> Self {
        self.policy.cooldown = cooldown;
        self
    }

    /// Sets how the same provider is asked again.
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets who hears of changes in health; nobody by default.
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    /// Checks everything and makes the router.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range or no provider at
    /// all, [`Error::DuplicateProvider`] for two of the same name.
    pub fn build(self) -> Result<Router, Error> {
        self.check()?;
        let slots: Box<[_]> = self.providers.iter().map(|given| self.slot(given)).collect();
        let others = slots.len().saturating_sub(1);
        Ok(Router {
            orders: Orders::new(self.strategy, &slots),
            max_fallbacks: self.max_fallbacks.unwrap_or(others),
            retries: self.retries,
            clock: self.clock,
            slots,
        })
    }

    fn slot(&self, given: &Registration) -> Arc<Slot> {
        Arc::new(Slot {
            name: Arc::from(given.provider.name()),
            provider: Arc::clone(&given.provider),
            priority: given.priority,
            price: given.price,
            models: given.models.clone(),
            streams: given.provider.capabilities().streaming,
            policy: self.policy,
            breaker: Mutex::new(Breaker::NEW),
            clock: Arc::clone(&self.clock),
            events: Arc::clone(&self.events),
        })
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |problem: &str| Err(Error::InvalidConfig(problem.to_owned()));
        if self.providers.is_empty() {
            return refuse("the router has no provider; register at least one");
        }
        if self.policy.threshold == 0 {
            return refuse("the failure threshold is 0; it must be 1 or more");
        }
        if self.retries.attempts == 0 {
            return refuse("the retries allow 0 attempts; they must allow 1 or more");
        }
        let mut names = HashSet::new();
        for given in &self.providers {
            let name = given.provider.name();
            check_one(name, given)?;
            if !names.insert(name) {
                return Err(Error::DuplicateProvider(name.to_owned()));
            }
        }
        Ok(())
    }
}

fn check_one(name: &str, given: &Registration) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(Error::InvalidConfig("a provider has no name; give it one".to_owned()));
    }
    if given.priority == 0 {
        let problem = format!("the priority of provider {name:?} is 0; it must be 1 or more");
        return Err(Error::InvalidConfig(problem));
    }
    if given.models.iter().any(|model| model.trim().is_empty()) {
        let problem = format!("provider {name:?} lists a model without a name; remove it");
        return Err(Error::InvalidConfig(problem));
    }
    Ok(())
}
