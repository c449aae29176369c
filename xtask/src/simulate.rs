//! `cargo xtask simulate`: random histories with power cuts, under a seed.

use anyhow::{Context, Result};
use lexopt::prelude::*;

use crate::command::Command;
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "simulate",
    usage: "[--histories N] [--seed N]",
    about: "Simulates random histories of faults and power cuts; the tests do 250",
    run,
};

/// The simulation is a test of the engine; it reads its settings from the environment.
const SIMULATION: [&str; 10] = [
    "test",
    "--locked",
    "-p",
    "runcor-engine",
    "--all-features",
    "--test",
    "it",
    "--",
    "--nocapture",
    "no_history_of_faults_and_power_cuts_breaks_a_promise",
];

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    let Options { histories, seed } = Options::read(args)?;
    let call = project.cargo(SIMULATION);
    let call = call.env("RUNCOR_SIM_HISTORIES", histories.to_string());
    Ok(call.env("RUNCOR_SIM_SEED", seed.to_string()).run()?)
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    histories: u64,
    /// The seed of the first history; the next one has the next seed.
    seed: u64,
}

impl Options {
    fn read(mut args: lexopt::Parser) -> Result<Self> {
        let mut options = Self { histories: 10_000, seed: 1 };
        while let Some(arg) = args.next()? {
            match arg {
                Long("histories") => {
                    options.histories = args.value()?.parse().context("--histories")?;
                }
                Long("seed") => options.seed = args.value()?.parse().context("--seed")?,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_and_seed_are_read_and_anything_else_is_refused() {
        let read = |args: &[&str]| Options::read(lexopt::Parser::from_args(args));
        assert_eq!(read(&[]).unwrap(), Options { histories: 10_000, seed: 1 });
        let asked = read(&["--seed", "7", "--histories=3"]).unwrap();
        assert_eq!(asked, Options { histories: 3, seed: 7 });
        assert!(read(&["--histories", "many"]).is_err() && read(&["--fast"]).is_err());
    }
}
