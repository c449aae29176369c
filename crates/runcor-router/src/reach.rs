//! Which providers a request may go to.

use std::sync::Arc;

use crate::call::Call;
use crate::slot::Slot;

/// How far a request reaches, by the model that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To the providers that have a name of their own for the model, or list it.
    Named,
    /// To those that list the model, and to those of which nobody knows.
    Listed,
    /// Everywhere.
    Anywhere,
}

impl Reach {
    pub(crate) fn of(call: &Call, slots: &[Arc<Slot>]) -> Self {
        let Some(model) = call.named_model() else { return Self::Anywhere };
        if slots.iter().any(|slot| slot.renames(model)) {
            Self::Named
        } else if slots.iter().any(|slot| slot.lists(model)) {
            Self::Listed
        } else {
            Self::Anywhere
        }
    }

    /// Returns whether `slot` may get `call`.
    pub(crate) fn covers(self, slot: &Slot, call: &Call) -> bool {
        let Some(model) = call.named_model() else { return true };
        match self {
            Self::Named => slot.renames(model) || slot.lists(model),
            Self::Listed => slot.lists(model) || !slot.lacks(model),
            Self::Anywhere => true,
        }
    }
}
