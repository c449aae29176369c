//! `runcor config`: check or describe the configuration.

use std::path::Path;
use std::process::ExitCode;

use runcor::ProjectCheck;
use serde_json::{Value, json};

use crate::args::Config;
use crate::console::{Console, Paint};
use crate::failure::Failure;
use crate::target::{load_project, warnings_of};

pub(crate) fn run(
    args: &Config,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    match args {
        Config::Schema { flow } => {
            console.value(&if *flow {
                runcor::pipeline::schema()
            } else {
                runcor::config::schema()
            });
            Ok(ExitCode::SUCCESS)
        }
        Config::Check { show } => check(*show, config, console),
    }
}

fn check(show: bool, config: Option<&Path>, console: &Console) -> Result<ExitCode, Failure> {
    let Some(project) = load_project(config)? else {
        let message =
            "there is no runcor.yaml here; make one with `runcor init`, or name one with --config";
        return Err(Failure::new("CONFIG_NOT_FOUND", message));
    };
    let read = project.read_flows()?;
    let ProjectCheck { errors, warnings: doubts } = project.check(&read);
    if let Some(error) = errors.into_iter().next() {
        return Err(error.into());
    }
    let warnings: Vec<_> = warnings_of(&project).into_iter().chain(doubts).collect();
    let problems: Vec<_> = read.problems.iter().map(ToString::to_string).collect();
    let flows: Vec<_> = read.flows.iter().map(|flow| flow.info.name.to_string()).collect();
    if console.json {
        let shown = if show { project.config().to_masked_json() } else { Value::Null };
        console.value(&json!({
            "valid": problems.is_empty(), "file": project.file(), "flows": flows,
            "warnings": warnings, "problems": problems, "config": shown,
        }));
        return Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    for warning in warnings {
        console.warn(warning);
    }
    if show {
        console.line(project.config().to_masked_yaml());
    }
    if !problems.is_empty() {
        let count = problems.len();
        let message = format!(
            "{count} {} in flow files:\n{}",
            if count == 1 { "mistake" } else { "mistakes" },
            problems.join("\n")
        );
        return Err(Failure::new("FLOW_INVALID", message));
    }
    console.line(format!(
        "{} {} is valid, with {} and {}",
        console.paint(Paint::Green, "✓"),
        project.file().display(),
        count(project.config().providers.len(), "provider"),
        count(flows.len(), "flow"),
    ));
    Ok(ExitCode::SUCCESS)
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
