//! A running project with its HTTP API: what `dev` and `demo` share.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use runcor::http::{HttpConfig, HttpParts, Server, ServerHandle};
use runcor::{Project, Runcor};
use serde_json::json;

use crate::console::{Console, Paint};
use crate::failure::Failure;

/// Starts the HTTP API of a runtime.
pub(crate) async fn http(runcor: &Runcor, config: HttpConfig) -> Result<ServerHandle, Failure> {
    let server = Server::bind(config, parts(runcor)).await.map_err(runcor::Error::from)?;
    Ok(server.start())
}

/// Returns everything of a runtime that the API can serve.
fn parts(runcor: &Runcor) -> HttpParts {
    let mut parts = HttpParts::new(Arc::new(runcor.engine().clone()));
    parts = parts.with_providers(runcor.provider_report());
    if let Some(costs) = runcor.costs() {
        parts = parts.with_ledger(runcor.store().ledger()).with_budgets(Arc::clone(costs) as _);
    }
    if let Some(evaluators) = runcor.evaluators() {
        parts = parts.with_quality(Arc::clone(evaluators) as _);
    }
    if runcor.policies().is_some() || runcor.guardrails().is_some() {
        parts = parts.with_policy();
    }
    parts
}

/// Returns how the API is reached from this machine: an address for all networks is none.
pub(crate) fn url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

/// Registers the project's flows and tells about files that have mistakes.
pub(crate) fn register_flows(
    runcor: &Runcor,
    project: &Project,
    console: &Console,
) -> Result<(), Failure> {
    let read = project.read_flows()?;
    for doubt in project.check(&read).warnings {
        console.warn(doubt);
    }
    for problem in &read.problems {
        console.warn(problem.to_string());
    }
    for flow in read.flows {
        runcor.register(flow)?;
    }
    Ok(())
}

/// Waits for Ctrl-C or the signal to terminate.
pub(crate) async fn stop_signal() {
    tokio::select! {
        () = interrupted() => {}
        () = terminated() => {}
    }
}

async fn interrupted() {
    // When signals can't be listened for, the process ends by being killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            terminate.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// The exit code of a process that was interrupted and could not finish.
pub(crate) const INTERRUPTED: u8 = 130;

/// How long the word that it stops may take to be printed.
const LONGEST_PRINT: Duration = Duration::from_millis(500);

/// Stops the API and the engine; a second signal does not wait.
pub(crate) async fn stop(
    runcor: &Runcor,
    server: Option<ServerHandle>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let line = if console.json {
        json!({ "type": "stopping" }).to_string()
    } else {
        let text = "Stopping: what runs may finish; press Ctrl-C again to stop at once.";
        console.paint(Paint::Dim, text)
    };
    // A reader that does not read must not keep the engine from ending.
    let _ = tokio::time::timeout(LONGEST_PRINT, console.line_aside(line)).await;
    let orderly = async {
        // New triggers are refused while those under way are answered.
        let engine = runcor.shutdown();
        let api = async {
            if let Some(server) = server {
                server.stop().await;
            }
        };
        let (stopped, ()) = tokio::join!(engine, api);
        stopped
    };
    tokio::select! {
        stopped = orderly => Ok(stopped.map(|()| ExitCode::SUCCESS)?),
        () = stop_signal() => Ok(ExitCode::from(INTERRUPTED)),
    }
}
