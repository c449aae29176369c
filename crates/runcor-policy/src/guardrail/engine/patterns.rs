//! A detector made of regular expressions.

use std::fmt;

use regex_automata::util::primitives::StateID;
use regex_syntax::hir::Hir;

use super::automaton::{Automaton, Kind};
use super::detector::{Detector, Found, Head, More, Place};

/// Says where in a match the thing itself begins; `None` where it is none.
type Confirm = fn(&[u8]) -> Option<usize>;

/// An expression and what it finds.
#[derive(Clone)]
pub(in crate::guardrail) struct Pattern {
    /// What it finds.
    pub(in crate::guardrail) label: String,
    /// The expression.
    pub(in crate::guardrail) expression: Hir,
    /// Whether it never begins inside of a word.
    pub(in crate::guardrail) at_word: bool,
    /// Whether what was matched is the thing.
    pub(in crate::guardrail) confirm: Confirm,
}

impl Pattern {
    /// Makes a pattern that holds for whatever its expression matches.
    pub(in crate::guardrail) fn new(label: &str, expression: Hir) -> Self {
        Self { label: label.to_owned(), expression, at_word: false, confirm: |_| Some(0) }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern").field("label", &self.label).finish_non_exhaustive()
    }
}

/// Finds what any of several expressions matches, the first of them where several do.
#[derive(Debug)]
pub(in crate::guardrail) struct Patterns {
    automaton: Automaton,
    patterns: Vec<Pattern>,
    at_word: bool,
}

impl Patterns {
    /// Makes the detector; the error is text for people.
    pub(in crate::guardrail) fn build(patterns: Vec<Pattern>) -> Result<Self, String> {
        let expressions: Vec<_> = patterns.iter().map(|it| it.expression.clone()).collect();
        let automaton = Automaton::build(&expressions, Kind::LeftmostFirst)?;
        let at_word = patterns.iter().all(|pattern| pattern.at_word);
        Ok(Self { automaton, patterns, at_word })
    }

    fn found(&self, place: &Place<'_>, which: usize, end: usize) -> Option<Found> {
        let pattern = self.patterns.get(which)?;
        if pattern.at_word && !place.begins_word() {
            return None;
        }
        let begin = (pattern.confirm)(place.text.get(..end)?)?;
        Some(Found { begin, end, label: which, goes_on: None })
    }
}

impl Detector for Patterns {
    fn head(&self) -> Head {
        self.automaton.head()
    }

    fn look(&self, place: &Place<'_>) -> Result<Option<Found>, More> {
        if self.at_word && !place.begins_word() {
            return Ok(None);
        }
        let settled = self.automaton.walk(place, |_, _| {}).settled()?;
        Ok(settled.and_then(|(which, end)| self.found(place, which, end)))
    }

    /// What has matched already and goes on is one thing to its end.
    fn decide(&self, place: &Place<'_>) -> Option<Found> {
        let walk = self.automaton.walk(place, |_, _| {});
        let end = place.text.len();
        match walk.last {
            Some((which, matched)) => {
                let found = self.found(place, which, matched)?;
                Some(Found { end, goes_on: walk.state, ..found })
            }
            None => Some(Found::whole(end)),
        }
    }

    fn go_on(&self, state: StateID, byte: u8) -> Option<StateID> {
        self.automaton.go_on(state, byte)
    }

    fn longest(&self) -> Option<usize> {
        // A byte more, because a match is known one byte late.
        let lengths = self.patterns.iter().map(|it| it.expression.properties().maximum_len());
        lengths.collect::<Option<Vec<_>>>()?.into_iter().max().map(|longest| longest + 1)
    }

    fn label(&self, index: usize) -> &str {
        self.patterns.get(index).map_or("", |pattern| &pattern.label)
    }
}
