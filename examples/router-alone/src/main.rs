//! Model routing without the engine.
//!
//! `runcor-router` needs no store, no flows and no server: give it providers
//! and ask. This example registers two. The first one is cheap and down, the
//! second one answers. You see the router
//!
//! 1. ask in the order of priorities and fall back when a provider fails,
//! 2. open the breaker of a provider that keeps failing, and leave it alone,
//! 3. hold an answer to a JSON Schema.
//!
//! Run it, without a key; the only network is this machine's own:
//!
//! ```sh
//! cargo run -p router-alone
//! ```
#![expect(clippy::print_stdout, reason = "the example shows what happens")]

use std::error::Error;
use std::net::TcpListener;
use std::sync::Arc;

use runcor_core::{ModelRequest, ModelService, ProviderReport, ResponseFormat, TokenPrice};
use runcor_providers::{Mock, OpenAi, OpenAiConfig};
use runcor_router::{Registration, Retries, Router, StructuredOutput};
use serde_json::json;

/// Makes a provider whose server is not there: a port that was free a moment ago.
fn down() -> Result<OpenAi, Box<dyn Error>> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    Ok(OpenAi::new(OpenAiConfig {
        name: "local".to_owned(),
        base_url: Some(format!("http://127.0.0.1:{port}/v1")),
        ..OpenAiConfig::default()
    })?)
}

fn router() -> Result<Router, Box<dyn Error>> {
    let local = Registration::new(Arc::new(down()?)).with_priority(1);
    let mock = Registration::new(Arc::new(Mock::with_template("It is {prompt}")))
        .with_priority(2)
        // Dollars for one token; the strategy `lowest-cost` goes by it.
        .with_price(TokenPrice::per_token(0.000_003, 0.000_015));
    Ok(Router::builder()
        .provider(local)
        .provider(mock)
        // By default a provider is asked three times when the failure may pass.
        .retries(Retries::NONE)
        // And its breaker opens after five failures in a row.
        .failure_threshold(2)
        .build()?)
}

fn print_health(router: &Router) {
    for provider in router.providers() {
        println!(
            "    {:<6} priority {}  {:?}",
            provider.name, provider.priority, provider.health_state
        );
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let router = Arc::new(router()?);
    println!("before the first request");
    print_health(&router);

    for number in 1..=3 {
        let answer = router.complete(ModelRequest::prompt("a quarter past nine.")).await?;
        println!("\nrequest {number}: {:?} from {}", answer.text, answer.provider);
        print_health(&router);
    }

    // A request may name its provider; then there is no fallback.
    let pinned = ModelRequest::prompt("Are you there?").with_provider("local");
    if let Err(error) = router.complete(pinned).await {
        println!("\nasked alone: {}: {}", error.code(), error.message());
    }

    // The layer that checks answers stands above the router, because its
    // second attempt, after an answer that does not match, is routed too.
    let model = StructuredOutput::new(router);
    let schema = json!({
        "type": "object",
        "required": ["author", "year"],
        "properties": { "author": { "type": "string" }, "year": { "type": "integer", "minimum": 1 } },
    });
    let question = ModelRequest::prompt("Who wrote Faust, and when?")
        .with_response_format(ResponseFormat::Schema(schema));
    let answer = model.complete(question).await?;
    println!("\nstructured: {}", answer.parsed.unwrap_or_default());
    Ok(())
}
