//! `cargo xtask ci`: everything that must hold before a change is merged.

use anyhow::{Result, bail};
use lexopt::prelude::*;

use crate::command::Command;
use crate::project::Project;
use crate::steps::{self, Step};
use crate::{bench, crash, deny, doc, examples, features, fmt, lint, test, tidy};

pub(crate) const COMMAND: Command = Command {
    name: "ci",
    usage: "[--keep-going] [--only STEP]",
    about: "Runs everything that CI runs, or single steps of it",
    run,
};

/// What is quick comes first. Clippy, tests, doctests and examples see the
/// same features, so that they share their builds; for the same reason there
/// is no plain `cargo build`.
const STEPS: [Step; 12] = [
    Step {
        name: "fmt",
        what_to_do: "run `cargo xtask fmt` and commit what it changed",
        run: fmt::check,
    },
    Step {
        name: "tidy",
        what_to_do: "each line names the place, the rule and the remedy; docs/contributing.md \
                     explains the rules",
        run: tidy::check,
    },
    Step {
        name: "fetch",
        what_to_do: "if Cargo.lock is out of date, run `cargo check` and commit Cargo.lock; else \
                     the package registry can't be reached: try again with a network",
        run: fetch,
    },
    Step {
        name: "clippy",
        what_to_do: "run `cargo xtask lint` and repair what it names; silence a lint only by \
                     #[expect(…, reason = \"…\")]",
        run: lint::workspace,
    },
    Step {
        name: "test",
        what_to_do: "run `cargo xtask test -p CRATE` for the crate of the failing test",
        run: test::workspace,
    },
    Step {
        name: "crash",
        what_to_do: "the last lines name the promise, the execution and the folder with the \
                     evidence; docs/crash-tests.md tells how to read it",
        run: crash::check,
    },
    Step {
        name: "doctest",
        what_to_do: "run `cargo test -p CRATE --doc`; examples in the documentation must run \
                     without a key and without a network",
        run: test::doctests,
    },
    Step {
        name: "examples",
        what_to_do: "run `cargo run -p NAME`; an example that needs a key or a server says \
                     `Needs: …` in its first lines",
        run: examples::check,
    },
    Step {
        name: "doc",
        what_to_do: "run `cargo xtask doc` and repair the links and markup that it names",
        run: doc::workspace,
    },
    Step {
        name: "features",
        what_to_do: "the last command above is the combination that doesn't compile; a `cfg` or \
                     a `dep:` is missing in crates/runcor",
        run: features::check,
    },
    Step {
        name: "bench",
        what_to_do: "run `cargo clippy -p CRATE --benches` and repair the benches",
        run: bench::compile,
    },
    Step {
        name: "deny",
        what_to_do: "run `cargo xtask deny`; take another dependency, or argue for the licence \
                     in deny.toml",
        run: deny::check,
    },
];

fn run(project: &Project, mut args: lexopt::Parser) -> Result<()> {
    let mut keep_going = false;
    let mut only = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Long("keep-going") => keep_going = true,
            Long("only") => only.push(args.value()?.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    steps::run(project, chosen(&only)?, keep_going)
}

fn chosen(only: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no step {unknown:?}; the steps are {}", names.join(", "));
    }
    let wanted = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(wanted).collect())
}

fn fetch(project: &Project) -> Result<()> {
    Ok(project.cargo(["fetch", "--locked", "--quiet"]).run()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_steps_run_unless_some_are_named() {
        assert_eq!(chosen(&[]).unwrap().len(), STEPS.len());
        let some = chosen(&["tidy".to_owned(), "fmt".to_owned()]).unwrap();
        assert_eq!(some.iter().map(|step| step.name).collect::<Vec<_>>(), ["fmt", "tidy"]);
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_list_of_steps() {
        let Err(error) = chosen(&["clipy".to_owned()]) else { panic!("accepted") };
        assert!(error.to_string().contains("clippy"));
    }
}
