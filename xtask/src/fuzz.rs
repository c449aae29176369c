//! `cargo xtask fuzz`: looks for inputs that break what must hold for every input.
//!
//! The targets are ordinary functions of their crates; the programs under
//! xtask/fuzz give them to libFuzzer. What is found lies below target/fuzz.

mod nightly;
mod outcome;
mod target;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use lexopt::prelude::*;
use xshell::cmd;

use self::nightly::Nightly;
use self::outcome::Outcome;
use self::target::Target;
use crate::command::Command;
use crate::project::{Project, count};

pub(crate) const COMMAND: Command = Command {
    name: "fuzz",
    usage: "[TARGET] [--seconds N] [--seed N]",
    about: "Runs one fuzz target or all, a minute each",
    run,
};

/// One input may take that many seconds and mebibytes.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=2048"];

#[derive(Debug, PartialEq, Eq)]
struct Options {
    target: Option<String>,
    seconds: u32,
    /// 0 lets libFuzzer choose one.
    seed: u32,
}

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    let options = Options::read(args)?;
    let targets = target::chosen(target::all(&project.root)?, options.target.as_deref())?;
    let nightly = Nightly::find(project)?;
    let place = project.metadata()?.target_dir.join("fuzz");
    let programs = nightly.build(project, &targets, &place.join("build"))?;
    let mut broken = Vec::new();
    for target in &targets {
        let outcome = fuzz(project, target, &programs, &place, &options)?;
        println!("{:<18} {outcome}", target.name);
        if let Outcome::Broken { input, .. } = outcome {
            broken.push(target.name.as_str());
            if let Some(input) = input {
                print!("{}", how_to_go_on(target, &input, &programs));
            }
        }
    }
    if !broken.is_empty() {
        let broken_targets = count(broken.len(), "target is", "targets are");
        bail!("{broken_targets} broken: {}", broken.join(", "));
    }
    println!("{} held", count(targets.len(), "target", "targets"));
    Ok(())
}

impl Options {
    fn read(mut args: lexopt::Parser) -> Result<Self> {
        let mut options = Self { target: None, seconds: 60, seed: 0 };
        while let Some(arg) = args.next()? {
            match arg {
                Long("seconds") => options.seconds = args.value()?.parse()?,
                Long("seed") => options.seed = args.value()?.parse()?,
                Value(name) if options.target.is_none() => options.target = Some(name.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        if options.seconds == 0 {
            bail!("--seconds 0 would never end; give at least 1");
        }
        Ok(options)
    }
}

/// Runs one target; what it writes goes into a file, since it is thousands of lines.
fn fuzz(
    project: &Project,
    target: &Target,
    programs: &Path,
    place: &Path,
    options: &Options,
) -> Result<Outcome> {
    let name = &target.name;
    let program = programs.join(name);
    let corpus = place.join("corpus").join(name);
    let found = place.join("found").join(name);
    let log = place.join("logs").join(format!("{name}.log"));
    for dir in [&corpus, &found, &place.join("logs")] {
        project.shell.create_dir(dir)?;
    }
    let (seconds, seed) = (options.seconds.to_string(), options.seed.to_string());
    let found = format!("{}/", found.display());
    let inputs = &target.inputs;
    let output = cmd!(
        project.shell,
        "{program} -max_total_time={seconds} -seed={seed} -artifact_prefix={found} {LIMITS...}
         -detect_leaks=0 -print_final_stats=1 {corpus} {inputs}"
    )
    .env("RUST_BACKTRACE", "1")
    // AddressSanitizer takes two static tables of SQLite's C for one.
    .env("ASAN_OPTIONS", "detect_odr_violation=0")
    .quiet()
    .ignore_status()
    .output()?;
    project.shell.write_file(&log, &output.stderr)?;
    Ok(Outcome::read(&String::from_utf8_lossy(&output.stderr), output.status.success(), log))
}

fn how_to_go_on(target: &Target, input: &Path, programs: &Path) -> String {
    let (program, input) = (programs.join(&target.name), input.display());
    let (kept, package) = (target.inputs.display(), &target.package);
    format!(
        "  again:  {} {input}\n  keep:   cp {input} {kept}/NAME\n  \
         test:   cargo test -p {package} --all-features --lib fuzzing\n",
        program.display()
    )
}

/// Where a checkout keeps the programs.
fn package(root: &Path) -> PathBuf {
    root.join("xtask/fuzz")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> Result<Options> {
        Options::read(lexopt::Parser::from_args(words))
    }

    #[test]
    fn target_seconds_and_seed_may_be_left_out() {
        let none = Options { target: None, seconds: 60, seed: 0 };
        assert_eq!(options(&[]).unwrap(), none);
        let all = Options { target: Some("mapping".to_owned()), seconds: 5, seed: 7 };
        assert_eq!(options(&["mapping", "--seconds", "5", "--seed=7"]).unwrap(), all);
    }

    #[test]
    fn what_would_never_end_and_what_is_unknown_is_refused() {
        for words in [&["--seconds", "0"][..], &["--seconds", "x"], &["a", "b"], &["--sed", "1"]] {
            assert!(options(words).is_err(), "{words:?}");
        }
    }
}
