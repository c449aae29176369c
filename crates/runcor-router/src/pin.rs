//! Finding the provider that a request pins.

use crate::attempt::one_line;
use crate::error::Error;

/// Finds the position of what is registered as `name`, or else of the only one of that vendor.
///
/// The vendor is the part of a registered name before its first `/`: `openai`
/// finds `openai/gpt-4o` as long as no second `openai/…` is registered.
///
/// # Errors
/// [`Error::ProviderNotFound`] and [`Error::AmbiguousProvider`].
pub(crate) fn find<S: AsRef<str>>(registered: &[S], name: &str) -> Result<usize, Error> {
    let registered = || registered.iter().map(AsRef::as_ref).enumerate();
    if let Some((index, _)) = registered().find(|(_, known)| *known == name) {
        return Ok(index);
    }
    let of_vendor = || registered().filter(|(_, known)| vendor(known) == Some(name));
    match (of_vendor().next(), of_vendor().nth(1)) {
        (Some((index, _)), None) => Ok(index),
        (None, _) => {
            Err(Error::ProviderNotFound { name: one_line(name), known: names(registered()) })
        }
        (Some(_), Some(_)) => {
            Err(Error::AmbiguousProvider { name: one_line(name), known: names(of_vendor()) })
        }
    }
}

fn vendor(name: &str) -> Option<&str> {
    name.split_once('/').map(|(vendor, _)| vendor)
}

fn names<'a>(known: impl Iterator<Item = (usize, &'a str)>) -> String {
    known.map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}
