//! The router itself.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use runcor_core::{
    Clock, ModelRequest, ModelResponse, ModelService, ModelStream, ProviderInfo, ProviderReport,
};

use crate::ask::{Pieces, Whole};
use crate::builder::RouterBuilder;
use crate::call::Call;
use crate::hedge::Hedge;
use crate::retry::Retries;
use crate::slot::Slot;
use crate::strategy::Orders;
use crate::stream::RoutedStream;

/// Sends each model request to a provider that can answer it.
///
/// # Which providers are asked
/// - A request that pins a `provider` is answered by that one or fails: there is
///   no fallback, but there are retries. The name is the registered one, or the
///   part before its `/` where only one provider has it. Its circuit breaker
///   holds for pinned requests too.
/// - Otherwise a `model` that is an alias goes to the providers that have a name
///   for it. One that some registrations list, or some provider knows to be its
///   own, goes to those and to the ones of which nobody knows. A model that
///   nobody claims may go anywhere. The order is the strategy's. The next
///   provider is asked when one fails, for whatever reason.
///
/// # Which model they get
/// The one that the request names, by the provider's own name for it, or else
/// the first that the registration lists, or else the provider's own default. A
/// fallback that is known not to have the model gets the first of its own or its
/// default: never another vendor's name.
///
/// # When they are left alone
/// After a number of failures in a row a provider is skipped for the cooldown;
/// then exactly one request, without retries, finds out whether it is back. A
/// rejected request is the caller's fault and counts neither way, and so does
/// one that is dropped.
///
/// # What it costs
/// Each request to a vendor, retries, fallbacks and hedges included, is reserved
/// with the meter of the request's scope and booked however it ends. When the
/// money can't be reserved, routing ends with that error and nobody else is asked.
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
    pub(crate) hedge: Option<Hedge>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Router {
    /// Begins to put a router together.
    pub fn builder() -> RouterBuilder {
        RouterBuilder::new()
    }
}

#[async_trait]
impl ModelService for Router {
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, runcor_core::Error> {
        let mut call = Call::new(request)?;
        let routed = self.route::<Whole>(&mut call).await?;
        let mut answer = routed.answer;
        answer.substituted = call.substituted;
        routed.permit.succeed();
        Ok(*answer)
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, runcor_core::Error> {
        let mut call = Call::new(request)?;
        let routed = self.route::<Pieces>(&mut call).await?;
        Ok(Box::pin(RoutedStream::new(routed, call.request)))
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
