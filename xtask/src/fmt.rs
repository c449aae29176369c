//! `cargo xtask fmt`: formats the workspace.

use anyhow::Result;

use crate::command::{self, Command};
use crate::project::Project;

pub(crate) const COMMAND: Command =
    Command { name: "fmt", usage: "[--check]", about: "Formats the workspace", run };

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    if command::switch(args, "check")? {
        return check(project);
    }
    Ok(project.cargo(["fmt", "--all"]).run()?)
}

/// Fails when a file is not formatted.
pub(crate) fn check(project: &Project) -> Result<()> {
    Ok(project.cargo(["fmt", "--all", "--check"]).run()?)
}
