//! `cargo xtask test`: tests and doctests.

use anyhow::Result;

use crate::command::{self, Command};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "test",
    usage: "[-p CRATE]",
    about: "Runs the tests and doctests of one crate or of all",
    run,
};

/// All crates with all features, as clippy and the examples have them too.
const WORKSPACE: [&str; 2] = ["--workspace", "--all-features"];

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    let Some(package) = command::package(args)? else {
        workspace(project)?;
        return doctests(project);
    };
    tests(project, &["-p", &package])?;
    let metadata = project.metadata()?;
    if metadata.member(&package).is_some_and(|member| member.has_target("lib")) {
        project.cargo(["test", "--doc", "--locked", "-p", &package]).run()?;
    }
    Ok(())
}

/// Runs the tests of all crates.
pub(crate) fn workspace(project: &Project) -> Result<()> {
    tests(project, &WORKSPACE)
}

/// Runs the doctests of all crates.
pub(crate) fn doctests(project: &Project) -> Result<()> {
    Ok(project.cargo(["test", "--doc", "--locked"]).args(WORKSPACE).run()?)
}

fn tests(project: &Project, what: &[&str]) -> Result<()> {
    let call = match project.version_of("cargo-nextest") {
        Some(version) => {
            println!("{version}");
            project.cargo(["nextest", "run", "--locked", "--no-tests", "pass"])
        }
        None => {
            println!("cargo-nextest is not installed; `cargo test` runs the tests instead");
            // Unit tests of libraries and programs included, doctests not.
            project.cargo(["test", "--locked", "--tests", "--no-fail-fast"])
        }
    };
    Ok(call.args(what).run()?)
}
