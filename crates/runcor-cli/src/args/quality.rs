//! Arguments of commands about quality: eval, evaluations, flags, flag, review, resolve.

use clap::{Args, ValueEnum};

use super::{Connect, instant};

/// `runcor eval`
#[derive(Debug, Args)]
#[command(after_help = "TIME is 2026-11-21, 2026-11-21T08:00:00Z, or 24h, 7d for so long ago.")]
pub(crate) struct Eval {
    /// The flow
    pub(crate) flow: String,
    /// Only executions that were triggered from then on
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) since: Option<String>,
    /// Only executions that were triggered before
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) until: Option<String>,
    /// Judge those again that were judged before
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor evaluations`
#[derive(Debug, Args)]
pub(crate) struct Evaluations {
    /// Only those of this flow
    #[arg(long, short)]
    pub(crate) flow: Option<String>,
    /// Only those made from then on
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) since: Option<String>,
    /// How many, newest first
    #[arg(long, short, default_value_t = 20)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor flags`
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Only those that stand here; those that are not resolved when left out
    #[arg(long, short, value_enum)]
    pub(crate) status: Option<FlagStatus>,
    /// Those that are resolved, too
    #[arg(long, conflicts_with = "status")]
    pub(crate) all: bool,
    /// Only those of this flow
    #[arg(long, short)]
    pub(crate) flow: Option<String>,
    /// How many, oldest first
    #[arg(long, short, default_value_t = 50)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// Where a flag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlagStatus {
    Pending,
    Reviewed,
    Resolved,
}

impl FlagStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Reviewed => "reviewed",
            Self::Resolved => "resolved",
        }
    }
}

/// `runcor flag`
#[derive(Debug, Args)]
pub(crate) struct Flag {
    /// The execution
    pub(crate) id: String,
    /// Why
    #[arg(long, short)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor review` and `runcor resolve`
#[derive(Debug, Args)]
pub(crate) struct Review {
    /// The execution
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) connect: Connect,
}
