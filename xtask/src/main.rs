//! The project's own tool: `cargo xtask <command>`.
//!
//! It depends on no crate of the project, so that it runs when they don't
//! compile. One file is one command; `COMMANDS` is the list of them.

#![expect(clippy::print_stdout, reason = "a command-line tool speaks on stdout")]

mod bench;
mod ci;
mod command;
mod crash;
mod deny;
mod doc;
mod examples;
mod features;
mod fmt;
mod fuzz;
mod lint;
mod metadata;
mod new_crate;
mod project;
mod simulate;
mod steps;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::command::Command;
use crate::project::Project;

const COMMANDS: [Command; 14] = [
    ci::COMMAND,
    fmt::COMMAND,
    lint::COMMAND,
    test::COMMAND,
    doc::COMMAND,
    examples::COMMAND,
    features::COMMAND,
    deny::COMMAND,
    tidy::COMMAND,
    bench::COMMAND,
    crash::COMMAND,
    fuzz::COMMAND,
    simulate::COMMAND,
    new_crate::COMMAND,
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut args = lexopt::Parser::from_env();
    let Some(name) = command::first_word(&mut args)? else {
        return help();
    };
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(&Project::find()?, args),
        None if name == "help" => help(),
        None => bail!("there is no command {name:?}; `cargo xtask help` lists them"),
    }
}

fn help() -> Result<()> {
    println!("cargo xtask <command>\n");
    for command in &COMMANDS {
        let call = format!("{} {}", command.name, command.usage);
        println!("  {:<34} {}", call.trim_end(), command.about);
    }
    println!("  {:<34} Prints this list", "help");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_name_of_its_own_and_a_line_of_help() {
        for (at, command) in COMMANDS.iter().enumerate() {
            assert!(!command.about.is_empty() && !command.about.ends_with('.'));
            assert!(COMMANDS.iter().skip(at + 1).all(|other| other.name != command.name));
        }
    }
}
