//! The models behind a running engine, exchangeable while it runs.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::RwLock;
use runcor_core::{
    Clock, Error, ErrorCode, EventSink, ModelRequest, ModelResponse, ModelService, ModelStream,
    ProviderInfo, ProviderReport, Result,
};
use runcor_router::{Router, RouterBuilder, StructuredOutput};

/// The models behind a running engine.
///
/// A reload of the configuration puts a new router in place; calls under way
/// end with the one that they began with.
#[derive(Debug)]
pub(crate) struct Models {
    clock: Arc<dyn Clock>,
    events: Arc<dyn EventSink>,
    installed: RwLock<Option<Installed>>,
}

#[derive(Debug, Clone)]
struct Installed {
    router: Arc<Router>,
    service: Arc<dyn ModelService>,
}

impl Models {
    /// Makes a place for models with none in it.
    pub(crate) fn new(clock: Arc<dyn Clock>, events: Arc<dyn EventSink>) -> Self {
        Self { clock, events, installed: RwLock::new(None) }
    }

    /// Puts a router in place.
    pub(crate) fn install(&self, routes: RouterBuilder) -> Result<()> {
        let mut routes = routes.clock(Arc::clone(&self.clock)).events(Arc::clone(&self.events));
        // What is known of providers that stay outlives the change.
        if let Some(old) = self.router() {
            routes = routes.inherit(&old);
        }
        let router = Arc::new(routes.build()?);
        let layer = StructuredOutput::new(Arc::clone(&router) as Arc<dyn ModelService>);
        let service = Arc::new(layer.with_events(Arc::clone(&self.events)));
        *self.installed.write() = Some(Installed { router, service });
        Ok(())
    }

    /// Takes the router away.
    pub(crate) fn clear(&self) {
        *self.installed.write() = None;
    }

    /// Returns the router, unless there is none.
    pub(crate) fn router(&self) -> Option<Arc<Router>> {
        self.installed.read().as_ref().map(|installed| Arc::clone(&installed.router))
    }

    fn service(&self) -> Result<Arc<dyn ModelService>> {
        let installed = self.installed.read();
        installed.as_ref().map(|installed| Arc::clone(&installed.service)).ok_or_else(|| {
            Error::new(
                ErrorCode::NoHealthyProviders,
                "no model provider is configured; add one in code, or under `providers` in runcor.yaml",
            )
        })
    }
}

#[async_trait]
impl ModelService for Models {
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse> {
        self.service()?.complete(request).await
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream> {
        self.service()?.stream(request).await
    }
}

impl ProviderReport for Models {
    fn providers(&self) -> Vec<ProviderInfo> {
        self.router().map(|router| router.providers()).unwrap_or_default()
    }
}
