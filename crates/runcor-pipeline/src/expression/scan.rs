//! The thin layer over RFC 9535: names with hyphens, a trailing `.length`, limits.

use std::iter::Peekable;
use std::str::CharIndices;

/// The longest path that is parsed, in bytes.
const MAX_BYTES: usize = 1024;
/// The deepest nesting of brackets; the parser behind recurses and backtracks.
const MAX_DEPTH: usize = 6;
/// How many `..` a path may have; each multiplies the work by the document's depth.
const MAX_DESCENDANTS: usize = 2;

/// A path as the RFC 9535 parser takes it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// The text, hyphenated names in brackets, without the trailing `.length`.
    pub(crate) text: String,
    /// Whether a trailing `.length` was taken off.
    pub(crate) length: bool,
}

/// Brings `path` into the form of the standard.
pub(crate) fn scan(path: &str) -> Result<Scanned, String> {
    if path.len() > MAX_BYTES {
        return Err(format!("a path has at most {MAX_BYTES} bytes, this one has {}", path.len()));
    }
    let mut scanner = Scanner { chars: path.char_indices().peekable(), ..Scanner::default() };
    scanner.run()?;
    Ok(scanner.finish())
}

/// Returns the byte index at which a path at the beginning of `text` ends:
/// the first space or operator outside of brackets and quotes.
pub(crate) fn path_end(text: &str) -> usize {
    let mut chars = text.char_indices();
    let mut depth = 0_usize;
    while let Some((at, char)) = chars.next() {
        match char {
            // Where it is not closed, the whole text is the path, and is refused as one.
            '\'' | '"' => _ = skip_string(&mut chars, char, |_| {}),
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            ' ' | '\t' | '\n' | '\r' | '=' | '!' | '<' | '>' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// Goes past a quoted text; returns whether it is closed.
fn skip_string(
    chars: &mut impl Iterator<Item = (usize, char)>,
    quote: char,
    mut see: impl FnMut(char),
) -> bool {
    while let Some((_, char)) = chars.next() {
        see(char);
        match char {
            '\\' => {
                if let Some((_, escaped)) = chars.next() {
                    see(escaped);
                }
            }
            _ if char == quote => return true,
            _ => {}
        }
    }
    false
}

struct Scanner<'a> {
    chars: Peekable<CharIndices<'a>>,
    out: String,
    depth: usize,
    descendants: usize,
    /// Where in `out` a name at the top level begins, with its dot, if it stands last.
    last_name: Option<usize>,
}

impl Default for Scanner<'_> {
    fn default() -> Self {
        Self {
            chars: "".char_indices().peekable(),
            out: String::new(),
            depth: 0,
            descendants: 0,
            last_name: None,
        }
    }
}

impl Scanner<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some((_, char)) = self.chars.next() {
            self.last_name = None;
            match char {
                '.' => self.dot()?,
                '\'' | '"' => {
                    self.out.push(char);
                    let out = &mut self.out;
                    // The parser behind panics at an escape that the end of the path cuts.
                    if !skip_string(&mut self.chars, char, |char| out.push(char)) {
                        return Err(format!("a text in the path is not closed by {char}"));
                    }
                }
                _ => {
                    self.nest(char)?;
                    self.out.push(char);
                }
            }
        }
        Ok(())
    }

    fn nest(&mut self, char: char) -> Result<(), String> {
        match char {
            '[' | '(' => self.depth += 1,
            ']' | ')' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > MAX_DEPTH {
            return Err(format!("a path nests brackets at most {MAX_DEPTH} deep"));
        }
        Ok(())
    }

    fn dot(&mut self) -> Result<(), String> {
        let descendant = self.chars.next_if(|(_, char)| *char == '.').is_some();
        if descendant {
            self.descendants += 1;
            if self.descendants > MAX_DESCENDANTS {
                return Err(format!("a path has at most {MAX_DESCENDANTS} times \"..\""));
            }
        }
        let name = self.name();
        let start = self.out.len();
        match (descendant, name.contains('-')) {
            (true, true) => self.out.push_str(&format!("..['{name}']")),
            (true, false) => self.out.push_str(&format!("..{name}")),
            (false, true) => self.out.push_str(&format!("['{name}']")),
            (false, false) => {
                self.out.push_str(&format!(".{name}"));
                self.last_name = (self.depth == 0).then_some(start);
            }
        }
        Ok(())
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        let starts = |char: char| char.is_alphabetic() || char == '_' || !char.is_ascii();
        while let Some((_, char)) = self.chars.next_if(|(_, char)| {
            if name.is_empty() {
                starts(*char)
            } else {
                starts(*char) || char.is_ascii_digit() || *char == '-'
            }
        }) {
            name.push(char);
        }
        name
    }

    fn finish(mut self) -> Scanned {
        let length = self.last_name.is_some_and(|start| self.out.get(start..) == Some(".length"));
        if let (true, Some(start)) = (length, self.last_name) {
            self.out.truncate(start);
        }
        Scanned { text: self.out, length }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(path: &str) -> (String, bool) {
        let scanned = scan(path).unwrap();
        (scanned.text, scanned.length)
    }

    #[test]
    fn names_with_hyphens_are_put_into_brackets() {
        assert_eq!(text("$.steps.my-step.output").0, "$.steps['my-step'].output");
        assert_eq!(text("$..a-b").0, "$..['a-b']");
        assert_eq!(text("$.a[?@.b-c > -1].d").0, "$.a[?@['b-c'] > -1].d");
        assert_eq!(text("$['a.b-c']").0, "$['a.b-c']");
        assert_eq!(text(r#"$["x\".y-z"]"#).0, r#"$["x\".y-z"]"#);
    }

    #[test]
    fn only_a_trailing_length_of_one_node_is_taken_off() {
        assert_eq!(text("$.a.length"), ("$.a".to_owned(), true));
        assert_eq!(text("$.a[*].length"), ("$.a[*]".to_owned(), true));
        assert_eq!(text("$.length.b"), ("$.length.b".to_owned(), false));
        assert_eq!(text("$..length"), ("$..length".to_owned(), false));
        assert_eq!(text("$.a['length']"), ("$.a['length']".to_owned(), false));
        assert!(!text("$.a[?@.length]").1);
    }

    #[test]
    fn length_depth_and_descendants_are_limited() {
        assert!(scan(&format!("$.{}", "a".repeat(2000))).is_err());
        assert!(scan(&format!("${}", "[".repeat(300))).is_err());
        assert!(scan("$..a..b..c").is_err());
    }

    #[test]
    fn a_path_ends_at_a_space_or_an_operator_outside_of_brackets() {
        for (text, path) in [
            ("$.a > 1", "$.a"),
            ("$.a>=1", "$.a"),
            ("$.a[?@.b == 'x y'].c exists", "$.a[?@.b == 'x y'].c"),
            ("$['a b'] == 1", "$['a b']"),
            ("$.a", "$.a"),
        ] {
            assert_eq!(&text[..path_end(text)], path);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_scanned_without_panic(text in any::<String>()) {
            let _ = scan(&text);
            let end = path_end(&text);
            prop_assert!(text.is_char_boundary(end));
        }

        #[test]
        fn scanning_twice_changes_nothing(text in "\\$([.][a-z-]{1,6}|\\[[0-9]\\]|[.][*]){0,6}") {
            if let Ok(once) = scan(&text) && !once.length {
                let twice = scan(&once.text).unwrap();
                prop_assert_eq!(once.text, twice.text);
            }
        }
    }
}
