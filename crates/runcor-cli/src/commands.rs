//! The commands, one file each.

mod cancel;
mod config;
mod demo;
mod dev;
mod init;
mod resume;
mod status;
mod trigger;

use std::process::ExitCode;

use serde_json::Value;

use crate::args::{Cli, Command};
use crate::console::Console;
use crate::failure::Failure;

/// Runs the command.
pub(crate) async fn run(cli: Cli, console: &Console) -> Result<ExitCode, Failure> {
    let file = cli.config.as_deref();
    match cli.command {
        Command::Demo(args) => demo::run(args, file, console).await,
        Command::Init(args) => init::run(&args, console),
        Command::Dev(args) => dev::run(&args, file, console).await,
        Command::Trigger(args) => trigger::run(args, file, console).await,
        Command::Status(args) => status::run(args, file, console).await,
        Command::Resume(args) => resume::run(args, file, console).await,
        Command::Cancel(args) => cancel::run(args, file, console).await,
        Command::Config(args) => config::run(&args, file, console),
    }
}

/// Reads JSON from an argument: the text itself, `@FILE`, or `-` for standard input.
fn read_json(argument: &str, name: &str) -> Result<Value, Failure> {
    let text = match (argument, argument.strip_prefix('@')) {
        ("-", _) => std::io::read_to_string(std::io::stdin())?,
        (_, Some(file)) => std::fs::read_to_string(file).map_err(|error| {
            Failure::new("IO_ERROR", format!("{name}: can't read {file}: {error}"))
        })?,
        _ => argument.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| {
        let hint = if argument.starts_with(['{', '[', '"', '@', '-']) {
            ""
        } else {
            "; a text needs quotes of its own: '\"text\"'"
        };
        Failure::new("INVALID_JSON", format!("{name} is not JSON: {error}{hint}"))
    })
}

/// The exit code for what became of an execution.
fn exit_code(execution: &Value) -> ExitCode {
    if execution["state"] == "failed" { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
