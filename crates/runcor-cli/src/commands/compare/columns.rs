//! Texts side by side, a column for each execution, with a mark where they differ.

use console::measure_text_width;

use crate::console::{Console, Paint, harmless};

/// How wide a column is where no terminal says how much there is.
const UNTOLD: usize = 40;
const NARROWEST: usize = 16;
const WIDEST_LABEL: usize = 32;
/// What stands in front of a line whose columns differ.
const MARK: &str = "≠";

/// One row: what it is about, and what each execution says to it.
#[derive(Debug)]
pub(super) struct Row {
    label: String,
    texts: Vec<String>,
    differs: bool,
}

impl Row {
    /// Makes a row that differs where its texts do.
    pub(super) fn new(label: impl Into<String>, texts: Vec<String>) -> Self {
        let differs = texts.windows(2).any(|pair| pair[0] != pair[1]);
        Self { label: label.into(), texts, differs }
    }

    /// Makes a row that only takes up space.
    pub(super) fn empty() -> Self {
        Self { label: String::new(), texts: Vec::new(), differs: false }
    }

    /// Says whether the row differs, where its texts alone do not tell.
    pub(super) fn differing(mut self, differs: bool) -> Self {
        self.differs = differs;
        self
    }
}

/// Prints rows in columns that fit the terminal; long texts go on in the next line.
pub(super) fn print(console: &Console, rows: &[Row], columns: usize) {
    let labels = rows.iter().map(|row| measure_text_width(&row.label)).max().unwrap_or(0);
    let label = labels.min(WIDEST_LABEL);
    let width = match console.width() {
        Some(width) => {
            let left = usize::from(width).saturating_sub(label + 2 + 2 * columns);
            (left / columns.max(1)).max(NARROWEST)
        }
        None => UNTOLD,
    };
    for row in rows {
        let wrapped: Vec<Vec<String>> = row.texts.iter().map(|text| wrap(text, width)).collect();
        let labels = wrap(&row.label, label);
        let height = wrapped.iter().map(Vec::len).chain([labels.len(), 1]).max().unwrap_or(1);
        for at in 0..height {
            let mark = if row.differs && at == 0 { MARK } else { " " };
            let mut line = format!("{mark} {}", pad(labels.get(at), label));
            for lines in &wrapped {
                line.push_str("  ");
                line.push_str(&pad(lines.get(at), width));
            }
            let line = line.trim_end();
            console.line(if row.differs {
                console.paint(Paint::Yellow, line)
            } else {
                line.to_owned()
            });
        }
    }
}

fn pad(text: Option<&String>, width: usize) -> String {
    let text = text.map(String::as_str).unwrap_or_default();
    let missing = width.saturating_sub(measure_text_width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Breaks a text into lines of so many characters at most.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in harmless(text).replace('\t', " ").lines() {
        let characters: Vec<char> = line.chars().collect();
        if characters.is_empty() {
            lines.push(String::new());
        }
        lines.extend(characters.chunks(width.max(1)).map(|part| part.iter().collect::<String>()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_goes_on_in_the_next_line() {
        assert_eq!(wrap("abcde\n\nf", 2), ["ab", "cd", "e", "", "f"]);
        assert!(wrap("", 5).is_empty());
    }

    #[test]
    fn a_row_differs_where_its_texts_do() {
        let row = |texts: &[&str]| Row::new("x", texts.iter().map(ToString::to_string).collect());
        assert!(row(&["a", "a", "b"]).differs && !row(&["a", "a"]).differs);
        assert!(!row(&["a", "b"]).differing(false).differs);
    }
}
