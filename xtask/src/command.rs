//! What a command is, and the arguments that several of them take.

use anyhow::Result;
use lexopt::prelude::*;

use crate::project::Project;

/// One command of the tool.
pub(crate) struct Command {
    /// The word on the command line.
    pub(crate) name: &'static str,
    /// Its arguments, for the help.
    pub(crate) usage: &'static str,
    /// One line of help, without a full stop.
    pub(crate) about: &'static str,
    /// What it does.
    pub(crate) run: fn(&Project, lexopt::Parser) -> Result<()>,
}

/// Returns the first word; `--help` counts as none.
pub(crate) fn first_word(args: &mut lexopt::Parser) -> Result<Option<String>> {
    match args.next()? {
        Some(Value(word)) => Ok(Some(word.string()?)),
        Some(Short('h') | Long("help")) | None => Ok(None),
        Some(other) => Err(other.unexpected().into()),
    }
}

/// Fails on any further argument.
pub(crate) fn nothing_else(mut args: lexopt::Parser) -> Result<()> {
    match args.next()? {
        None => Ok(()),
        Some(other) => Err(other.unexpected().into()),
    }
}

/// Reads `-p NAME` or `--package NAME` and nothing else.
pub(crate) fn package(mut args: lexopt::Parser) -> Result<Option<String>> {
    let mut package = None;
    while let Some(arg) = args.next()? {
        match arg {
            Short('p') | Long("package") => package = Some(args.value()?.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(package)
}

/// Reads one optional switch and nothing else.
pub(crate) fn switch(mut args: lexopt::Parser, name: &str) -> Result<bool> {
    let mut given = false;
    while let Some(arg) = args.next()? {
        match arg {
            Long(word) if word == name => given = true,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> lexopt::Parser {
        lexopt::Parser::from_args(words)
    }

    #[test]
    fn a_package_is_read_in_both_spellings() {
        assert_eq!(package(args(&["-p", "a"])).unwrap().as_deref(), Some("a"));
        assert_eq!(package(args(&["--package=a"])).unwrap().as_deref(), Some("a"));
        assert_eq!(package(args(&[])).unwrap(), None);
    }

    #[test]
    fn an_unknown_argument_is_an_error() {
        assert!(package(args(&["--pakage", "a"])).is_err());
        assert!(switch(args(&["--chekc"]), "check").is_err());
        assert!(nothing_else(args(&["x"])).is_err());
        assert!(first_word(&mut args(&["--verbose"])).is_err());
    }
}
