//! What the command line asks for.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;

use clap::Parser;

/// Kills the real binary at random moments under load and checks its promises.
#[derive(Debug, Parser)]
#[command(name = "crash", version, args_override_self = true)]
pub(crate) struct Options {
    /// How often the process is killed; without it nothing is done
    #[arg(long)]
    pub(crate) cycles: Option<u64>,
    /// What chance begins with; random when absent, and printed
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Triggers in a second
    #[arg(long, default_value_t = 200)]
    pub(crate) rate: u64,
    /// What `state.durability` says
    #[arg(long, default_value = "full")]
    pub(crate) durability: String,
    /// Stops every second process for a while, in place of every tenth
    #[arg(long)]
    pub(crate) stop: bool,
    /// Has another process take over from every second one while it is stopped
    #[arg(long)]
    pub(crate) takeover: bool,
    /// The program to kill; by default the one that was built with this campaign
    #[arg(long, default_value = env!("CARGO_BIN_EXE_runcor"))]
    pub(crate) binary: PathBuf,
    /// Where the evidence of each seed gets a folder
    #[arg(long, default_value = concat!(env!("CARGO_TARGET_TMPDIR"), "/crash"))]
    pub(crate) dir: PathBuf,
    /// Keeps the evidence of a campaign that found nothing
    #[arg(long)]
    pub(crate) keep: bool,
    /// Prints the summary as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Lists no tests, for whoever takes this for a test harness
    #[arg(long, hide = true)]
    list: bool,
    #[arg(long, hide = true)]
    format: Option<String>,
    #[arg(long, hide = true)]
    ignored: bool,
}

impl Options {
    /// Returns how many cycles to run; none where a test runner only looks what is here.
    pub(crate) fn wanted(&self) -> Option<u64> {
        self.cycles.filter(|_| !self.list)
    }

    /// Returns the seed, a new one where none was given.
    pub(crate) fn seed(&self) -> u64 {
        // Six digits are easily said, and chance needs no more.
        self.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() % 1_000_000)
    }
}
