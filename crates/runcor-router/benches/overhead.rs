//! What routing adds to a call: a bare provider beside the same one behind the router.

#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use async_trait::async_trait;
use criterion::{Criterion, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

use runcor_core::{
    ModelProvider, ModelRequest, ModelResponse, ModelService, ProviderError, ProviderStream,
    Strategy, Usage,
};
use runcor_router::{Registration, Router, StructuredOutput};

#[derive(Debug)]
struct Instant(String);

#[async_trait]
impl ModelProvider for Instant {
    fn name(&self) -> &str {
        &self.0
    }

    async fn complete(&self, _: &ModelRequest) -> Result<ModelResponse, ProviderError> {
        Ok(ModelResponse {
            text: "hello".to_owned(),
            provider: self.0.clone(),
            usage: Usage { prompt_tokens: 1, completion_tokens: 1, ..Usage::default() },
            ..ModelResponse::default()
        })
    }

    async fn stream(&self, _: &ModelRequest) -> Result<ProviderStream, ProviderError> {
        Ok(Box::pin(futures_util::stream::empty()))
    }
}

fn provider(name: &str) -> Arc<dyn ModelProvider> {
    Arc::new(Instant(name.to_owned()))
}

fn router(strategy: Strategy) -> Arc<dyn ModelService> {
    let builder = (1..=3).fold(Router::builder(), |builder, n| {
        builder.provider(Registration::new(provider(&format!("p{n}"))).with_priority(n))
    });
    Arc::new(builder.strategy(strategy).build().expect("three providers"))
}

fn through(c: &mut Criterion, runtime: &Runtime, name: &str, service: &Arc<dyn ModelService>) {
    c.bench_function(name, |bench| {
        bench.to_async(runtime).iter(|| async {
            black_box(service.complete(black_box(ModelRequest::prompt("hi"))).await)
        });
    });
}

fn overhead(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let bare = provider("p1");
    c.bench_function("bare provider", |bench| {
        bench.to_async(&runtime).iter(|| async {
            black_box(bare.complete(&black_box(ModelRequest::prompt("hi"))).await)
        });
    });
    let by_priority = router(Strategy::Priority);
    through(c, &runtime, "router, priority", &by_priority);
    through(c, &runtime, "router, round-robin", &router(Strategy::RoundRobin));
    let structured: Arc<dyn ModelService> = Arc::new(StructuredOutput::new(by_priority));
    through(c, &runtime, "structured output over router, text", &structured);
}

criterion_group!(benches, overhead);
criterion_main!(benches);
