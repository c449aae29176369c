//! Arguments of commands that look back: timeline, fork, compare.

use std::time::Duration;

use clap::Args;

use super::{Connect, seconds};

/// `runcor timeline`
#[derive(Debug, Args)]
pub(crate) struct Timeline {
    /// The execution
    pub(crate) id: String,
    /// Print the whole result at a place of the timeline instead
    #[arg(long, value_name = "PATH|NUMBER")]
    pub(crate) value: Option<String>,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor fork`
#[derive(Debug, Args)]
pub(crate) struct Fork {
    /// The execution
    pub(crate) id: String,
    /// The place of its timeline from which on everything is done anew; the beginning otherwise
    #[arg(long, value_name = "PATH|NUMBER")]
    pub(crate) at: Option<String>,
    /// The model of every call from there on
    #[arg(long, short)]
    pub(crate) model: Option<String>,
    /// The provider of every call from there on
    #[arg(long, short)]
    pub(crate) provider: Option<String>,
    /// The prompt of the model call at the place itself
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,
    /// The system prompt of every call from there on
    #[arg(long, value_name = "TEXT")]
    pub(crate) system_prompt: Option<String>,
    /// Another input: JSON, @FILE, or - for standard input
    #[arg(long, short, value_name = "JSON", allow_negative_numbers = true)]
    pub(crate) input: Option<String>,
    /// The idempotency key; a new one otherwise
    #[arg(long, short)]
    pub(crate) key: Option<String>,
    /// Wait until it ends or waits for somebody, for so many seconds at most
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, value_parser = seconds)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) wait: Option<Option<Duration>>,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor compare`
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The executions, such as one and its forks
    #[arg(required = true, num_args = 2..)]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) connect: Connect,
}
