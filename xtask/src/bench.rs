//! `cargo xtask bench`: measures, and writes a report with the machine beside the figures.

mod criterion;
mod figures;
mod machine;
mod report;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command as Process, Stdio};

use anyhow::{Context, Result, bail};

use self::figures::Figure;
use self::machine::Machine;
use self::report::Report;
use crate::command::{self, Command};
use crate::metadata::Metadata;
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "bench",
    usage: "[--quick]",
    about: "Runs the benches and writes target/bench/report.{md,json}",
    run,
};

/// The bench that measures the whole, in a format of its own.
const END_TO_END: &str = "end_to_end";

/// All benches are built with the same features, so that they share their builds: those that
/// people use, and not the points at which tests end a process.
const BENCH: [&str; 5] = ["bench", "--workspace", "--features", "runcor/full", "--locked"];

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    let quick = command::switch(args, "quick")?;
    let metadata = project.metadata()?;
    let dir = metadata.target_dir.join("bench");
    fs::create_dir_all(&dir)?;
    let start = dir.join("started");
    fs::write(&start, "")?;

    run_criterion(project, &metadata, quick)?;
    let end_to_end = run_end_to_end(project, &metadata, quick)?;
    let report = Report {
        machine: Machine::look(project),
        quick,
        end_to_end,
        criterion: criterion::estimates(
            &metadata.target_dir.join("criterion"),
            fs::metadata(&start)?.modified()?,
        )?,
    };
    fs::write(dir.join("report.json"), format!("{:#}\n", report.to_json()))?;
    fs::write(dir.join("report.md"), report.to_markdown())?;
    print!("\n{}", report.to_markdown());
    println!("\nwritten to {}", dir.join("report.md").display());
    Ok(())
}

/// Compiles every bench.
///
/// The benches are named because a bare `--no-run` also builds the unit tests of every crate with
/// optimisation.
pub(crate) fn compile(project: &Project) -> Result<()> {
    let metadata = project.metadata()?;
    let names = benches(&metadata);
    if names.is_empty() {
        println!("there are no benches");
        return Ok(());
    }
    Ok(project.cargo(BENCH).args(selected(&names)).arg("--no-run").run()?)
}

fn run_criterion(project: &Project, metadata: &Metadata, quick: bool) -> Result<()> {
    let mut names = benches(metadata);
    names.retain(|name| *name != END_TO_END);
    if names.is_empty() {
        println!("there are no criterion benches");
        return Ok(());
    }
    let call = project.cargo(BENCH).args(selected(&names));
    let options: &[&str] = if quick { &["--noplot", "--quick"] } else { &["--noplot"] };
    Ok(call.arg("--").args(options).run()?)
}

fn benches(metadata: &Metadata) -> Vec<&str> {
    let targets = metadata.members.iter().flat_map(|member| &member.targets);
    let benches = targets.filter(|target| target.kind == "bench");
    let mut names: Vec<_> = benches.map(|target| target.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn selected<'a>(names: &[&'a str]) -> Vec<&'a str> {
    names.iter().flat_map(|name| ["--bench", name]).collect()
}

/// Runs the bench of the whole; what is no figure is passed on to the terminal.
fn run_end_to_end(project: &Project, metadata: &Metadata, quick: bool) -> Result<Vec<Figure>> {
    if !benches(metadata).contains(&END_TO_END) {
        println!("there is no bench {END_TO_END}");
        return Ok(Vec::new());
    }
    let call = project.cargo(BENCH).args(["--bench", END_TO_END]);
    let call = if quick { call.args(["--", "--quick"]) } else { call };
    let mut child =
        Process::from(call).stdout(Stdio::piped()).spawn().context("can't run cargo")?;
    let output = child.stdout.take().context("the bench has no output")?;
    let mut figures = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        figures.extend(Figure::parse(&line));
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("the bench {END_TO_END} ended with {status}");
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Member, Target};

    #[test]
    fn the_benches_of_all_crates_are_listed_once() {
        let target =
            |kind: &str, name: &str| Target { kind: kind.to_owned(), name: name.to_owned() };
        let a = Member {
            targets: vec![target("lib", "a"), target("bench", "route")],
            ..Member::default()
        };
        let b = Member {
            targets: vec![target("bench", "route"), target("bench", "end_to_end")],
            ..Member::default()
        };
        let metadata = Metadata { members: vec![a, b], ..Metadata::default() };
        assert_eq!(benches(&metadata), ["end_to_end", "route"]);
    }
}
