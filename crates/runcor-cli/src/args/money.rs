//! Arguments of commands about money: costs, budgets, top-up.

use clap::{Args, ValueEnum};

use super::{Connect, instant};

/// `runcor costs`
#[derive(Debug, Args)]
#[command(
    after_help = "TIME is 2026-11-21, 2026-11-21T08:00:00Z, or 24h, 7d for so long ago.\n--user and --tenant show the costs of these alone."
)]
pub(crate) struct Costs {
    /// Tell apart by this
    #[arg(long, value_enum)]
    pub(crate) by: Option<By>,
    /// Show the ledger instead, row by row, newest first
    #[arg(long, conflicts_with = "by")]
    pub(crate) entries: bool,
    /// How many rows of the ledger
    #[arg(long, short, default_value_t = 20, requires = "entries")]
    pub(crate) limit: usize,
    /// Only requests from then on
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) since: Option<String>,
    /// Only requests until then
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) until: Option<String>,
    /// Only those of this flow
    #[arg(long, short)]
    pub(crate) flow: Option<String>,
    /// Only those of this execution
    #[arg(long, value_name = "ID")]
    pub(crate) execution: Option<String>,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// By what costs are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    Flow,
    User,
    Tenant,
    Provider,
    Model,
    Day,
}

impl By {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::User => "user",
            Self::Tenant => "tenant",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Day => "day",
        }
    }
}

/// `runcor budgets`
#[derive(Debug, Args)]
pub(crate) struct Budgets {
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor top-up`
#[derive(Debug, Args)]
#[command(after_help = "--tenant names the tenant that the budget's owner belongs to.")]
pub(crate) struct TopUp {
    /// Whose budget: global, user:ann, flow:brief, tenant:acme, execution:ID
    #[arg(value_name = "SCOPE[:SUBJECT]")]
    pub(crate) budget: String,
    /// How many dollars
    #[arg(allow_negative_numbers = true)]
    pub(crate) amount: f64,
    #[command(flatten)]
    pub(crate) connect: Connect,
}
