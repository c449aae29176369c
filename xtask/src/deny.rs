//! `cargo xtask deny`: licences, bans and sources of the dependencies.

use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::cmd;

use crate::command::{self, Command};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "deny",
    usage: "",
    about: "Checks licences, bans and sources of the dependencies",
    run,
};

/// The version that is installed when there is none.
const VERSION: &str = "0.20.2";

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    command::nothing_else(args)?;
    check(project)
}

/// Checks every dependency in Cargo.lock against deny.toml.
///
/// Advisories are left out: they need a clone of their database, and they
/// change from day to day while the code doesn't.
pub(crate) fn check(project: &Project) -> Result<()> {
    let deny = installed(project)?;
    let call = cmd!(project.shell, "{deny} --locked --all-features check licenses bans sources");
    Ok(call.run()?)
}

fn installed(project: &Project) -> Result<PathBuf> {
    let root = project.metadata()?.target_dir.join("tools");
    let own = root.join("bin").join("cargo-deny");
    for candidate in [PathBuf::from("cargo-deny"), own.clone()] {
        if let Some(version) = project.version_of(&candidate) {
            println!("{version}");
            return Ok(candidate);
        }
    }
    println!("cargo-deny is not installed; installing {VERSION} into {}", root.display());
    project
        .cargo(["install", "cargo-deny", "--locked", "--version", VERSION, "--root"])
        .arg(&root)
        .run()
        .with_context(|| {
            format!(
                "cargo-deny can't be installed; with a network this works by itself, without \
                 one put cargo-deny {VERSION} on the PATH or leave the step out"
            )
        })?;
    Ok(own)
}
