//! A provider as it is handed to the router.

use std::sync::Arc;

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
    /// The models it serves, the first one by default; empty means any.
    pub models: Vec<String>,
}

impl Registration {
    /// Registers a provider of priority 1, without price, that serves any model.
    #[must_use]
    pub fn new(provider: Arc<dyn ModelProvider>) -> Self {
        Self { provider, priority: 1, price: None, models: Vec::new() }
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
