//! What looks for one kind of thing from a place on.

use std::fmt;

use regex_automata::util::primitives::StateID;

/// What is there can't be told before there is more text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::guardrail) struct More;

/// Text from a place on at which something may begin.
#[derive(Debug, Clone, Copy)]
pub(in crate::guardrail) struct Place<'a> {
    /// The character before; `None` where the text begins.
    pub(in crate::guardrail) before: Option<char>,
    /// The text from there on, as far as it is there.
    pub(in crate::guardrail) text: &'a [u8],
    /// Whether the text ends there.
    pub(in crate::guardrail) ended: bool,
}

impl Place<'_> {
    /// Returns the byte at `index`, or `None` behind the end of the whole text.
    pub(in crate::guardrail) fn at(&self, index: usize) -> Result<Option<u8>, More> {
        match self.text.get(index) {
            Some(byte) => Ok(Some(*byte)),
            None if self.ended => Ok(None),
            None => Err(More),
        }
    }

    /// Returns whether a digit or letter is at `index`.
    pub(in crate::guardrail) fn is_word_at(&self, index: usize) -> Result<bool, More> {
        Ok(self.at(index)?.is_some_and(|byte| byte.is_ascii_alphanumeric()))
    }

    /// Returns whether a digit is at `index`.
    pub(in crate::guardrail) fn is_digit_at(&self, index: usize) -> Result<bool, More> {
        Ok(self.at(index)?.is_some_and(|byte| byte.is_ascii_digit()))
    }

    /// Returns whether the place is not inside of a number or word.
    pub(in crate::guardrail) fn begins_word(&self) -> bool {
        !self.before.is_some_and(|c| c.is_ascii_alphanumeric())
    }
}

/// Something that was found at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::guardrail) struct Found {
    /// Where it begins, behind what only leads to it.
    pub(in crate::guardrail) begin: usize,
    /// Where it ends.
    pub(in crate::guardrail) end: usize,
    /// Which of the detector's labels it has.
    pub(in crate::guardrail) label: usize,
    /// How it goes on, where it was cut at the bound.
    pub(in crate::guardrail) goes_on: Option<StateID>,
}

impl Found {
    pub(in crate::guardrail) fn whole(end: usize) -> Self {
        Self { begin: 0, end, label: 0, goes_on: None }
    }
}

/// A set of bytes.
pub(in crate::guardrail) type ByteSet = [bool; 256];

/// Which first, second and third bytes something may have; most places fail for these.
pub(in crate::guardrail) type Head = [ByteSet; 3];

/// Looks for one kind of thing.
///
/// # Contract
/// What it says of a place, unless it is [`More`], stays the same whatever
/// text follows: so it does not matter in which pieces a text comes.
pub(in crate::guardrail) trait Detector: fmt::Debug + Send + Sync {
    /// Returns with which bytes something may begin.
    fn head(&self) -> Head;

    /// Returns a place in a text before which nothing begins, whatever follows.
    fn earliest(&self, text: &[u8], ended: bool) -> usize {
        let _ = (text, ended);
        0
    }

    /// Says whether something begins exactly here.
    fn look(&self, place: &Place<'_>) -> Result<Option<Found>, More>;

    /// Decides about what can't be told within the bound: it counts as found.
    fn decide(&self, place: &Place<'_>) -> Option<Found> {
        Some(Found::whole(place.text.len()))
    }

    /// Goes on with something that was cut at the bound; `None` once it is over.
    fn go_on(&self, state: StateID, byte: u8) -> Option<StateID> {
        let _ = (state, byte);
        None
    }

    /// Returns the longest thing that must be seen whole, in characters.
    fn longest(&self) -> Option<usize>;

    /// Names what was found.
    fn label(&self, index: usize) -> &str;
}

/// Makes the set of bytes that `is` holds for.
pub(in crate::guardrail) fn bytes(mut is: impl FnMut(u8) -> bool) -> ByteSet {
    let mut set = [false; 256];
    for (byte, slot) in (0..=u8::MAX).zip(&mut set) {
        *slot = is(byte);
    }
    set
}
