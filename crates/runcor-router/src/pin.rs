//! Finding the provider that a request pins.

use std::sync::Arc;

use crate::attempt::one_line;
use crate::error::Error;
use crate::slot::Slot;

/// Finds the slot that is registered as `name`, or else the only one of that vendor.
///
/// The vendor is the part of a registered name before its first `/`: `openai`
/// finds `openai/gpt-4o` as long as no second `openai/…` is registered.
///
/// # Errors
/// [`Error::ProviderNotFound`] and [`Error::AmbiguousProvider`].
pub(crate) fn pinned<'a>(slots: &'a [Arc<Slot>], name: &str) -> Result<&'a Arc<Slot>, Error> {
    if let Some(slot) = slots.iter().find(|slot| &*slot.name == name) {
        return Ok(slot);
    }
    let of_vendor = || slots.iter().filter(|slot| vendor(&slot.name) == Some(name));
    match (of_vendor().next(), of_vendor().nth(1)) {
        (Some(slot), None) => Ok(slot),
        (None, _) => {
            Err(Error::ProviderNotFound { name: one_line(name), known: names(slots.iter()) })
        }
        (Some(_), Some(_)) => {
            Err(Error::AmbiguousProvider { name: one_line(name), known: names(of_vendor()) })
        }
    }
}

fn vendor(name: &str) -> Option<&str> {
    name.split_once('/').map(|(vendor, _)| vendor)
}

fn names<'a>(slots: impl Iterator<Item = &'a Arc<Slot>>) -> String {
    slots.map(|slot| &*slot.name).collect::<Vec<_>>().join(", ")
}
