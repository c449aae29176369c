//! The commands, one file each.

mod approval;
mod backup;
mod budgets;
mod cancel;
mod compare;
mod config;
mod costs;
mod decide;
mod demo;
mod dev;
mod eval;
mod evaluations;
mod flags;
mod fork;
mod init;
mod resume;
mod status;
mod timeline;
mod trigger;
mod verify;

use std::io::Read;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::{Cli, Command};
use crate::console::Console;
use crate::failure::Failure;
use crate::summary;

/// The longest JSON that is read, in bytes; a server accepts less.
const LONGEST: u64 = 64 << 20;

/// Runs the command.
pub(crate) async fn run(cli: Cli, console: &Console) -> Result<ExitCode, Failure> {
    let file = cli.config.as_deref();
    match cli.command {
        Command::Demo(args) => demo::run(args, file, console).await,
        Command::Init(args) => init::run(&args, console),
        Command::Dev(args) => dev::run(&args, file, console).await,
        Command::Trigger(args) => trigger::run(args, file, console).await,
        Command::Status(args) => status::run(args, file, console).await,
        Command::Timeline(args) => timeline::run(args, file, console).await,
        Command::Resume(args) => resume::run(args, file, console).await,
        Command::Approve(args) => approval::run(args, true, file, console).await,
        Command::Reject(args) => approval::run(args, false, file, console).await,
        Command::Decide(args) => decide::run(args, file, console).await,
        Command::Cancel(args) => cancel::run(args, file, console).await,
        Command::Fork(args) => fork::run(args, file, console).await,
        Command::Compare(args) => compare::run(args, file, console).await,
        Command::Costs(args) => costs::run(args, file, console).await,
        Command::Budgets(args) => budgets::list(args, file, console).await,
        Command::TopUp(args) => budgets::top_up(args, file, console).await,
        Command::Eval(args) => eval::run(args, file, console).await,
        Command::Evaluations(args) => evaluations::run(args, file, console).await,
        Command::Flags(args) => flags::list(args, file, console).await,
        Command::Flag(args) => flags::put(args, file, console).await,
        Command::Review(args) => flags::update(args, "reviewed", file, console).await,
        Command::Resolve(args) => flags::update(args, "resolved", file, console).await,
        Command::Verify(args) => verify::run(&args, console),
        Command::Backup(args) => backup::run(&args, console),
        Command::Config(args) => config::run(&args, file, console),
    }
}

/// Reads JSON from an argument: the text itself, `@FILE`, or `-` for standard input.
fn read_json(argument: &str, name: &str) -> Result<Value, Failure> {
    let text = match (argument, argument.strip_prefix('@')) {
        ("-", _) => read_text(std::io::stdin(), "standard input", name)?,
        (_, Some(path)) => {
            let file = std::fs::File::open(path).map_err(|error| unreadable(name, path, &error))?;
            read_text(file, path, name)?
        }
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

/// Reads a text to its end, which it must have.
fn read_text(source: impl Read, origin: &str, name: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let mut source = source.take(LONGEST + 1);
    let length =
        source.read_to_string(&mut text).map_err(|error| unreadable(name, origin, &error))?;
    if u64::try_from(length).is_ok_and(|length| length <= LONGEST) {
        return Ok(text);
    }
    let message = format!("{name}: {origin} is longer than {LONGEST} bytes");
    Err(Failure::new("PAYLOAD_TOO_LARGE", message))
}

fn unreadable(name: &str, origin: &str, error: &std::io::Error) -> Failure {
    Failure::new("IO_ERROR", format!("{name}: can't read {origin}: {error}"))
}

/// Prints what became of an execution that was waited for.
fn print_settled(execution: &Value, console: &Console) -> ExitCode {
    if console.json {
        console.value(&json!({ "execution": summary::short(execution) }));
    } else {
        summary::print_outcome(console, execution);
    }
    exit_code(execution)
}

/// The exit code for what became of an execution.
fn exit_code(execution: &Value) -> ExitCode {
    if execution["state"] == "failed" { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
