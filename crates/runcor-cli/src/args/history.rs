//! Arguments of commands that look back: timeline, fork, compare.

use std::time::Duration;

use clap::Args;

use super::{Connect, instant, seconds};

/// `runcor timeline`
#[derive(Debug, Args)]
pub(crate) struct Timeline {
    /// The execution
    pub(crate) id: String,
    /// Print the whole result at a place of the timeline instead
    #[arg(long, value_name = "PATH|NUMBER")]
    pub(crate) value: Option<String>,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor fork`
#[derive(Debug, Args)]
pub(crate) struct Fork {
    /// The execution
    pub(crate) id: String,
    /// The place of its timeline from which on everything is done anew; the beginning otherwise
    #[arg(long, value_name = "PATH|NUMBER")]
    pub(crate) at: Option<String>,
    /// The model of every call from there on
    #[arg(long, short)]
    pub(crate) model: Option<String>,
    /// The provider of every call from there on
    #[arg(long, short)]
    pub(crate) provider: Option<String>,
    /// The prompt of the model call at the place itself
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,
    /// The system prompt of every call from there on
    #[arg(long, value_name = "TEXT")]
    pub(crate) system_prompt: Option<String>,
    /// Another input: JSON, @FILE, or - for standard input
    #[arg(long, short, value_name = "JSON", allow_negative_numbers = true)]
    pub(crate) input: Option<String>,
    /// The idempotency key; a new one otherwise
    #[arg(long, short)]
    pub(crate) key: Option<String>,
    /// Wait until it ends or waits for somebody, for so many seconds at most
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, value_parser = seconds)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) wait: Option<Option<Duration>>,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `runcor compare`
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The executions, such as one and its forks
    #[arg(required_unless_present = "set_a", num_args = 2..)]
    pub(crate) ids: Vec<String>,
    /// One set of executions: ID,ID,… or flow=NAME,since=TIME,until=TIME
    #[arg(long, value_name = "SET", value_parser = set, requires = "set_b")]
    #[arg(conflicts_with = "ids")]
    pub(crate) set_a: Option<Set>,
    /// The set that is compared with it
    #[arg(long, value_name = "SET", value_parser = set, requires = "set_a")]
    pub(crate) set_b: Option<Set>,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// A set of executions: those that are named, or those of a flow and a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Set {
    pub(crate) executions: Vec<String>,
    pub(crate) flow: Option<String>,
    pub(crate) since: Option<String>,
    pub(crate) until: Option<String>,
}

fn set(text: &str) -> Result<Set, String> {
    let mut set = Set::default();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            None => set.executions.push(part.to_owned()),
            Some(("flow", name)) => set.flow = Some(name.to_owned()),
            Some(("since", at)) => set.since = Some(instant(at)?),
            Some(("until", at)) => set.until = Some(instant(at)?),
            Some((other, _)) => {
                return Err(format!("{other:?} is unknown; known are flow, since and until"));
            }
        }
    }
    if set == Set::default() {
        return Err("expected ids of executions, or flow=NAME".to_owned());
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_ids_or_a_flow_and_a_time() {
        assert_eq!(set("a, b").unwrap().executions, ["a", "b"]);
        let found = set("flow=brief,since=2026-11-01").unwrap();
        assert_eq!(found.flow.as_deref(), Some("brief"));
        assert_eq!(found.since.as_deref(), Some("2026-11-01T00:00:00.000Z"));
        for wrong in ["", ",", "flw=x", "since=soon"] {
            assert!(set(wrong).is_err(), "{wrong}");
        }
    }
}
