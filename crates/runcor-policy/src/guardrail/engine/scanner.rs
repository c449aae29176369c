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

/// Which detectors have anything to look at, as a bit each.
#[derive(Debug)]
struct Awake {
    bits: u8,
    earliest: [usize; 8],
    /// Where the next one wakes.
    next: usize,
}

impl Awake {
    fn new(detectors: &[Box<dyn Detector>], text: &[u8], from: usize, ended: bool) -> Self {
        let rest = text.get(from..).unwrap_or_default();
        let mut earliest = [usize::MAX; 8];
        for (slot, detector) in earliest.iter_mut().zip(detectors) {
            *slot = from + detector.earliest(rest, ended);
        }
        Self { bits: 0, earliest, next: from }
    }

    fn at(&mut self, at: usize) -> u8 {
        if at >= self.next {
            let is_awake = |index: &usize| self.earliest.get(*index).is_some_and(|it| *it <= at);
            self.bits = (0..8).filter(is_awake).fold(0, |bits, index| bits | 1 << index);
            let later = self.earliest.iter().filter(|earliest| **earliest > at);
            self.next = later.min().copied().unwrap_or(usize::MAX);
        }
        self.bits
    }
}

/// Several detectors, and how much of a text they may hold back.
#[derive(Debug)]
pub(in crate::guardrail) struct Scanner {
    detectors: Vec<Box<dyn Detector>>,
    /// For each first, second and third byte a bit for each detector for which
    /// something may begin so.
    heads: Box<[[u8; 256]; 3]>,
    folds: bool,
    bound: usize,
}

impl Scanner {
    /// The most characters that are held back unless something needs more.
    pub(in crate::guardrail) const BOUND: usize = 256;

    /// Makes a scanner of at most eight detectors, which look at folded text or at text as it is.
    pub(in crate::guardrail) fn new(detectors: Vec<Box<dyn Detector>>, folds: bool) -> Self {
        let mut heads = Box::new([[0_u8; 256]; 3]);
        for (index, detector) in detectors.iter().enumerate().take(8) {
            for (bits, bytes) in heads.iter_mut().zip(detector.head()) {
                for (slot, may_be) in bits.iter_mut().zip(bytes) {
                    *slot |= u8::from(may_be) << index;
                }
            }
        }
        Self { detectors, heads, folds, bound: Self::BOUND }
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
        let mut awake = Awake::new(&self.detectors, bytes, from, ended);
        let [first, second, third] = &*self.heads;
        let mut rest = bytes.get(from..).unwrap_or_default();
        let mut at = from;
        while let [byte, after @ ..] = rest {
            let mut starting = first[usize::from(*byte)] & awake.at(at);
            if starting != 0 {
                let mut after = after.iter();
                let next = after.next().map_or(u8::MAX, |byte| second[usize::from(*byte)]);
                let last = after.next().map_or(u8::MAX, |byte| third[usize::from(*byte)]);
                starting &= next & last;
            }
            if starting != 0 {
                match self.look(view, at, starting, before, ended) {
                    Scan::Clear => {}
                    other => return other,
                }
            }
            (at, rest) = (at + 1, after);
        }
        Scan::Clear
    }

    fn look(
        &self,
        view: &View<'_>,
        at: usize,
        mut starting: u8,
        before: Option<char>,
        ended: bool,
    ) -> Scan {
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
