//! `cargo xtask examples`: runs every example that needs no key.

use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::{self, Command};
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "examples",
    usage: "",
    about: "Builds the examples and runs those that need no key",
    run,
};

/// Where the examples are that have a crate of their own.
const OWN_CRATES: &str = "examples";

/// An example that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// A built example.
struct Example {
    name: String,
    source: PathBuf,
    program: PathBuf,
}

fn run(project: &Project, args: lexopt::Parser) -> Result<()> {
    command::nothing_else(args)?;
    check(project)
}

/// Builds all examples and runs those that don't say what they need.
pub(crate) fn check(project: &Project) -> Result<()> {
    let examples = build(project)?;
    let mut failed = Vec::new();
    for example in &examples {
        let text = project.shell.read_file(&example.source)?;
        if let Some(need) = need(&text) {
            println!("example {}: built, not run; it needs {need}", example.name);
            continue;
        }
        println!("example {}", example.name);
        if let Err(error) = execute(&project.root, &example.program) {
            println!("example {}: {error:#}", example.name);
            failed.push(example.name.as_str());
        }
    }
    if !failed.is_empty() {
        bail!("these examples fail: {}", failed.join(", "));
    }
    println!("{} examples", examples.len());
    Ok(())
}

fn build(project: &Project) -> Result<Vec<Example>> {
    let messages = project
        .cargo(["build", "--workspace", "--all-features", "--examples", "--bins", "--locked"])
        // A program that runs can't be replaced everywhere.
        .args(["--exclude", "xtask"])
        .arg("--message-format=json-render-diagnostics")
        .read()?;
    let mut examples: Vec<_> =
        messages.lines().filter_map(|line| built(&project.root, line)).collect();
    examples.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(examples)
}

/// Reads one message of cargo; only a built example is of interest: one of a
/// crate, or the program of a crate that is an example itself.
fn built(root: &Path, message: &str) -> Option<Example> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = message.get("target")?;
    let kinds = target.get("kind")?.as_array()?;
    let source = PathBuf::from(target.get("src_path")?.as_str()?);
    let is_own_crate = source.starts_with(root.join(OWN_CRATES));
    kinds.iter().find(|kind| *kind == "example" || (is_own_crate && *kind == "bin"))?;
    Some(Example {
        name: target.get("name")?.as_str()?.to_owned(),
        source,
        program: PathBuf::from(message.get("executable")?.as_str()?),
    })
}

/// Returns what the first lines say after `Needs:`.
fn need(text: &str) -> Option<&str> {
    text.lines()
        .take_while(|line| line.starts_with("//!"))
        .find_map(|line| line.trim_start_matches("//!").trim().strip_prefix("Needs:"))
        .map(str::trim)
}

fn execute(root: &Path, program: &Path) -> Result<()> {
    let mut child = Process::new(program)
        .current_dir(root)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("can't run {}", program.display()))?;
    let result = wait(&mut child);
    if result.is_err() {
        // It may have ended by itself, and then there is nothing to kill.
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

fn wait(child: &mut Child) -> Result<()> {
    let start = Instant::now();
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!("it ended with {status}"),
            None if start.elapsed() > LIMIT => bail!("it did not end within {LIMIT:?}"),
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_says_in_its_first_lines_what_it_needs() {
        assert_eq!(need("//! Shows.\n//!\n//! Needs: a key\n\nfn main() {}"), Some("a key"));
        assert_eq!(need("//! Shows.\n\n// Needs: nothing\n"), None);
    }

    #[test]
    fn only_built_examples_are_picked_from_the_messages() {
        let name = |kind: &str, source: &str| {
            let message = format!(
                r#"{{"reason":"compiler-artifact","executable":"/t/e",
                    "target":{{"kind":["{kind}"],"name":"e","src_path":"{source}"}}}}"#
            );
            built(Path::new("/s"), &message).map(|example| example.name)
        };
        assert_eq!(name("example", "/s/crates/a/examples/e.rs").as_deref(), Some("e"));
        assert_eq!(name("bin", "/s/examples/e/src/main.rs").as_deref(), Some("e"));
        assert!(name("bin", "/s/crates/a/src/main.rs").is_none());
        assert!(built(Path::new("/s"), "not json").is_none());
    }

    #[test]
    fn a_program_that_fails_is_reported() {
        assert!(execute(Path::new("/"), Path::new("true")).is_ok());
        assert!(execute(Path::new("/"), Path::new("false")).is_err());
        assert!(execute(Path::new("/"), Path::new("/no/such/program")).is_err());
    }
}
