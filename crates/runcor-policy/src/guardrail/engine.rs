//! Finding things in text that comes in pieces, with a bound on what is held back.

mod automaton;
mod detector;
mod fold;
mod patterns;
mod scanner;
mod window;

pub(super) use automaton::{Automaton, Kind};
pub(super) use detector::{Detector, Found, Head, More, Place, bytes};
pub(super) use fold::{fold, folded};
pub(super) use patterns::{Pattern, Patterns};
pub(super) use scanner::Scanner;
pub(super) use window::{Finding, Window};
