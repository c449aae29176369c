//! The kill loop: `cargo xtask crash` kills the real binary at random moments under load.
//!
//! The webhooks and the model of its flows are answered by this program, and
//! an oracle holds all that was answered, called and announced against the
//! promises. `docs/crash-tests.md` tells what is checked and how to read it.

#![cfg(test)]

mod api;
mod campaign;
mod chance;
mod evidence;
mod finale;
mod flows;
mod listener;
mod load;
mod options;
mod oracle;
mod outside;
mod process;
mod report;
mod server;
mod takeover;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;

use crate::campaign::Campaign;
use crate::options::Options;
use crate::report::say;

fn main() -> ExitCode {
    let options = Options::parse();
    let Some(cycles) = options.wanted() else {
        say("the kill loop is no test by itself; run `cargo xtask crash --cycles 50`");
        return ExitCode::SUCCESS;
    };
    match run(&options, cycles) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the campaign; returns whether every promise was kept.
fn run(options: &Options, cycles: u64) -> Result<bool> {
    let seed = options.seed();
    say(&format!("seed {seed}: {cycles} cycles of {}", options.binary.display()));
    // Every client needs it, and reqwest panics without; a second installation is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let begin = Instant::now();
    runtime.block_on(async {
        let mut campaign = Campaign::prepare(options, seed).await?;
        let mut ran = campaign.run(cycles).await;
        if ran.is_ok() && !campaign.is_broken() {
            ran = campaign.finish().await;
        }
        campaign.report.elapsed = begin.elapsed();
        campaign.oracle.flush();
        let kept = campaign.report.print(options, &campaign.oracle, &campaign.dir);
        if let Err(error) = ran {
            return Err(error.context(format!("seed {seed}; see {}", campaign.dir.display())));
        }
        if kept && !options.keep {
            std::fs::remove_dir_all(&campaign.dir)?;
        }
        Ok(kept)
    })
}
