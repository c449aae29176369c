//! Putting a router together.

mod check;

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{Clock, EventSink, ModelRequest, NopSink, Strategy, SystemClock};

use crate::alias::{self, Alias};
use crate::breaker::BreakerPolicy;
use crate::error::Error;
use crate::hedge::Hedge;
use crate::registration::Registration;
use crate::retry::Retries;
use crate::router::Router;
use crate::slot::Slot;
use crate::strategy::{Candidate, Custom, Orders, Standing};
use crate::vitals::Vitals;

/// Collects providers and settings for a [`Router`].
///
/// ```
/// # use std::sync::Arc;
/// # use std::time::Duration;
/// # use runcor_core::*;
/// # use runcor_router::{Hedge, Registration, Router};
/// # #[derive(Debug)]
/// # struct Oracle(&'static str);
/// # #[async_trait::async_trait]
/// # impl ModelProvider for Oracle {
/// #     fn name(&self) -> &str { self.0 }
/// #     async fn complete(&self, request: &ModelRequest) -> Result<ModelResponse, ProviderError> {
/// #         let text = format!("{:?}", request.model);
/// #         Ok(ModelResponse { text, ..ModelResponse::default() })
/// #     }
/// #     async fn stream(&self, _: &ModelRequest) -> Result<ProviderStream, ProviderError> {
/// #         unreachable!()
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (anthropic, openai) = (Oracle("anthropic"), Oracle("openai"));
/// let router = Router::builder()
///     .provider(
///         Registration::new(Arc::new(anthropic))
///             .with_weight(3)
///             .with_price(TokenPrice::per_token(0.000_003, 0.000_015))
///             .with_model_price("claude-haiku-4-5", TokenPrice::per_token(0.000_001, 0.000_005)),
///     )
///     .provider(Registration::new(Arc::new(openai)).with_timeout(Duration::from_secs(30)))
///     .strategy(Strategy::Weighted)
///     .alias("fast", [("anthropic", "claude-haiku-4-5"), ("openai", "gpt-6-luna")])
///     .hedge(Hedge::default())
///     .build()?;
/// let answer = router.complete(ModelRequest::prompt("Who wrote Faust?").with_model("fast")).await?;
/// # assert_eq!(answer.text, "Some(\"claude-haiku-4-5\")");
/// # Ok(())
/// # }
/// ```
///
/// What can't work is refused when the router is built:
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
    hedge: Option<Hedge>,
    timeout: Option<Duration>,
    aliases: Vec<Alias>,
    inherited: Vec<Arc<Slot>>,
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
            hedge: None,
            timeout: None,
            aliases: Vec::new(),
            inherited: Vec::new(),
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

    /// Makes requests a second time when they are slow; none are by default.
    ///
    /// A request may decline with
    /// [`with_hedge(false)`](runcor_core::ModelRequest::with_hedge).
    pub fn hedge(mut self, hedge: Hedge) -> Self {
        self.hedge = Some(hedge);
        self
    }

    /// Limits how long one request to a vendor may take, until its first piece
    /// where it is streamed; providers have limits of their own by default.
    ///
    /// A registration's limit goes before it, and a request's before both.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Gives a model a name that each vendor knows it by another of.
    ///
    /// A request for `name` goes to the providers that are given here and to no
    /// others, in the order of the strategy; each is asked for its own model.
    /// Providers are named as for pinning.
    ///
    /// ```
    /// # use runcor_router::Router;
    /// let builder = Router::builder()
    ///     .alias("fast", [("anthropic", "claude-haiku-4-5"), ("openai", "gpt-6-luna")]);
    /// ```
    pub fn alias<P: Into<String>, M: Into<String>>(
        mut self,
        name: impl Into<String>,
        models: impl IntoIterator<Item = (P, M)>,
    ) -> Self {
        let models = models.into_iter().map(|(provider, model)| (provider.into(), model.into()));
        self.aliases.push((name.into(), models.collect()));
        self
    }

    /// Takes over what an older router knows of providers that keep their name
    /// and address: their breakers and latencies.
    pub fn inherit(mut self, old: &Router) -> Self {
        self.inherited.extend(old.slots.iter().cloned());
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
        let names = alias::names(&self.providers, &self.aliases)?;
        let given = self.providers.iter().zip(names);
        let slots: Box<[_]> = given.map(|(given, names)| self.slot(given, names)).collect();
        if self.hedge.is_some() || matches!(self.strategy, Standing::Named(Strategy::LeastLatency))
        {
            slots.iter().for_each(|slot| slot.vitals.latency.measure());
        }
        let others = slots.len().saturating_sub(1);
        Ok(Router {
            orders: Orders::new(self.strategy, &slots),
            max_fallbacks: self.max_fallbacks.unwrap_or(others),
            retries: self.retries,
            hedge: self.hedge,
            clock: self.clock,
            slots,
        })
    }

    fn slot(&self, given: &Registration, names: Vec<(String, String)>) -> Arc<Slot> {
        Arc::new(Slot {
            name: Arc::from(given.provider.name()),
            provider: Arc::clone(&given.provider),
            priority: given.priority,
            price: given.price,
            model_prices: given.model_prices.clone(),
            weight: given.weight,
            timeout: given.timeout.or(self.timeout),
            models: given.models.clone(),
            names,
            streams: given.provider.capabilities().streaming,
            policy: self.policy,
            vitals: self.vitals(given),
            clock: Arc::clone(&self.clock),
            events: Arc::clone(&self.events),
        })
    }

    fn vitals(&self, given: &Registration) -> Arc<Vitals> {
        let (name, address) = (given.provider.name(), given.provider.address());
        let same = |old: &&Arc<Slot>| *old.name == *name && old.provider.address() == address;
        let known = self.inherited.iter().rev().find(same);
        known.map_or_else(|| Arc::new(Vitals::new()), |old| Arc::clone(&old.vitals))
    }
}
