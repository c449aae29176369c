//! The `runcor` binary: runs, triggers and inspects durable AI flows.

mod args;
mod commands;
mod console;
mod failure;
mod local;
mod remote;
mod serve;
mod summary;
mod target;
mod template;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::console::Console;
use crate::failure::Failure;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, everything else is a mistake.
            let is_mistake = error.use_stderr();
            // There is nobody left to tell when the terminal is gone.
            let _ = error.print();
            return if is_mistake { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let console = Console::new(cli.json, cli.no_color);
    log_to_stderr(cli.verbose);
    match run(cli, &console) {
        Ok(code) => code,
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}

fn run(cli: Cli, console: &Console) -> Result<ExitCode, Failure> {
    // Every client below needs it, and reqwest panics without; a second installation is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("INTERNAL_ERROR", format!("no runtime: {error}")))?;
    runtime.block_on(commands::run(cli, console))
}

fn log_to_stderr(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It fails only when there is a subscriber already.
    let _ = subscriber.try_init();
}
