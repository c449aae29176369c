//! Personal data: mail addresses, telephone numbers, cards, accounts, social security numbers.

mod card;
mod iban;
mod mail;
mod phone;
mod ssn;

use serde::{Deserialize, Serialize};

use crate::guardrail::engine::{Detector, Scanner};

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PiiKind {
    /// A mail address.
    Mail,
    /// A telephone number: `+` and 8 to 15 digits, or a North American one in groups.
    Phone,
    /// The number of a payment card: 13 to 19 digits with a valid check digit.
    Card,
    /// The number of a bank account with valid check digits.
    Iban,
    /// A social security number of the USA.
    Ssn,
}

impl PiiKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Mail, Self::Phone, Self::Card, Self::Iban, Self::Ssn];
}

/// Finds personal data; unless told otherwise, of every kind.
///
/// Digits and letters of full width, other scripts' digits, and characters
/// without width between them don't hide anything. Whole numbers in JSON are
/// looked at like texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pii {
    kinds: Vec<PiiKind>,
}

impl Pii {
    /// Looks for every kind.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for these kinds alone.
    #[must_use]
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = PiiKind>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    pub(in crate::guardrail) fn scanner(&self) -> Scanner {
        let looks_for = |kind: &PiiKind| self.kinds.is_empty() || self.kinds.contains(kind);
        // In this order: a card is no telephone number.
        let order = [PiiKind::Card, PiiKind::Iban, PiiKind::Ssn, PiiKind::Phone, PiiKind::Mail];
        let detectors = order.into_iter().filter(looks_for).map(detector).collect();
        Scanner::new(detectors, true)
    }
}

fn detector(kind: PiiKind) -> Box<dyn Detector> {
    match kind {
        PiiKind::Card => Box::new(card::Card),
        PiiKind::Iban => Box::new(iban::Iban),
        PiiKind::Ssn => Box::new(ssn::Ssn),
        PiiKind::Phone => Box::new(phone::Phone),
        PiiKind::Mail => Box::new(mail::Mail),
    }
}
