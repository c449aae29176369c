//! `cargo xtask tidy`: the rules that neither compiler nor clippy can check.
//!
//! One file is one subject. Each finding tells place, rule and remedy.

mod dependencies;
mod documents;
mod error_codes;
mod facade;
mod finding;
#[cfg(test)]
mod fixture;
mod links;
mod manifest;
mod packages;
mod sources;
mod star;
mod top_level;
mod tree;

use anyhow::{Result, bail};

use self::finding::{Finding, Level};
use self::tree::Tree;
use crate::command::{self, Command};
use crate::project::{Project, count};

pub(crate) const COMMAND: Command = Command {
    name: "tidy",
    usage: "",
    about: "Checks the house rules: dependency direction, layout, documents",
    run,
};

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: [Rule; 9] = [
    star::check,
    packages::check,
    dependencies::check,
    facade::check,
    sources::check,
    documents::check,
    links::check,
    error_codes::check,
    top_level::check,
];

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    command::nothing_else(args)?;
    check(project)
}

/// Prints every finding; warnings alone are no failure.
pub(crate) fn check(project: &Project) -> Result<()> {
    let tree = Tree::read(&project.root, project.metadata()?.members)?;
    let mut findings: Vec<_> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    let (members, files) = (tree.members.len(), tree.sources.len());
    println!("tidy looked at {members} crates and {files} source files");
    if errors > 0 {
        bail!("{}", count(errors, "rule is broken", "rules are broken"));
    }
    Ok(())
}
