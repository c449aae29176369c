//! A window over text that comes in pieces.

use std::sync::Arc;

use regex_automata::util::primitives::StateID;

use super::fold::{Folding, fold};
use super::scanner::{Scan, Scanner, View};

/// Something that was found in a text.
#[derive(Debug, Clone, Copy)]
pub(in crate::guardrail) struct Finding<'a> {
    /// What it is.
    pub(in crate::guardrail) label: &'a str,
    /// The text of it, as it came.
    pub(in crate::guardrail) text: &'a str,
}

/// Passes a text on as far as nothing in it can become part of a finding.
#[derive(Debug)]
pub(in crate::guardrail) struct Window {
    scanner: Arc<Scanner>,
    /// What is held back; between two pushes no longer than the bound.
    held: String,
    /// The character before what is held back, as it is taken.
    before: Option<char>,
    /// Something found that goes on: its detector, and where that stands.
    goes_on: Option<(usize, StateID)>,
    folding: Folding,
}

impl Window {
    pub(in crate::guardrail) fn new(scanner: Arc<Scanner>) -> Self {
        let (before, goes_on, folding) = (None, None, Folding::default());
        Self { scanner, held: String::new(), before, goes_on, folding }
    }

    /// Takes more text, or the end of it, and passes on to `out` what may go on.
    ///
    /// `found` puts something in place of each finding, or ends the whole.
    pub(in crate::guardrail) fn push<E>(
        &mut self,
        text: &str,
        ended: bool,
        out: &mut String,
        mut found: impl FnMut(Finding<'_>, &mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut held = std::mem::take(&mut self.held);
        held.push_str(self.skip(text));
        let scanner = Arc::clone(&self.scanner);
        let mut folding = std::mem::take(&mut self.folding);
        let mut done = 0;
        while done < held.len() {
            let text = held.get(done..).unwrap_or_default();
            let view = if scanner.folds(text) {
                folding.fill(text);
                View::folded(text, &folding)
            } else {
                View::plain(text)
            };
            let (passed, cut) = self.step(&scanner, &view, ended, out, &mut found)?;
            done += passed;
            if !cut {
                break;
            }
        }
        held.drain(..done);
        (self.held, self.folding) = (held, folding);
        Ok(())
    }

    /// Passes on what can be passed on; returns how much of the text that was,
    /// and whether something that goes on was met, so that the rest is to be looked at anew.
    fn step<E>(
        &mut self,
        scanner: &Scanner,
        view: &View<'_>,
        ended: bool,
        out: &mut String,
        found: &mut impl FnMut(Finding<'_>, &mut String) -> Result<(), E>,
    ) -> Result<(usize, bool), E> {
        let (mut from, mut passed, before) = (0, 0, self.before);
        loop {
            match scanner.scan(view, from, before, ended) {
                Scan::Clear => {
                    out.push_str(view.original.get(passed..).unwrap_or_default());
                    self.before = view.before(view.text.len()).or(before);
                    return Ok((view.original.len(), false));
                }
                Scan::Open(at) => {
                    let open = view.origin(at);
                    out.push_str(view.original.get(passed..open).unwrap_or_default());
                    self.before = view.before(at).or(before);
                    return Ok((open, false));
                }
                Scan::Found(at, detector, it) => {
                    let (begin, end) = (at + it.begin, at + it.end);
                    let span = view.origin(begin)..view.origin_of_end(end);
                    let original = view.original;
                    out.push_str(original.get(passed..span.start).unwrap_or_default());
                    let text = original.get(span.clone()).unwrap_or_default();
                    found(Finding { label: scanner.label(detector, &it), text }, out)?;
                    (from, passed) = (end, span.end);
                    if let Some(state) = it.goes_on {
                        self.before = view.before(end).or(before);
                        self.goes_on = Some((detector, state));
                        let rest = original.get(passed..).unwrap_or_default();
                        return Ok((passed + rest.len() - self.skip(rest).len(), true));
                    }
                }
            }
        }
    }

    /// Skips what still belongs to something that was found; returns the rest.
    fn skip<'a>(&mut self, text: &'a str) -> &'a str {
        let Some((index, mut state)) = self.goes_on else { return text };
        let scanner = Arc::clone(&self.scanner);
        let Some(detector) = scanner.detector(index) else { return text };
        let folds = scanner.folds(text);
        for (at, c) in text.char_indices() {
            let taken = if folds { fold(c) } else { Some(c) };
            let Some(taken) = taken else { continue };
            let mut bytes = [0; 4];
            let bytes = taken.encode_utf8(&mut bytes).as_bytes();
            let next = bytes.iter().try_fold(state, |state, byte| detector.go_on(state, *byte));
            let Some(next) = next else {
                self.goes_on = None;
                return text.get(at..).unwrap_or_default();
            };
            state = next;
            self.before = Some(taken);
        }
        self.goes_on = Some((index, state));
        ""
    }
}
