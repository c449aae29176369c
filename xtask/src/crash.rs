//! `cargo xtask crash`: kills the real binary at random moments and checks what it promised.

use std::ffi::OsString;

use anyhow::Result;
use lexopt::prelude::*;

use crate::command::Command;
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "crash",
    usage: "[--cycles N] [--seed N]",
    about: "Kills the binary under load and checks what it promised",
    run,
};

/// How many kills are worth the time of every change.
const CYCLES: &str = "50";

/// The campaign is a program of the crate that has the binary, so that this
/// tool needs none of our crates.
///
/// It is built with the features of all tests, so that it shares their builds,
/// and without optimisation: the checks that only such a build has are on, and
/// its slowness leaves more time between two commits for a kill to fall into.
const CAMPAIGN: [&str; 6] =
    ["test", "--workspace", "--all-features", "--locked", "--test", "crash"];

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    campaign(project, &Options::read(args)?)
}

/// Runs the campaign of continuous integration.
pub(crate) fn check(project: &Project) -> Result<()> {
    campaign(project, &Options::default())
}

fn campaign(project: &Project, options: &Options) -> Result<()> {
    let dir = project.metadata()?.target_dir.join("crash");
    let call = project.cargo(CAMPAIGN);
    let call = if options.is_release { call.arg("--release") } else { call };
    let call = call.arg("--").arg("--dir").arg(dir).args(["--cycles", CYCLES]);
    Ok(call.args(&options.passed_on).run()?)
}

/// What the command line asks for.
#[derive(Debug, Default, PartialEq)]
struct Options {
    is_release: bool,
    /// What the campaign itself understands; the last one counts.
    passed_on: Vec<OsString>,
}

impl Options {
    fn read(mut args: lexopt::Parser) -> Result<Self> {
        let mut options = Self::default();
        while let Some(arg) = args.next()? {
            match arg {
                Long("release") => options.is_release = true,
                Long(name) => {
                    let name = format!("--{name}");
                    options.passed_on.push(name.into());
                    options.passed_on.extend(args.optional_value());
                }
                Value(value) => options.passed_on.push(value),
                other @ Short(_) => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tool_does_not_know_is_for_the_campaign() {
        let args = ["--cycles", "9", "--release", "--seed=7", "--json"];
        let options = Options::read(lexopt::Parser::from_args(args)).unwrap();
        assert!(options.is_release);
        assert_eq!(options.passed_on, ["--cycles", "9", "--seed", "7", "--json"]);
        assert!(Options::read(lexopt::Parser::from_args(["-x"])).is_err());
    }
}
