//! Keys, tokens and passwords.

use regex_syntax::ParserBuilder;

use crate::guardrail::engine::{Pattern, Patterns, Scanner};

/// Finds keys, tokens and passwords by their shape.
///
/// Keys of AWS, GitHub, GitLab, Slack, OpenAI, Anthropic, Google and Stripe,
/// private keys in PEM, JSON Web Tokens, `Bearer …`, and values of some
/// disorder that something like `password` or `api_key` is set to. A key that
/// a line break divides is not found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Secrets;

type Confirm = fn(&[u8]) -> Option<usize>;

/// What is looked for: its label, its expression, and whether it is one.
///
/// What may be longer than the bound matches early and then goes on.
const SHAPES: [(&str, &str, Confirm); 13] = [
    ("aws-key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b", all),
    ("github-token", r"gh[pousr]_[A-Za-z0-9]{36,}", all),
    ("github-token", r"github_pat_[A-Za-z0-9_]{22,}", all),
    ("gitlab-token", r"glpat-[A-Za-z0-9_-]{20,}", all),
    ("slack-token", r"xox[abeoprs]-[A-Za-z0-9-]{10,}", all),
    ("slack-token", r"xapp-[0-9]-[A-Za-z0-9-]{10,}", all),
    ("anthropic-key", r"sk-ant-[A-Za-z0-9_-]{16,}", all),
    ("api-key", r"[sr]k[-_][A-Za-z0-9_-]{20,}", mixed),
    ("google-key", r"AIza[A-Za-z0-9_-]{35}", all),
    (
        "private-key",
        concat!(
            r"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----",
            r"(?:[A-Za-z0-9+/=\s\\]|(?:Proc-Type|DEK-Info|Version|Comment): ?[ -~]{0,80})*",
            r"(?:-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----)?",
        ),
        all,
    ),
    ("jwt", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?", all),
    ("bearer-token", r"(?i:bearer)\s{1,8}[A-Za-z0-9._~+/=-]{16,}", value),
    (
        "password",
        concat!(
            r"(?i:(?:(?:api|access|auth|secret|private|signing|encryption|client)",
            r"[_-]?(?:access)?[_-]?(?:key|token|secret))",
            r"|secret|token|password|passwd|pwd|passphrase)",
            r#"["'`]{0,2}\s{0,8}(?::|=|:=|=>)\s{0,8}["'`]?[A-Za-z0-9+/_=.~!@#$%^&*-]{12,}"#,
        ),
        value,
    ),
];

impl Secrets {
    pub(in crate::guardrail) fn scanner(self) -> Result<Scanner, String> {
        let mut parsers = ParserBuilder::new();
        parsers.unicode(false);
        let patterns = SHAPES.iter().map(|(label, expression, confirm)| {
            let hir = parsers.build().parse(expression).map_err(|error| error.to_string())?;
            let pattern = Pattern::new(label, hir);
            Ok(Pattern { at_word: true, confirm: *confirm, ..pattern })
        });
        let patterns = Patterns::build(patterns.collect::<Result<_, String>>()?)?;
        Ok(Scanner::new(vec![Box::new(patterns)], true))
    }
}

fn all(_: &[u8]) -> Option<usize> {
    Some(0)
}

/// A key has digits and capitals; a name of several words has not.
fn mixed(text: &[u8]) -> Option<usize> {
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    (has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase)).then_some(0)
}

/// The value behind a name, where it is in such disorder that nobody would speak it.
fn value(text: &[u8]) -> Option<usize> {
    let is_value = |byte: &u8| !byte.is_ascii_whitespace() && !b"\"'`:=>".contains(byte);
    // Behind the last space, colon or sign of equality that is not its own padding.
    let unpadded = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let begin = text.get(..unpadded)?.iter().rposition(|byte| !is_value(byte))? + 1;
    let value = text.get(begin..)?;
    let has = |is: fn(&u8) -> bool| value.iter().any(is);
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    (value.len() >= 12 && is_mixed && entropy(value) >= 2.8).then_some(begin)
}

/// Returns Shannon's entropy in bits a byte.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = u32::try_from(text.len()).map_or(f64::MAX, f64::from);
    let part = |count: &u32| f64::from(*count) / length;
    -counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| part(count) * part(count).log2())
        .sum::<f64>()
}
