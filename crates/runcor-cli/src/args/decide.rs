//! Arguments of commands that answer: resume, approve, reject, decide.

use clap::{Args, ValueEnum};

use super::Connect;

/// `runcor resume`
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The execution
    pub(crate) id: String,
    /// What to bring: JSON, @FILE, or - for standard input
    #[arg(long, short, value_name = "JSON", allow_negative_numbers = true)]
    pub(crate) data: Option<String>,
    /// Do not wait for it
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor approve` and `runcor reject`
#[derive(Debug, Args)]
pub(crate) struct Approval {
    /// The execution
    pub(crate) id: String,
    /// Do not ask whether it is meant
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Who decides
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// What there is to say about it
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// The approval's own token, as it was sent to you; the one that the execution shows otherwise
    #[arg(long, value_name = "TOKEN")]
    pub(crate) approval_token: Option<String>,
    /// Do not wait for what comes of it
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor decide`
#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The execution
    pub(crate) id: String,
    /// What has become of the step in doubt
    #[arg(value_enum)]
    pub(crate) answer: Answer,
    /// What the step that has happened gave: JSON, @FILE, or - for standard input
    #[arg(long, short, value_name = "JSON", allow_negative_numbers = true)]
    #[arg(required_if_eq("answer", "happened"))]
    pub(crate) result: Option<String>,
    /// Why the execution is given up
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Do not wait for what comes of it
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// What somebody knows of a step in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Answer {
    /// It has happened, with this --result, and is not run again
    Happened,
    /// It has not happened, and is run again
    DidNotHappen,
    /// Nobody knows: fail the execution
    GiveUp,
}
