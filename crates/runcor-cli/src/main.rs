//! The `runcor` binary: runs, triggers and inspects durable AI flows.

mod args;
mod commands;
mod console;
mod discovery;
mod failure;
mod figures;
mod local;
mod remote;
mod serve;
mod settling;
mod summary;
mod table;
mod target;
mod template;
mod waiting;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, FromArgMatches};

use crate::args::Cli;
use crate::console::Console;
use crate::failure::Failure;

fn main() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    let console = Console::new(cli.json, cli.no_color);
    log_to_stderr(cli.verbose, &console);
    match run(cli, &console) {
        Ok(code) => code,
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}

fn parse() -> Result<Cli, clap::Error> {
    let colours = if has_flag("--no-color") { ColorChoice::Never } else { ColorChoice::Auto };
    Cli::from_arg_matches(&Cli::command().color(colours).try_get_matches()?)
}

/// Help and version are answers, everything else is a mistake.
fn explain(error: &clap::Error) -> ExitCode {
    let console = Console::new(has_flag("--json"), has_flag("--no-color"));
    match error.kind() {
        ErrorKind::DisplayVersion => console.line(format!("runcor v{}", env!("CARGO_PKG_VERSION"))),
        // Nothing was asked for, so there is no mistake: tell what there is.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if std::env::args_os().len() == 1 => {
            console.line(error.render().to_string().trim_end());
        }
        _ if error.use_stderr() && console.json => {
            let text = error.render().to_string();
            let line = text.lines().next().unwrap_or_default();
            let message = line.strip_prefix("error: ").unwrap_or(line);
            console.failure(&Failure::new("USAGE", message));
            return ExitCode::FAILURE;
        }
        _ => {
            // There is nobody left to tell when the terminal is gone.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    }
    ExitCode::SUCCESS
}

/// Looks for a flag before the arguments are understood, or when they can't be.
fn has_flag(flag: &str) -> bool {
    std::env::args_os().skip(1).take_while(|arg| arg != "--").any(|arg| arg == OsStr::new(flag))
}

fn run(cli: Cli, console: &Console) -> Result<ExitCode, Failure> {
    // Every client below needs it, and reqwest panics without; a second installation is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("INTERNAL_ERROR", format!("no runtime: {error}")))?;
    let ended = runtime.block_on(commands::run(cli, console));
    // What was told to stop at once must not wait for a thread that is stuck.
    runtime.shutdown_background();
    ended
}

fn log_to_stderr(verbose: u8, console: &Console) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(console.paints_errors());
    // It fails only when there is a subscriber already.
    let _ = if console.json { subscriber.json().try_init() } else { subscriber.try_init() };
}
