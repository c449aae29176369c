//! `cargo xtask doc`: the API documentation, in which a warning is a failure.

use anyhow::Result;

use crate::command::{self, Command};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "doc",
    usage: "",
    about: "Builds the API documentation; a warning is a failure",
    run,
};

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    command::nothing_else(args)?;
    workspace(project)
}

/// Documents every library.
///
/// Only libraries: the binary `runcor` and the library `runcor` would write to
/// the same place.
pub(crate) fn workspace(project: &Project) -> Result<()> {
    let call = project.cargo(["doc", "--workspace", "--all-features", "--lib", "--no-deps"]);
    Ok(call.arg("--locked").env("RUSTDOCFLAGS", "-D warnings").run()?)
}
