//! A project of YAML files, started from Rust.
//!
//! The folder is what `runcor dev` runs: `runcor.yaml` says where executions
//! are kept, who answers and where the API listens; `flows/triage.yaml` is the
//! flow. This program does by hand what the command does, so that you can
//! embed a project in a service of your own: load, start, register, serve.
//!
//! It plays the ticket system too, on 127.0.0.1:18787, so that the flow's
//! webhook has somebody to call.
//!
//! Run it, without a key and without any service:
//!
//! ```sh
//! cargo run -p yaml-project
//! ```
#![expect(clippy::print_stdout, reason = "the example shows what happens")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use runcor::config::{LoadOptions, process_env};
use runcor::http::{HttpParts, Server};
use runcor::{Project, Runcor, Trigger};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Where the flow's webhook goes; it stands in `flows/triage.yaml` too.
const TICKETS: &str = "127.0.0.1:18787";

/// The ticket system: prints what it gets and answers with a number.
async fn open_ticket(headers: HeaderMap, Json(ticket): Json<Value>) -> Json<Value> {
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    println!("  the ticket system gets {ticket}\n  under the key {}", key.unwrap_or("none"));
    Json(json!({ "ticket": 17 }))
}

/// Loads the project of this folder with a database in `data` and a free port.
fn load(data: &Path) -> Result<Project, Box<dyn Error>> {
    // `${DATA_DIR}` and `${PORT}` of runcor.yaml come from here, the rest from
    // the environment.
    let variables = |name: &str| match name {
        "DATA_DIR" => Some(data.display().to_string()),
        "PORT" => Some("0".to_owned()),
        other => process_env(other),
    };
    Ok(Project::load(&LoadOptions::new(env!("CARGO_MANIFEST_DIR"), &variables))?)
}

/// Starts the engine with the store and the providers of the project, and its flows.
async fn start(project: &Project) -> Result<Runcor, Box<dyn Error>> {
    let runcor = project.start().await?;
    let read = project.read_flows()?;
    for problem in &read.problems {
        println!("{problem}");
    }
    for flow in read.flows {
        println!("flow {}", flow.info.name);
        runcor.register(flow)?;
    }
    Ok(runcor)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let tickets = TcpListener::bind(TICKETS)
        .await
        .map_err(|error| format!("the example needs {TICKETS} for itself: {error}"))?;
    let app = Router::new().route("/tickets", post(open_ticket));
    let receiver = tokio::spawn(async move { axum::serve(tickets, app).await });

    let data = tempfile::tempdir()?;
    let project = load(data.path())?;
    let runcor = start(&project).await?;

    // The HTTP API of docs/http-api.md; drop these lines if nobody needs it.
    let parts =
        HttpParts::new(Arc::new(runcor.engine().clone())).with_providers(runcor.provider_report());
    let server = Server::bind(project.http_config(), parts).await?.start();
    println!("API on http://{}/v1", server.local_addr());

    let mail = json!({ "from": "ada@example.com", "text": "The printer is on fire." });
    println!("\na mail comes in");
    let ended = runcor.run("triage", Trigger::new("mail-1", mail)).await?;
    println!("{} is {}", ended.id(), ended.state());
    if let Some(error) = &ended.status.error {
        return Err(error.message.clone().into());
    }
    println!("{}", ended.status.result.unwrap_or_default());

    server.stop().await;
    runcor.shutdown().await?;
    receiver.abort();
    Ok(())
}
