//! The command line.
#![expect(clippy::doc_markdown, reason = "clap shows these texts to people as they stand")]

mod database;
mod decide;
mod history;
mod instant;
mod money;
mod quality;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub(crate) use database::{Backup, Verify};
pub(crate) use decide::{Answer, Approval, Decide, Resume};
pub(crate) use history::{Compare, Fork, Set, Timeline};
pub(crate) use instant::instant;
pub(crate) use money::{Budgets, Costs, TopUp};
pub(crate) use quality::{Eval, Evaluations, Flag, FlagStatus, Flags, Review};

/// Runs durable AI flows: once for each key, through crashes and restarts.
#[derive(Debug, Parser)]
#[command(name = "runcor", version, propagate_version = true, disable_version_flag = true)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// The configuration file; otherwise RUNCOR_CONFIG, runcor.yaml or runcor.yml
    #[arg(long, short, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON for programs: one document a line, errors on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print without colours
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Log more to stderr; twice for everything
    #[arg(long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print the version
    #[arg(long, short = 'v', visible_short_alias = 'V', global = true)]
    #[arg(action = clap::ArgAction::Version)]
    pub(crate) version: Option<bool>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what runcor does: one execution for each document, with no key and no service
    Demo(Demo),
    /// Make a project that runs at once with `runcor dev`
    Init(Init),
    /// Run the project of this folder; reload configuration and flows when files change
    Dev(Dev),
    /// Run a flow
    Trigger(Trigger),
    /// List executions, or show one
    Status(Status),
    /// Show everything that an execution has done
    Timeline(Timeline),
    /// Resume a waiting execution
    Resume(Resume),
    /// Approve what an execution asks for, after showing exactly what that is
    Approve(Approval),
    /// Reject what an execution asks for
    Reject(Approval),
    /// Tell whether a step has happened, where a crash left that open
    Decide(Decide),
    /// Cancel an execution
    Cancel(Cancel),
    /// Run an execution differently from a place of its timeline on; what was before is reused
    Fork(Fork),
    /// Show executions side by side, or one set of them against another
    Compare(Compare),
    /// Show what model calls have cost
    Costs(Costs),
    /// Show how the budgets stand
    Budgets(Budgets),
    /// Add dollars to a budget, and let go on what waits for it
    TopUp(TopUp),
    /// Judge executions of the past
    Eval(Eval),
    /// List what evaluators thought
    Evaluations(Evaluations),
    /// List the executions that a person should look at
    Flags(Flags),
    /// Mark an execution for a person to look at
    Flag(Flag),
    /// Say that somebody has looked at a flagged execution
    Review(Review),
    /// Say that a reviewed execution is settled
    Resolve(Review),
    /// Check a database file against the rules
    Verify(Verify),
    /// Copy a database file that may be in use
    Backup(Backup),
    /// Check or describe the configuration
    #[command(subcommand)]
    Config(Config),
}

/// `runcor demo`
#[derive(Debug, Args)]
#[command(
    after_help = "The model is the one of runcor.yaml in this folder, or a local OpenAI-compatible server, or the mock.\nRUNCOR_LOCAL_SERVERS names the servers to ask, as base URLs separated by commas; empty, none is asked."
)]
pub(crate) struct Demo {
    /// A folder of documents; a few that come with runcor otherwise
    #[arg(value_name = "DIR")]
    pub(crate) documents: Option<PathBuf>,
    /// Exit when every document is done, instead of leaving the API running
    #[arg(long)]
    pub(crate) once: bool,
    /// The port of the API; a free one when 3000 is taken and this is not given
    #[arg(long, short)]
    pub(crate) port: Option<u16>,
    /// Keep the folder of the demo, with its database, instead of removing it at the end
    #[arg(long)]
    pub(crate) keep: bool,
    /// Use the mock even where a model server answers
    #[arg(long)]
    pub(crate) mock: bool,
}

/// `runcor init`
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The new folder, which gives the project its name; this folder otherwise
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: Option<String>,
    /// The name of the project, where it is not that of its folder
    #[arg(long, short, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Overwrite files that exist
    #[arg(long, short)]
    pub(crate) force: bool,
    /// Make a Cargo project on the library instead
    #[arg(long)]
    pub(crate) rust: bool,
}

/// `runcor dev`
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Serve the HTTP API on this port, whatever the configuration says
    #[arg(long, short)]
    pub(crate) port: Option<u16>,
}

/// How a running runcor is reached, and on whose behalf.
#[derive(Debug, Clone, Args)]
pub(crate) struct Connect {
    /// The address of a running runcor, such as http://127.0.0.1:3000; otherwise the one of this
    /// folder's project
    #[arg(long, env = "RUNCOR_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Its token
    #[arg(long, env = "AUTH_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// The user on whose behalf; a trigger's is `cli` when this is absent
    #[arg(long, short)]
    pub(crate) user: Option<String>,
    /// The tenant on whose behalf; nothing of others is seen then
    #[arg(long)]
    pub(crate) tenant: Option<String>,
}

impl Connect {
    /// Reaches it on nobody's behalf: the user and the tenant mean something else to the command.
    pub(crate) fn as_operator(&self) -> Self {
        Self { user: None, tenant: None, ..self.clone() }
    }
}

/// `runcor trigger`
#[derive(Debug, Args)]
pub(crate) struct Trigger {
    /// The flow
    pub(crate) flow: String,
    /// The input: JSON, @FILE, or - for standard input
    #[arg(long, short, value_name = "JSON", allow_negative_numbers = true)]
    pub(crate) input: Option<String>,
    /// The idempotency key; a new one otherwise
    #[arg(long, short)]
    pub(crate) key: Option<String>,
    /// Wait until it ends or waits, for so many seconds at most; the default, without a limit
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, value_parser = seconds)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) wait: Option<Option<Duration>>,
    /// Do not wait for it
    #[arg(long, conflicts_with = "wait")]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor status`
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// One execution, with all there is to know
    pub(crate) id: Option<String>,
    /// Only those in this state
    #[arg(long, short)]
    pub(crate) state: Option<String>,
    /// Only those of this flow
    #[arg(long, short)]
    pub(crate) flow: Option<String>,
    /// How many, newest first
    #[arg(long, short, default_value_t = 20)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor cancel`
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The execution
    pub(crate) id: String,
    /// Why
    #[arg(long, short)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor config`
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Check runcor.yaml and the flows, and name every mistake with its place
    Check {
        /// Print the configuration with all defaults and without secrets
        #[arg(long)]
        show: bool,
    },
    /// Print the JSON Schema of runcor.yaml
    Schema {
        /// Print that of flow files instead
        #[arg(long)]
        flow: bool,
    },
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number)
        .map_err(|_| "expected a number of seconds from 0 on".to_owned())
}
