//! `runcor demo`: one execution for each document, with no key and no service.

mod documents;
mod project;
mod report;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use runcor::http::HttpConfig;
use runcor::{Project, Runcor, Trigger};
use serde_json::json;
use tokio::task::JoinSet;

use self::documents::Document;
use self::project::Folder;
use self::report::{Report, Row};
use crate::args::Demo;
use crate::console::{Console, Paint};
use crate::failure::Failure;
use crate::serve;

/// The port that is tried first when none is asked for.
const USUAL_PORT: u16 = 3000;

pub(crate) async fn run(
    args: Demo,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let documents = documents::read(args.documents.as_deref(), console)?;
    let models = project::choose_models(config, args.mock).await?;
    let folder = Folder::new(args.keep);
    let project = project::create(&folder, models.providers)?;
    let runcor = project.start().await?;
    serve::register_flows(&runcor, &project, console)?;
    let server = if args.once { None } else { Some(open_api(&args, &runcor).await?) };
    let address = server.as_ref().map(|server| serve::url(server.local_addr()));
    introduce(&args, documents.len(), &models.description, &project, address.as_deref(), console);

    let started = Instant::now();
    let rows = tokio::select! {
        rows = run_all(&runcor, documents, console) => rows?,
        () = serve::stop_signal() => {
            serve::stop(&runcor, server, console).await?;
            console.warn("stopped before every document was done");
            return Ok(ExitCode::from(serve::INTERRUPTED));
        }
    };
    let report = Report { rows, took: started.elapsed(), model: models.description, address };
    report.print(console);
    let ended = if report.failed() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS };

    let Some(server) = server else {
        runcor.shutdown().await?;
        return Ok(ended);
    };
    console.note("");
    console.note("The API runs on until Ctrl-C. Try in another terminal:");
    if let Some(address) = &report.address {
        console.note(format!("  curl '{address}/v1/executions?limit=2'"));
        console.note(format!("  runcor status --url {address}"));
    }
    serve::stop_signal().await;
    serve::stop(&runcor, Some(server), console).await?;
    Ok(ended)
}

/// Says what will happen, with what, and where.
fn introduce(
    args: &Demo,
    documents: usize,
    model: &str,
    project: &Project,
    address: Option<&str>,
    console: &Console,
) {
    let origin = args
        .documents
        .as_ref()
        .map_or_else(|| "they come with runcor".to_owned(), |dir| dir.display().to_string());
    console.note(console.paint(Paint::Bold, "runcor demo"));
    console.note(format!("  Documents: {documents} ({origin})"));
    console.note(format!("  Model:     {model}"));
    if let Some(database) = project.database() {
        let fate = if args.keep { "kept" } else { "removed at the end; --keep keeps it" };
        console.note(format!("  Store:     {} ({fate})", database.display()));
    }
    if let Some(address) = address {
        console.note(format!("  API:       {address}/v1/executions"));
    }
    console.note("");
}

/// Opens the API on the port that was asked for, or on the usual one, or on a free one.
async fn open_api(args: &Demo, runcor: &Runcor) -> Result<runcor::http::ServerHandle, Failure> {
    let on = |port| HttpConfig { port, ..HttpConfig::default() };
    match args.port {
        Some(port) => serve::http(runcor, on(port)).await,
        None => match serve::http(runcor, on(USUAL_PORT)).await {
            Ok(server) => Ok(server),
            Err(_) => serve::http(runcor, on(0)).await,
        },
    }
}

/// Runs the flow once for each document and tells as they end.
async fn run_all(
    runcor: &Runcor,
    documents: Vec<Document>,
    console: &Console,
) -> Result<Vec<Row>, Failure> {
    let bar = progress(documents.len(), console);
    let mut running = JoinSet::new();
    for (place, document) in documents.into_iter().enumerate() {
        let runcor = runcor.clone();
        running.spawn(async move { run_one(&runcor, document).await.map(|row| (place, row)) });
    }
    let mut rows = Vec::new();
    while let Some(ended) = running.join_next().await {
        let (place, row) =
            ended.map_err(|error| Failure::new("INTERNAL_ERROR", error.to_string()))??;

        let line = format!("{}  {}  {} ms", console.state(&row.state), row.document, row.millis);
        if bar.is_hidden() {
            console.note(line);
        } else {
            bar.println(line);
        }
        bar.inc(1);
        rows.push((place, row));
    }
    bar.finish_and_clear();
    rows.sort_by_key(|(place, _)| *place);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

async fn run_one(runcor: &Runcor, document: Document) -> Result<Row, Failure> {
    let input = json!({ "name": document.name, "format": document.format, "text": document.text, "truncated": document.truncated });
    let key = format!("demo:{}", document.name);
    let execution = runcor.run("digest", Trigger::new(key, input).with_user("demo")).await?;
    let journal = runcor.store().journal(execution.id()).await.map_err(runcor::Error::from)?;
    let prices = runcor.provider_report().providers();
    Ok(Row::new(document.name, &execution, &runcor::pipeline::usage_of(&journal), &prices))
}

fn progress(total: usize, console: &Console) -> ProgressBar {
    if !console.is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
    // The template is a constant; a mistake in it only costs the looks.
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} documents  {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
