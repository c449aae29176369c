//! `cargo xtask lint`: clippy, in which a warning is a failure.

use anyhow::Result;

use crate::command::{self, Command};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "lint",
    usage: "[-p CRATE]",
    about: "Runs clippy over all targets; a warning is a failure",
    run,
};

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    match command::package(args)? {
        Some(package) => clippy(project, &["-p", &package]),
        None => workspace(project),
    }
}

/// Lints all crates and all targets.
pub(crate) fn workspace(project: &Project) -> Result<()> {
    clippy(project, &["--workspace", "--all-features"])
}

fn clippy(project: &Project, what: &[&str]) -> Result<()> {
    let call = project.cargo(["clippy", "--all-targets", "--locked"]).args(what);
    Ok(call.args(["--", "-D", "warnings"]).run()?)
}
