//! Tables: columns as wide as they need, and a last one that fits the terminal.

use console::measure_text_width;

use crate::console::{Console, Paint, harmless};

/// How long the last column may be where no terminal says how wide it is.
const UNTOLD: usize = 80;
/// The last column is at least so wide, or it would tell nothing.
const NARROWEST: usize = 12;

/// A table that is printed without lines.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug)]
struct Column {
    title: &'static str,
    right: bool,
}

/// One field of a table.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    text: String,
    paint: Option<Paint>,
}

impl Cell {
    pub(crate) fn painted(text: impl Into<String>, paint: Option<Paint>) -> Self {
        Self { text: one_line(&text.into()), paint }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::painted(text, None)
    }
}

impl Table {
    /// Makes a table; titles that begin with `>` stand over numbers, which are set to the right.
    pub(crate) fn new(titles: &[&'static str]) -> Self {
        let column = |title: &&'static str| match title.strip_prefix('>') {
            Some(title) => Column { title, right: true },
            None => Column { title, right: false },
        };
        Self { columns: titles.iter().map(column).collect(), rows: Vec::new() }
    }

    pub(crate) fn add<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// Prints the columns that have anything in them.
    pub(crate) fn print(&self, console: &Console) {
        let shown: Vec<usize> = (0..self.columns.len()).filter(|at| self.needs(*at) > 0).collect();
        let Some((last, others)) = shown.split_last() else { return };
        let taken: usize = others.iter().map(|at| self.width(*at) + 2).sum();
        let left = match console.width() {
            Some(width) => usize::from(width).saturating_sub(taken + 1).max(NARROWEST),
            None => UNTOLD,
        };
        let title = |at: usize| Cell::from(self.columns[at].title);
        let titles: Vec<Cell> = (0..self.columns.len()).map(title).collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let mut line = String::new();
            for at in others {
                line.push(' ');
                line.push_str(&self.padded(console, *at, &row[*at]));
                line.push(' ');
            }
            let cell = &row[*last];
            line.push(' ');
            line.push_str(&if self.columns[*last].right {
                self.padded(console, *last, cell)
            } else {
                painted(console, cell.paint, &cut(&cell.text, left))
            });
            console.line(line.trim_end());
        }
    }

    fn padded(&self, console: &Console, at: usize, cell: &Cell) -> String {
        let missing = self.width(at).saturating_sub(measure_text_width(&cell.text));
        let (space, text) = (" ".repeat(missing), painted(console, cell.paint, &cell.text));
        if self.columns[at].right { format!("{space}{text}") } else { format!("{text}{space}") }
    }

    fn needs(&self, at: usize) -> usize {
        self.rows.iter().map(|row| measure_text_width(&row[at].text)).max().unwrap_or(0)
    }

    fn width(&self, at: usize) -> usize {
        self.needs(at).max(measure_text_width(self.columns[at].title))
    }
}

fn painted(console: &Console, paint: Option<Paint>, text: &str) -> String {
    paint.map_or_else(|| text.to_owned(), |paint| console.paint(paint, text))
}

/// Shortens a text to a number of characters.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Makes a text that others wrote fit into one line.
pub(crate) fn one_line(text: &str) -> String {
    harmless(text).replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_characters_and_says_so() {
        assert_eq!(cut("grün", 4), "grün");
        assert_eq!(cut("grüner", 4), "grü…");
        assert_eq!(cut("x", 0), "…");
    }
}
