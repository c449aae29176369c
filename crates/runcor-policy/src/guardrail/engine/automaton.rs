//! Regular expressions as one automaton that can stop at any byte and go on later.

use std::collections::HashSet;

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

use super::detector::{Head, More, Place, bytes};

/// The most memory that the automaton of a guardrail takes.
const MAX_BYTES: usize = 4 << 20;
const TOO_LARGE: &str =
    "it makes too large an automaton; use shorter repetitions, or (?-u:\\w) for \\w";
/// The most memory that making it takes.
const MAX_BYTES_TO_BUILD: usize = 32 << 20;

pub(in crate::guardrail) use regex_automata::MatchKind as Kind;

/// Any number of expressions as one deterministic automaton: one table look-up a byte.
#[derive(Debug)]
pub(in crate::guardrail) struct Automaton {
    dfa: dense::DFA<Vec<u32>>,
}

/// How far a walk came.
#[derive(Debug, Clone, Copy)]
pub(in crate::guardrail) struct Walk {
    /// The expression that matched last, and where it ended.
    pub(in crate::guardrail) last: Option<(usize, usize)>,
    /// Where the walk stands; `None` where nothing more can match.
    pub(in crate::guardrail) state: Option<StateID>,
}

impl Automaton {
    /// Makes the automaton; the error is text for people.
    pub(in crate::guardrail) fn build(expressions: &[Hir], kind: Kind) -> Result<Self, String> {
        let expressions: Vec<_> = expressions.iter().map(with_ascii_words).collect();
        let config = thompson::Config::new()
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(MAX_BYTES));
        let nfa = thompson::Compiler::new()
            .configure(config)
            .build_many_from_hir(&expressions)
            .map_err(|_| TOO_LARGE.to_owned())?;
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .match_kind(kind)
            .accelerate(false)
            .dfa_size_limit(Some(MAX_BYTES))
            .determinize_size_limit(Some(MAX_BYTES_TO_BUILD));
        let dfa = dense::Builder::new()
            .configure(config)
            .build_from_nfa(&nfa)
            .map_err(|_| TOO_LARGE.to_owned())?;
        Ok(Self { dfa })
    }

    fn start(&self, before: Option<char>) -> Option<StateID> {
        // Only its class counts: a line's end, a word's byte, or another.
        let before = before.map(|c| u8::try_from(u32::from(c)).unwrap_or(u8::MAX));
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
        self.dfa.start_state(&config).ok()
    }

    /// Returns with which bytes any of the expressions may begin.
    pub(in crate::guardrail) fn head(&self) -> Head {
        let befores = [None, Some('\n'), Some('\r'), Some('a'), Some(' ')];
        let mut states: HashSet<_> =
            befores.into_iter().filter_map(|before| self.start(before)).collect();
        std::array::from_fn(|_| {
            let from = std::mem::take(&mut states);
            bytes(|byte| {
                let next = from.iter().filter_map(|state| self.step(*state, byte));
                // Each of them is needed for the byte after.
                next.map(|state| states.insert(state)).count() > 0
            })
        })
    }

    /// Goes on by a byte; `None` where nothing more can match.
    pub(in crate::guardrail) fn step(&self, state: StateID, byte: u8) -> Option<StateID> {
        let next = self.dfa.next_state(state, byte);
        let is_over = self.dfa.is_special_state(next)
            && (self.dfa.is_dead_state(next) || self.dfa.is_quit_state(next));
        (!is_over).then_some(next)
    }

    fn matched(&self, state: StateID) -> Option<usize> {
        let is_match = self.dfa.is_special_state(state) && self.dfa.is_match_state(state);
        is_match.then(|| self.dfa.match_pattern(state, 0).as_usize())
    }

    /// Returns whether the byte that led here belongs to no match any more.
    fn is_over(&self, state: StateID) -> bool {
        let ends = self.matched(self.dfa.next_eoi_state(state)).is_some();
        !ends && !(0..=u8::MAX).any(|byte| self.step(state, byte).is_some())
    }

    /// Goes on by a byte that still belongs to a match, or may.
    pub(super) fn go_on(&self, state: StateID, byte: u8) -> Option<StateID> {
        let state = self.step(state, byte)?;
        (self.matched(state).is_none() || !self.is_over(state)).then_some(state)
    }

    /// Walks as far as anything can match; `each` is told of every match and its end.
    pub(in crate::guardrail) fn walk(
        &self,
        place: &Place<'_>,
        mut each: impl FnMut(usize, usize),
    ) -> Walk {
        let mut walk = Walk { last: None, state: self.start(place.before) };
        for (at, byte) in place.text.iter().enumerate() {
            let Some(state) = walk.state.and_then(|state| self.step(state, *byte)) else {
                walk.state = None;
                return walk;
            };
            walk.state = Some(state);
            // A match is known one byte late.
            if let Some(which) = self.matched(state) {
                walk.last = Some((which, at));
                each(which, at);
                if self.is_over(state) {
                    walk.state = None;
                    return walk;
                }
            }
        }
        if place.ended
            && let Some(state) = walk.state.take()
            && let Some(which) = self.matched(self.dfa.next_eoi_state(state))
        {
            walk.last = Some((which, place.text.len()));
            each(which, place.text.len());
        }
        walk
    }
}

impl Walk {
    /// Returns the last match once there can be no other.
    pub(in crate::guardrail) fn settled(&self) -> Result<Option<(usize, usize)>, More> {
        if self.state.is_some() { Err(More) } else { Ok(self.last) }
    }
}

/// Makes `\b` and its kin look at ASCII alone, which an automaton can.
fn with_ascii_words(hir: &Hir) -> Hir {
    let each = |parts: &[Hir]| parts.iter().map(with_ascii_words).collect();
    match hir.kind() {
        HirKind::Look(look) => Hir::look(ascii(*look)),
        HirKind::Repetition(again) => Hir::repetition(Repetition {
            sub: Box::new(with_ascii_words(&again.sub)),
            ..again.clone()
        }),
        HirKind::Capture(group) => with_ascii_words(&group.sub),
        HirKind::Concat(parts) => Hir::concat(each(parts)),
        HirKind::Alternation(parts) => Hir::alternation(each(parts)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => hir.clone(),
    }
}

fn ascii(look: Look) -> Look {
    match look {
        Look::WordUnicode => Look::WordAscii,
        Look::WordUnicodeNegate => Look::WordAsciiNegate,
        Look::WordStartUnicode => Look::WordStartAscii,
        Look::WordEndUnicode => Look::WordEndAscii,
        Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
        Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
        other => other,
    }
}
