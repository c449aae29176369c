//! How one guardrail looks at text that comes in pieces.

use std::sync::Arc;

use runcor_core::Result;
use serde_json::Value;

use crate::guardrail::action::GuardrailMode;
use crate::guardrail::built_in::Length;
use crate::guardrail::engine::{Finding, Window};
use crate::guardrail::look::Look;
use crate::guardrail::rail::{Judge, Rail};

/// The most bytes of an answer that are held back until it is whole.
const MAX_BUFFERED: usize = 4 << 20;

/// How one guardrail looks at text that comes in pieces.
#[derive(Debug)]
pub(super) enum Stage {
    /// Through a window, which holds back what may become part of a finding.
    Window { window: Window, labels: Vec<String> },
    /// By counting.
    Count { length: Length, count: usize },
    /// All at once at the end.
    Buffer { text: String },
}

impl Stage {
    /// Returns how a guardrail looks; `None` where it judges what is out already.
    pub(super) fn of(rail: &Rail) -> Option<Self> {
        match &rail.judge {
            Judge::Scanner(scanner, _) => {
                let window = Window::new(Arc::clone(scanner));
                Some(Self::Window { window, labels: Vec::new() })
            }
            Judge::Length(length) if !rail.buffer => {
                Some(Self::Count { length: *length, count: 0 })
            }
            _ if rail.buffer => Some(Self::Buffer { text: String::new() }),
            _ => None,
        }
    }

    /// Takes more text and passes on what may go on.
    pub(super) fn push(&mut self, look: Look<'_>, text: &str, out: &mut String) -> Result<()> {
        self.take(look, text, false, out)
    }

    /// Takes the last of the text and passes on whatever may go on.
    pub(super) async fn finish(&mut self, look: Look<'_>, text: &str) -> Result<String> {
        let mut out = String::new();
        self.take(look, text, true, &mut out)?;
        match self {
            Self::Window { .. } => {}
            Self::Count { length, count } => look.measured(*length, *count)?,
            Self::Buffer { text } => {
                let content = Value::String(std::mem::take(text));
                out = match look.at(content).await? {
                    Value::String(text) => text,
                    Value::Null => String::new(),
                    other => other.to_string(),
                };
            }
        }
        Ok(out)
    }

    fn take(&mut self, look: Look<'_>, text: &str, ended: bool, out: &mut String) -> Result<()> {
        match self {
            Self::Window { window, labels } => scan(window, labels, look, text, ended, out),
            Self::Count { length, count } => {
                let (fits, counted) = length.fit(text, *count);
                *count = counted;
                match look.rail.mode {
                    // What is too long will not become shorter.
                    GuardrailMode::Block if fits < text.len() => look.measured(*length, counted)?,
                    GuardrailMode::Block | GuardrailMode::Warn => out.push_str(text),
                    GuardrailMode::Transform => out.push_str(text.get(..fits).unwrap_or(text)),
                }
                Ok(())
            }
            Self::Buffer { text: held } => {
                if held.len() + text.len() > MAX_BUFFERED {
                    let reason =
                        format!("longer than the {MAX_BUFFERED} bytes that it can hold back");
                    return Err(look.blocked(&reason));
                }
                held.push_str(text);
                Ok(())
            }
        }
    }
}

fn scan(
    window: &mut Window,
    labels: &mut Vec<String>,
    look: Look<'_>,
    text: &str,
    ended: bool,
    out: &mut String,
) -> Result<()> {
    if look.rail.mode != GuardrailMode::Warn {
        let found = |finding: Finding<'_>, out: &mut String| look.found(finding, labels, out);
        return window.push(text, ended, out, found);
    }
    // What only warns holds nothing back.
    out.push_str(text);
    let known = labels.len();
    let found = |finding: Finding<'_>, out: &mut String| look.found(finding, labels, out);
    window.push(text, ended, &mut String::new(), found)?;
    for label in labels.iter().skip(known) {
        look.warn(&format!("found: {label}"));
    }
    Ok(())
}
