//! The terminal: lines, tables, JSON, colours where somebody looks.

use std::io::{IsTerminal, Write};

use serde_json::{Value, json};

use crate::failure::Failure;

/// Where a command prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    pub(crate) json: bool,
    coloured: bool,
    coloured_errors: bool,
}

/// How a text is painted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Paint {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Console {
    pub(crate) fn new(json: bool, no_color: bool) -> Self {
        let wanted = !no_color && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let wanted = wanted && !json;
        Self {
            json,
            coloured: wanted && std::io::stdout().is_terminal(),
            coloured_errors: wanted && std::io::stderr().is_terminal(),
        }
    }

    /// Returns whether what goes to stderr is painted.
    pub(crate) fn paints_errors(&self) -> bool {
        self.coloured_errors
    }

    /// Returns how many characters fit into a line, where a terminal says so.
    pub(crate) fn width(&self) -> Option<u16> {
        let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        told.or_else(|| console::Term::stdout().size_checked().map(|(_, columns)| columns))
    }

    /// Returns whether what is printed is looked at on a terminal.
    pub(crate) fn is_on_a_terminal(&self) -> bool {
        !self.json && std::io::stdout().is_terminal()
    }

    /// Prints a line. A reader that went away is no reason to fail.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        let _ = writeln!(std::io::stdout().lock(), "{}", text.as_ref());
    }

    /// Prints a line where a terminal that is held must not hold the engine.
    pub(crate) async fn line_aside(&self, text: String) {
        let console = *self;
        // It fails only when the process ends.
        let _ = tokio::task::spawn_blocking(move || console.line(text)).await;
    }

    /// Prints a line for people only: nothing with `--json`.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.json {
            self.line(text);
        }
    }

    /// Prints a warning to stderr.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        let text = harmless(text.as_ref());
        let mut stderr = std::io::stderr().lock();
        let _ = if self.json {
            writeln!(stderr, "{}", json!({ "warning": { "message": text } }))
        } else {
            writeln!(stderr, "{} {text}", self.paint_error(Paint::Yellow, "warning:"))
        };
    }

    /// Prints JSON: on one line for programs, indented for people.
    pub(crate) fn value(&self, value: &Value) {
        self.line(if self.json { value.to_string() } else { format!("{value:#}") });
    }

    /// Prints one document of a stream, with `--json` only.
    pub(crate) fn document(&self, value: &Value) {
        if self.json {
            self.value(value);
        }
    }

    /// Prints why a command failed, to stderr.
    pub(crate) fn failure(&self, failure: &Failure) {
        let mut stderr = std::io::stderr().lock();
        let _ = if self.json {
            writeln!(stderr, "{}", failure.to_json())
        } else {
            let word = self.paint_error(Paint::Red, "error:");
            writeln!(stderr, "{word} {} ({})", harmless(&failure.message), failure.code)
        };
    }

    /// Paints a text for stdout.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        painted(self.coloured, paint, text)
    }

    fn paint_error(self, paint: Paint, text: &str) -> String {
        painted(self.coloured_errors, paint, text)
    }

    /// Paints the name of a state.
    pub(crate) fn state(&self, state: &str) -> String {
        self.paint(Self::paint_of(state), state)
    }

    /// Returns how the name of a state is painted.
    pub(crate) fn paint_of(state: &str) -> Paint {
        match state {
            "complete" => Paint::Green,
            "failed" => Paint::Red,
            "waiting" | "retrying" => Paint::Yellow,
            _ => Paint::Cyan,
        }
    }

    /// Returns whether there is somebody to be asked.
    pub(crate) fn can_ask(&self) -> bool {
        !self.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a question whose answer is no unless it is yes.
    pub(crate) fn ask(&self, question: &str) -> std::io::Result<bool> {
        let mut stderr = std::io::stderr().lock();
        write!(stderr, "{} [y/N] ", self.paint_error(Paint::Bold, question))?;
        stderr.flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Returns whether somebody looks at the terminal.
    pub(crate) fn is_watched(&self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }
}

/// Takes the control characters out of a text that others wrote: a terminal would obey them.
pub(crate) fn harmless(text: &str) -> String {
    let visible = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    text.chars().map(visible).collect()
}

fn painted(coloured: bool, paint: Paint, text: &str) -> String {
    if !coloured {
        return text.to_owned();
    }
    let code = match paint {
        Paint::Bold => 1,
        Paint::Dim => 2,
        Paint::Red => 31,
        Paint::Green => 32,
        Paint::Yellow => 33,
        Paint::Cyan => 36,
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_can_not_command_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2J\rb\u{9b}1m\n\tü"), "a\u{fffd}[2J\u{fffd}b\u{fffd}1m\n\tü");
    }
}
