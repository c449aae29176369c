//! What every route sees: the runtime, the reports, the limits.

use std::fmt;
use std::sync::Arc;

use runcor_core::{Budgets, LedgerReads, ProviderReport, Quality, Runtime};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::config::HttpConfig;

/// What a [`Server`](crate::Server) puts on the network; a route exists only where its part does.
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpParts {
    /// Runs executions.
    pub runtime: Arc<dyn Runtime>,
    /// Tells about providers, for `GET /providers`.
    pub providers: Option<Arc<dyn ProviderReport>>,
    /// The ledger, for `GET /cost/…` and the details of executions.
    pub ledger: Option<Arc<dyn LedgerReads>>,
    /// The budgets, for `/budgets`.
    pub budgets: Option<Arc<dyn Budgets>>,
    /// Evaluations and flags.
    pub quality: Option<Arc<dyn Quality>>,
    /// Whether a policy judges operations, so that events of flows that it hides are left out.
    pub has_policy: bool,
}

impl HttpParts {
    /// Serves a runtime and no reports.
    #[must_use]
    pub fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self {
            runtime,
            providers: None,
            ledger: None,
            budgets: None,
            quality: None,
            has_policy: false,
        }
    }

    /// Serves reports about providers too.
    #[must_use]
    pub fn with_providers(mut self, report: Arc<dyn ProviderReport>) -> Self {
        self.providers = Some(report);
        self
    }

    /// Serves what model calls have cost too.
    #[must_use]
    pub fn with_ledger(mut self, ledger: Arc<dyn LedgerReads>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Serves budgets too.
    #[must_use]
    pub fn with_budgets(mut self, budgets: Arc<dyn Budgets>) -> Self {
        self.budgets = Some(budgets);
        self
    }

    /// Serves evaluations and flags too.
    #[must_use]
    pub fn with_quality(mut self, quality: Arc<dyn Quality>) -> Self {
        self.quality = Some(quality);
        self
    }

    /// Says that the runtime has a policy: `GET /health` tells so, and callers hear of no
    /// execution of a flow that it hides from them.
    #[must_use]
    pub fn with_policy(mut self) -> Self {
        self.has_policy = true;
        self
    }
}

impl fmt::Debug for HttpParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpParts")
            .field("providers", &self.providers.is_some())
            .field("ledger", &self.ledger.is_some())
            .field("budgets", &self.budgets.is_some())
            .field("quality", &self.quality.is_some())
            .field("has_policy", &self.has_policy)
            .finish_non_exhaustive()
    }
}

/// The state that all requests share.
pub(crate) struct App {
    pub(crate) parts: HttpParts,
    pub(crate) config: HttpConfig,
    /// Places for event streams.
    pub(crate) streams: Arc<Semaphore>,
    /// Cancelled when the server begins to stop.
    pub(crate) stop: CancellationToken,
}

impl App {
    pub(crate) fn new(config: HttpConfig, parts: HttpParts) -> Self {
        let streams =
            Arc::new(Semaphore::new(config.max_event_streams.min(Semaphore::MAX_PERMITS)));
        Self { parts, config, streams, stop: CancellationToken::new() }
    }

    pub(crate) fn runtime(&self) -> &dyn Runtime {
        &*self.parts.runtime
    }
}
