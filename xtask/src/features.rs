//! `cargo xtask features`: each feature of the facade compiles on its own.

use anyhow::{Context, Result};

use crate::command::{self, Command};
use crate::metadata::Member;
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "features",
    usage: "",
    about: "Checks the facade with no, with each and with all features",
    run,
};

const FACADE: &str = "runcor";

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    command::nothing_else(args)?;
    check(project)
}

/// Checks the facade with every set of features that is promised to work.
pub(crate) fn check(project: &Project) -> Result<()> {
    let metadata = project.metadata()?;
    let facade = metadata.member(FACADE).context("the workspace has no crate `runcor`")?;
    for set in sets(facade) {
        project.cargo(["check", "--locked", "--quiet", "-p", FACADE]).args(set).run()?;
    }
    Ok(())
}

/// Returns the arguments of each check: none, each feature alone, the defaults, all.
fn sets(facade: &Member) -> Vec<Vec<String>> {
    let args = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let mut sets = vec![args(&["--no-default-features"])];
    for feature in facade.features.keys().filter(|name| *name != "default") {
        sets.push(args(&["--no-default-features", "--features", feature]));
    }
    sets.push(args(&[]));
    sets.push(args(&["--all-features"]));
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_checked_alone_and_so_are_none_and_all() {
        let mut facade = Member::default();
        for name in ["default", "http", "mock"] {
            facade.features.insert(name.to_owned(), Vec::new());
        }
        let sets: Vec<_> = sets(&facade).iter().map(|set| set.join(" ")).collect();
        assert_eq!(
            sets,
            [
                "--no-default-features",
                "--no-default-features --features http",
                "--no-default-features --features mock",
                "",
                "--all-features",
            ]
        );
    }
}
