//! Serves one flow from memory until Ctrl-C.
//!
//! Needs: a client beside it, so it is built by the checks and not run. Start it with
//! `cargo run --release -p runcor-http --example serve`.
//!
//! Then, in another terminal:
//! `curl -X POST 'localhost:3000/v1/flows/hello/trigger?wait=1000' -d '{"idempotencyKey":"1"}'`

use std::sync::Arc;

use runcor_core::{Flow, FlowContext, FlowName, FlowOutcome};
use runcor_engine::{Engine, EngineParts};
use runcor_http::{HttpConfig, HttpParts, Server};
use runcor_store_memory::MemoryStore;
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::start(EngineParts::new(Arc::new(MemoryStore::new()))).await?;
    engine.register(Flow::new(FlowName::new("hello")?, async |ctx: FlowContext| {
        Ok(FlowOutcome::Complete(json!({ "hello": ctx.input() })))
    }))?;
    let parts = HttpParts::new(Arc::new(engine));
    Server::bind(HttpConfig::default(), parts).await?.serve(CancellationToken::new()).await;
    Ok(())
}
