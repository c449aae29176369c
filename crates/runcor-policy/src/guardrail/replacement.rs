//! What comes in place of a finding.

use super::engine::{Finding, fold};

/// How many characters of a number are left, where some are.
const LAST: usize = 4;

/// What comes in place of a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Replacement {
    /// What it was, as `[card]`.
    #[default]
    Label,
    /// Always the same.
    Fixed(String),
    /// Stars, and the last four digits or letters; of a mail address the host.
    KeepLast,
}

impl Replacement {
    pub(super) fn put(&self, finding: Finding<'_>, out: &mut String) {
        match self {
            Self::Fixed(text) => out.push_str(text),
            Self::KeepLast if finding.label == "mail" => {
                let host = finding.text.rsplit_once('@').map_or("", |(_, host)| host);
                out.push_str("***@");
                out.push_str(host);
            }
            Self::KeepLast => {
                let signs: Vec<char> = finding.text.chars().filter_map(fold).collect();
                let signs: Vec<char> = signs.into_iter().filter(|c| c.is_alphanumeric()).collect();
                out.push_str("****");
                out.extend(signs.get(signs.len().saturating_sub(LAST)..).unwrap_or_default());
            }
            Self::Label => {
                out.push('[');
                out.push_str(finding.label);
                out.push(']');
            }
        }
    }
}
