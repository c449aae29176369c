//! Several detectors over one text: the first place where any finds something.

use super::detector::{Detector, Found, Place};
use super::fold::Folding;

/// What a text holds from a place on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// Nothing, whatever follows.
    Clear,
    /// Something may begin at this place.
    Open(usize),
    /// Something begins at this place.
    Found(usize, usize, Found),
}

/// A text as the detectors see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// As it is looked at.
    pub(super) text: &'a str,
    /// As it came.
    pub(super) original: &'a str,
    /// Where each byte came from; `None` where both are the same.
    origin: Option<&'a [usize]>,
}

impl<'a> View<'a> {
    pub(super) fn plain(text: &'a str) -> Self {
        Self { text, original: text, origin: None }
    }

    pub(super) fn folded(original: &'a str, folding: &'a Folding) -> Self {
        Self { text: &folding.text, original, origin: Some(&folding.origin) }
    }

    /// Returns where the character at a place came from.
    pub(super) fn origin(&self, at: usize) -> usize {
        match self.origin {
            Some(origin) => origin.get(at).copied().unwrap_or(self.original.len()),
            None => at,
        }
    }

    /// Returns where the text before a place ended in the original.
    pub(super) fn origin_of_end(&self, end: usize) -> usize {
        let Some(last) = end.checked_sub(1).filter(|_| self.origin.is_some()) else { return end };
        let begin = self.origin(last);
        let c = self.original.get(begin..).and_then(|text| text.chars().next());
        begin + c.map_or(0, char::len_utf8)
    }

    /// Returns the place behind `bound` characters of the original from `at` on;
    /// `None` where there are no more than that.
    fn limit(&self, at: usize, bound: usize) -> Option<usize> {
        let begin = self.origin(at);
        let (length, _) = self.original.get(begin..)?.char_indices().nth(bound)?;
        let end = begin + length;
        Some(match self.origin {
            Some(origin) => origin.partition_point(|origin| *origin < end),
            None => end,
        })
    }

    pub(super) fn before(&self, at: usize) -> Option<char> {
        self.text.get(..at)?.chars().next_back()
    }
}

/// Several detectors, and how much of a text they may hold back.
#[derive(Debug)]
pub(in crate::guardrail) struct Scanner {
    detectors: Vec<Box<dyn Detector>>,
    /// For each byte a bit for each detector that something may begin there for.
    starts: Box<[u8; 256]>,
    folds: bool,
    bound: usize,
}

impl Scanner {
    /// The most characters that are held back unless something needs more.
    pub(in crate::guardrail) const BOUND: usize = 256;

    /// Makes a scanner of at most eight detectors, which look at folded text or at text as it is.
    pub(in crate::guardrail) fn new(detectors: Vec<Box<dyn Detector>>, folds: bool) -> Self {
        let mut starts = Box::new([0_u8; 256]);
        for (index, detector) in detectors.iter().enumerate().take(8) {
            for (slot, may_start) in starts.iter_mut().zip(detector.starts()) {
                *slot |= u8::from(may_start) << index;
            }
        }
        Self { detectors, starts, folds, bound: Self::BOUND }
    }

    /// Returns the longest thing that must be seen whole, `None` where there is no such length.
    pub(in crate::guardrail) fn longest(&self) -> Option<usize> {
        self.detectors.iter().map(|it| it.longest()).try_fold(0, |most, it| Some(most.max(it?)))
    }

    pub(in crate::guardrail) fn with_bound(mut self, bound: usize) -> Self {
        self.bound = bound;
        self
    }

    pub(super) fn folds(&self, text: &str) -> bool {
        self.folds && !text.is_ascii()
    }

    pub(super) fn label(&self, detector: usize, found: &Found) -> &str {
        self.detectors.get(detector).map_or("", |it| it.label(found.label))
    }

    pub(super) fn detector(&self, index: usize) -> Option<&dyn Detector> {
        self.detectors.get(index).map(|it| &**it)
    }

    /// Returns whether nothing is found in a whole text.
    pub(in crate::guardrail) fn is_clear(&self, text: &str) -> bool {
        let mut folding = Folding::default();
        let view = if self.folds(text) {
            folding.fill(text);
            View::folded(text, &folding)
        } else {
            View::plain(text)
        };
        self.scan(&view, 0, None, true) == Scan::Clear
    }

    /// Finds what comes first from `from` on; `before` is the character before the view.
    pub(super) fn scan(
        &self,
        view: &View<'_>,
        from: usize,
        before: Option<char>,
        ended: bool,
    ) -> Scan {
        let bytes = view.text.as_bytes();
        let mut at = from;
        while let Some(skipped) =
            bytes.get(at..).and_then(|rest| rest.iter().position(|byte| self.may_start(*byte)))
        {
            at += skipped;
            match self.look(view, at, before, ended) {
                Scan::Clear => at += 1,
                other => return other,
            }
        }
        Scan::Clear
    }

    fn may_start(&self, byte: u8) -> bool {
        self.starting(byte) != 0
    }

    fn starting(&self, byte: u8) -> u8 {
        self.starts.get(usize::from(byte)).copied().unwrap_or(0)
    }

    fn look(&self, view: &View<'_>, at: usize, before: Option<char>, ended: bool) -> Scan {
        let mut starting = view.text.as_bytes().get(at).map_or(0, |byte| self.starting(*byte));
        let before = if at == 0 { before } else { view.before(at) };
        while starting != 0 {
            let index = starting.trailing_zeros() as usize;
            starting &= starting - 1;
            match self.ask(index, view, at, before, ended) {
                Scan::Clear => {}
                other => return other,
            }
        }
        Scan::Clear
    }

    /// Asks one detector, which sees no more than the bound.
    fn ask(
        &self,
        index: usize,
        view: &View<'_>,
        at: usize,
        before: Option<char>,
        ended: bool,
    ) -> Scan {
        let Some(detector) = self.detectors.get(index) else { return Scan::Clear };
        let of = |found: Option<Found>| match found {
            Some(found) => Scan::Found(at, index, found),
            None => Scan::Clear,
        };
        let rest = view.text.as_bytes().get(at..).unwrap_or_default();
        // So many bytes are no more characters than that, which is almost always enough to tell.
        if view.origin.is_none() {
            let near = rest.get(..self.bound).unwrap_or(rest);
            let is_all = near.len() == rest.len();
            let place = Place { before, text: near, ended: ended && is_all };
            match detector.look(&place) {
                Ok(found) => return of(found),
                Err(_) if is_all => return Scan::Open(at),
                Err(_) => {}
            }
        }
        let limit = view.limit(at, self.bound);
        let text = limit.and_then(|limit| view.text.as_bytes().get(at..limit)).unwrap_or(rest);
        let place = Place { before, text, ended: ended && limit.is_none() };
        match detector.look(&place) {
            Ok(found) => of(found),
            Err(_) if limit.is_none() => Scan::Open(at),
            Err(_) => of(detector.decide(&place)),
        }
    }
}
