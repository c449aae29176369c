//! The router itself.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use runcor_core::{
    Clock, ModelRequest, ModelResponse, ModelService, ModelStream, ProviderError, ProviderInfo,
    ProviderReport,
};

use crate::ask::{Ask, Pieces, Whole};
use crate::attempt::Attempt;
use crate::builder::RouterBuilder;
use crate::call::Call;
use crate::error::Error;
use crate::pin::pinned;
use crate::retry::Retries;
use crate::slot::{Permit, Slot};
use crate::strategy::Orders;
use crate::stream::RoutedStream;

/// Sends each model request to a provider that can answer it.
///
/// # Which providers are asked
/// - A request that pins a `provider` is answered by that one or fails: there is
///   no fallback, but there are retries. The name is the registered one, or the
///   part before its `/` where only one provider has it. Its circuit breaker
///   holds for pinned requests too.
/// - Otherwise a `model` that some registrations list goes to those and to the
///   registrations that list none; a model that nobody lists may go anywhere.
///   The order is the strategy's. The next provider is asked when one fails,
///   for whatever reason.
///
/// # Which model they get
/// The one that the request names, or else the first that the registration
/// lists, or else the provider's own default. Only a fallback that lists models
/// but not the one that is named gets the first of its own.
///
/// # When they are left alone
/// After a number of failures in a row a provider is skipped for the cooldown;
/// then exactly one request, without retries, finds out whether it is back. A
/// rejected request is the caller's fault and counts neither way, and so does
/// one that is dropped.
///
/// # Streams
/// Retries and fallback end with the first chunk: an error after it ends the
/// stream. Providers that do not stream are asked for a whole answer.
///
/// ```
/// # use std::sync::Arc;
/// # use runcor_core::*;
/// # use runcor_router::{Registration, Router};
/// #[derive(Debug)]
/// struct Echo;
///
/// #[async_trait::async_trait]
/// impl ModelProvider for Echo {
///     fn name(&self) -> &str {
///         "echo"
///     }
///     async fn complete(&self, request: &ModelRequest) -> Result<ModelResponse, ProviderError> {
///         let text = request.prompt.clone().unwrap_or_default();
///         Ok(ModelResponse { text, ..ModelResponse::default() })
///     }
///     async fn stream(&self, _: &ModelRequest) -> Result<ProviderStream, ProviderError> {
///         unreachable!("its capabilities do not promise streaming")
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let router = Router::builder().provider(Registration::new(Arc::new(Echo))).build()?;
/// let answer = router.complete(ModelRequest::prompt("hello")).await?;
/// assert_eq!((answer.text.as_str(), answer.provider.as_str()), ("hello", "echo"));
/// # Ok(())
/// # }
/// ```
pub struct Router {
    pub(crate) slots: Box<[Arc<Slot>]>,
    pub(crate) orders: Orders,
    pub(crate) max_fallbacks: usize,
    pub(crate) retries: Retries,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Router {
    /// Begins to put a router together.
    pub fn builder() -> RouterBuilder {
        RouterBuilder::new()
    }

    async fn route<A: Ask>(&self, request: ModelRequest) -> Result<(A::Answer, Permit), Error> {
        let mut call = Call::new(request)?;
        match call.pin.take() {
            Some(name) => self.ask_pinned::<A>(call, &name).await,
            None => self.ask_in_order::<A>(call).await,
        }
    }

    async fn ask_pinned<A: Ask>(
        &self,
        mut call: Call,
        name: &str,
    ) -> Result<(A::Answer, Permit), Error> {
        let slot = pinned(&self.slots, name)?;
        let Some(permit) = slot.admit() else {
            return Err(Error::NoHealthyProviders { retry_after: slot.remaining() });
        };
        call.aim(slot, false);
        self.ask_one::<A>(permit, &call.request)
            .await
            .map_err(|attempt| Error::PinnedProviderFailed(Box::new(attempt)))
    }

    async fn ask_in_order<A: Ask>(&self, mut call: Call) -> Result<(A::Answer, Permit), Error> {
        let listed = self.is_listed(call.named_model());
        let plan = self
            .orders
            .plan(call.strategy, &self.slots, &call.request, |slot| fits(slot, &call, listed))
            .map_err(|available| Error::NobodyChosen { available })?;
        let mut attempts = Vec::new();
        let mut position = 0;
        while let Some(slot) = plan.at(position).and_then(|index| self.slots.get(index)) {
            position += 1;
            if attempts.len() > self.max_fallbacks {
                break;
            }
            if !fits(slot, &call, listed) {
                continue;
            }
            let Some(permit) = slot.admit() else { continue };
            call.aim(slot, !attempts.is_empty());
            match self.ask_one::<A>(permit, &call.request).await {
                Ok(answered) => return Ok(answered),
                Err(attempt) => attempts.push(attempt),
            }
        }
        Err(if attempts.is_empty() {
            self.nobody_healthy(|slot| fits(slot, &call, listed))
        } else {
            Error::AllProvidersFailed { attempts }
        })
    }

    /// Asks one provider, again where that may help, and tells its breaker of a failure.
    async fn ask_one<A: Ask>(
        &self,
        permit: Permit,
        request: &ModelRequest,
    ) -> Result<(A::Answer, Permit), Attempt> {
        // A half-open breaker lets one request through, not one with its retries.
        let retries = if permit.is_probe() { &Retries::NONE } else { &self.retries };
        let mut made = 1;
        loop {
            let error = match A::ask(permit.slot(), request).await {
                Ok(answer) => return Ok((answer, permit)),
                Err(error) => error,
            };
            let Some(pause) = retries.pause(made, &error) else {
                return Err(self.given_up(permit, error));
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

    fn is_listed(&self, model: Option<&str>) -> bool {
        model.is_some_and(|model| self.slots.iter().any(|slot| slot.lists(model)))
    }

    /// Says when the first of the providers that fit may be asked again. A probe
    /// under way may end at any moment, so then nothing is known.
    fn nobody_healthy(&self, fits: impl Fn(&Slot) -> bool) -> Error {
        let waits: Option<Vec<_>> =
            self.slots.iter().filter(|slot| fits(slot)).map(|slot| slot.remaining()).collect();
        Error::NoHealthyProviders { retry_after: waits.and_then(|waits| waits.into_iter().min()) }
    }
}

/// Returns whether `slot` may get `call`, whose model somebody lists or not.
fn fits(slot: &Slot, call: &Call, listed: bool) -> bool {
    !listed || slot.models.is_empty() || call.named_model().is_some_and(|model| slot.lists(model))
}

#[async_trait]
impl ModelService for Router {
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, runcor_core::Error> {
        let (mut response, permit) = self.route::<Whole>(request).await?;
        permit.slot().sign(&mut response);
        permit.succeed();
        Ok(response)
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, runcor_core::Error> {
        let (begun, permit) = self.route::<Pieces>(request).await?;
        Ok(Box::pin(RoutedStream::new(begun, permit)))
    }
}

impl ProviderReport for Router {
    fn providers(&self) -> Vec<ProviderInfo> {
        let info = |slot: &Arc<Slot>| ProviderInfo {
            name: slot.name.as_ref().to_owned(),
            health_state: slot.health(),
            priority: slot.priority,
            price: slot.price,
        };
        self.slots.iter().map(info).collect()
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.slots.iter().map(|slot| &*slot.name).collect();
        f.debug_struct("Router").field("providers", &names).finish_non_exhaustive()
    }
}
