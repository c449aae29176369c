//! A provider as it is handed to the router.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{ModelProvider, TokenPrice};

/// A provider with what the router should know of it.
///
/// The provider's own [`name`](ModelProvider::name) is the registered name.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The provider.
    pub provider: Arc<dyn ModelProvider>,
    /// Its priority, 1 or more; lower is asked first.
    pub priority: u32,
    /// Its price, by which the strategy `lowest-cost` orders.
    pub price: Option<TokenPrice>,
    /// The prices of models that have their own, by the vendor's name.
    pub model_prices: Vec<(String, TokenPrice)>,
    /// How often it is asked first where the strategy is `weighted`, beside the
    /// weights of the others; 0 makes it a fallback only.
    pub weight: u32,
    /// How long one request may take, until its first piece where it is streamed.
    pub timeout: Option<Duration>,
    /// The models it serves, the first one by default; empty means any.
    pub models: Vec<String>,
    /// Names of models, each with what this vendor calls it.
    pub names: Vec<(String, String)>,
}

impl Registration {
    /// Registers a provider of priority 1, without price, that serves any model.
    #[must_use]
    pub fn new(provider: Arc<dyn ModelProvider>) -> Self {
        Self {
            provider,
            priority: 1,
            price: None,
            model_prices: Vec::new(),
            weight: 1,
            timeout: None,
            models: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Sets the priority, 1 or more; lower is asked first.
    #[must_use]
    pub fn with_priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }

    /// Sets the price.
    #[must_use]
    pub fn with_price(mut self, price: TokenPrice) -> Self {
        self.price = Some(price);
        self
    }

    /// Sets the price of one model, which goes before the other.
    #[must_use]
    pub fn with_model_price(mut self, model: impl Into<String>, price: TokenPrice) -> Self {
        self.model_prices.push((model.into(), price));
        self
    }

    /// Sets how often it is asked first where the strategy is `weighted`.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Limits how long one request may take, until its first piece where it is streamed.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Says that this vendor serves the model `name` and calls it `own`.
    ///
    /// A request for `name` goes to the providers that have a name of their own
    /// for it and to those that list it, and to no others.
    #[must_use]
    pub fn with_model_name(mut self, name: impl Into<String>, own: impl Into<String>) -> Self {
        self.names.push((name.into(), own.into()));
        self
    }

    /// Sets the models it serves; the first one answers requests that name none.
    #[must_use]
    pub fn with_models<M: Into<String>>(mut self, models: impl IntoIterator<Item = M>) -> Self {
        self.models = models.into_iter().map(Into::into).collect();
        self
    }
}

impl From<Arc<dyn ModelProvider>> for Registration {
    fn from(provider: Arc<dyn ModelProvider>) -> Self {
        Self::new(provider)
    }
}

impl<P: ModelProvider + 'static> From<Arc<P>> for Registration {
    fn from(provider: Arc<P>) -> Self {
        Self::new(provider)
    }
}
