//! `runcor dev`: run the project of this folder and follow its files.

mod events;
mod governance;
mod watch;

use std::path::Path;
use std::process::ExitCode;

use runcor::config::section::StateType;
use runcor::execution::{ExecutionQuery, ExecutionState};
use runcor::{Project, Runcor, Runtime};
use serde_json::json;

use crate::args::Dev;
use crate::console::{Console, Paint};
use crate::discovery::AddressFile;
use crate::failure::Failure;
use crate::serve;
use crate::target::{load_project, warnings_of};

/// An earlier process may have left more than one wants to count.
const MOST_COUNTED: usize = 1_000;

pub(crate) async fn run(
    args: &Dev,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let Some(project) = load_project(config)? else {
        let message = "there is no runcor.yaml here; make a project with `runcor init`, or name one with --config";
        return Err(Failure::new("CONFIG_NOT_FOUND", message));
    };
    for warning in warnings_of(&project) {
        console.warn(warning);
    }
    // Files are watched before they are read, so that no change falls between.
    let changes = watch::watch(&project)?;
    let runcor = project.start().await?;
    let unfinished = unfinished(&runcor).await?;
    serve::register_flows(&runcor, &project, console)?;
    let server = match http_port(args, &project) {
        None => None,
        Some(port) => {
            let started =
                serve::http(&runcor, runcor::http::HttpConfig { port, ..project.http_config() })
                    .await;
            if started.is_err() {
                runcor.shutdown().await?;
            }
            Some(started?)
        }
    };
    let address = server.as_ref().map(|server| {
        format!("{}{}", serve::url(server.local_addr()), project.http_config().base_path)
    });
    // It is taken away when this returns.
    let _address = address.as_deref().and_then(|url| AddressFile::write(&project, url));
    banner(console, &project, &runcor, address.as_deref(), unfinished);
    let printing = tokio::spawn(events::print(runcor.clone(), *console));
    tokio::select! {
        () = serve::stop_signal() => {}
        () = watch::follow(changes, &runcor, project, console) => {}
    }
    let stopped = serve::stop(&runcor, server, console).await;
    printing.abort();
    stopped
}

fn http_port(args: &Dev, project: &Project) -> Option<u16> {
    let http = &project.config().http_server;
    args.port.or_else(|| http.enabled.then_some(http.port))
}

/// Counts what an earlier process has left, up to [`MOST_COUNTED`].
async fn unfinished(runcor: &Runcor) -> Result<usize, Failure> {
    let mut count = 0;
    for state in [ExecutionState::Queued, ExecutionState::Running, ExecutionState::Retrying] {
        let query =
            ExecutionQuery { state: Some(state), limit: MOST_COUNTED, ..ExecutionQuery::default() };
        count += runcor.executions(&query).await?.items.len();
    }
    Ok(count.min(MOST_COUNTED))
}

fn banner(
    console: &Console,
    project: &Project,
    runcor: &Runcor,
    address: Option<&str>,
    unfinished: usize,
) {
    let flows: Vec<_> = runcor.flows().into_iter().map(|flow| flow.name.to_string()).collect();
    let providers: Vec<_> =
        runcor.provider_report().providers().into_iter().map(|provider| provider.name).collect();
    let store = match (project.config().state.kind, project.database()) {
        (StateType::Sqlite, Some(path)) => format!("sqlite {}", path.display()),
        _ => "memory (nothing outlives the process)".to_owned(),
    };
    if console.json {
        console.value(&json!({ "type": "started", "version": env!("CARGO_PKG_VERSION"), "url": address, "flows": flows, "providers": providers, "store": store, "unfinished": unfinished }));
        return;
    }
    console.line(console.paint(Paint::Bold, &format!("runcor v{}", env!("CARGO_PKG_VERSION"))));
    for (label, text) in [
        ("Config", project.file().display().to_string()),
        ("Store", store),
        ("Providers", list(&providers)),
        ("Flows", list(&flows)),
        (
            "API",
            address.map_or_else(
                || "off; enable httpServer, or pass --port".to_owned(),
                |url| format!("{url}/v1"),
            ),
        ),
    ] {
        console.line(format!("  {:<10} {text}", format!("{label}:")));
    }
    if unfinished > 0 {
        let many = if unfinished == MOST_COUNTED { " or more" } else { "" };
        console.line(format!("  Goes on:   {unfinished}{many} unfinished from an earlier process"));
    }
    if let (Some(url), Some(flow)) = (address, flows.first()) {
        // Beside a database the address is noted, and needs no telling.
        let connect =
            if project.database().is_some() { String::new() } else { format!(" --url {url}") };
        console.line(console.paint(
            Paint::Dim,
            &format!("  Try:       runcor trigger {flow} --input '{{\"name\": \"Ada\"}}'{connect}"),
        ));
    }
    console.line("");
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
