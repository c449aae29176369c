//! A path into the run's document: RFC 9535 with `.length` and hyphenated names.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};
use serde_json_path::JsonPath;

use super::scan::scan;

/// A parsed path.
#[derive(Clone)]
pub(crate) struct Path {
    text: String,
    query: JsonPath,
    length: bool,
    plural: bool,
    references: Vec<Reference>,
}

/// The names that follow one `$` of a path, such as `steps`, `fetch`, `output`.
///
/// It ends before the first thing that is no name, such as `[*]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) names: Vec<String>,
}

impl Path {
    /// Parses `text`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let scanned = scan(text)?;
        let query = JsonPath::parse(&scanned.text).map_err(|error| {
            format!(
                "not a JSONPath: {} (a text that begins with a dollar is written \"$$…\")",
                error.message()
            )
        })?;
        let references = references(&scanned.text);
        let plural = is_plural(&scanned.text);
        Ok(Self { text: text.to_owned(), query, length: scanned.length, plural, references })
    }

    /// Returns what the path finds, in document order.
    pub(crate) fn select<'d>(&self, document: &'d Value) -> Vec<Cow<'d, Value>> {
        let nodes = self.query.query(document).all().into_iter();
        if self.length {
            nodes.filter_map(length_of).collect()
        } else {
            nodes.map(Cow::Borrowed).collect()
        }
    }

    /// Returns one value: nothing for no match, the value for one, an array for several.
    pub(crate) fn value(&self, document: &Value) -> Option<Value> {
        let mut matches = self.select(document);
        match matches.len() {
            0 => None,
            1 => matches.pop().map(Cow::into_owned),
            _ => Some(Value::Array(matches.into_iter().map(Cow::into_owned).collect())),
        }
    }

    /// Returns whether the path may find several values, however many it finds.
    pub(crate) fn is_plural(&self) -> bool {
        self.plural
    }

    /// Returns what the path refers to by name.
    pub(crate) fn references(&self) -> &[Reference] {
        &self.references
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Path").field(&self.text).finish()
    }
}

/// An object's own member `length` wins over its size.
fn length_of(node: &Value) -> Option<Cow<'_, Value>> {
    let size = |length: usize| Some(Cow::Owned(Value::from(length)));
    match node {
        Value::Array(items) => size(items.len()),
        Value::String(text) => size(text.chars().count()),
        Value::Object(fields) => {
            fields.get("length").map(Cow::Borrowed).or_else(|| size(Map::len(fields)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Whether a wildcard, a slice, a filter, a union or `..` stands outside of quotes.
fn is_plural(mut rest: &str) -> bool {
    while let Some((head, tail)) = split_first(rest) {
        match head {
            '*' | ':' | '?' | ',' => return true,
            '.' if tail.starts_with('.') => return true,
            '\'' | '"' => rest = after_string(tail, head),
            _ => rest = tail,
        }
    }
    false
}

/// Finds every `$` outside of quotes and the names that follow it.
fn references(scanned: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut rest = scanned;
    while let Some(at) = rest.find(['$', '\'', '"']) {
        let Some((head, tail)) = rest.get(at..).and_then(split_first) else { break };
        if head == '$' {
            found.push(Reference { names: names(tail) });
            rest = tail;
        } else {
            rest = after_string(tail, head);
        }
    }
    found
}

fn names(mut text: &str) -> Vec<String> {
    let mut names = Vec::new();
    while let Some((name, rest)) = leading_name(text.trim_start()) {
        names.push(name.to_owned());
        text = rest;
    }
    names
}

/// Reads `.name`, `['name']` or `["name"]`.
fn leading_name(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('.') {
        let is_name = |char: char| char.is_alphanumeric() || char == '_' || !char.is_ascii();
        let end = rest.find(|char| !is_name(char)).unwrap_or(rest.len());
        return (end > 0).then(|| rest.split_at(end));
    }
    let inner = text.strip_prefix('[')?.trim_start();
    let (quote, quoted) = split_first(inner).filter(|(quote, _)| matches!(quote, '\'' | '"'))?;
    let (name, rest) = quoted.split_once(quote)?;
    Some((name, rest.trim_start().strip_prefix(']')?))
}

fn split_first(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    chars.next().map(|first| (first, chars.as_str()))
}

fn after_string(text: &str, quote: char) -> &str {
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char == '\\' {
            chars.next();
        } else if char == quote {
            break;
        }
    }
    chars.as_str()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value(path: &str, document: &Value) -> Option<Value> {
        Path::parse(path).unwrap().value(document)
    }

    #[test]
    fn no_match_is_nothing_one_is_the_value_and_several_are_an_array() {
        let document = json!({ "a": [{ "n": 1 }, { "n": 2 }], "b": null });
        assert_eq!(value("$.c", &document), None);
        assert_eq!(value("$.b", &document), Some(Value::Null));
        assert_eq!(value("$.a[0].n", &document), Some(json!(1)));
        assert_eq!(value("$.a[*].n", &document), Some(json!([1, 2])));
    }

    #[test]
    fn length_counts_arrays_texts_and_objects_unless_there_is_such_a_member() {
        let document = json!({ "a": [1, 2, 3], "t": "größe", "o": { "x": 1 }, "l": { "length": "9 m" }, "n": 4 });
        assert_eq!(value("$.a.length", &document), Some(json!(3)));
        assert_eq!(value("$.t.length", &document), Some(json!(5)));
        assert_eq!(value("$.o.length", &document), Some(json!(1)));
        assert_eq!(value("$.l.length", &document), Some(json!("9 m")));
        assert_eq!(value("$.n.length", &document), None);
        assert_eq!(value("$['a','t'].length", &document), Some(json!([3, 5])));
    }

    #[test]
    fn a_step_with_a_hyphen_is_found() {
        let document = json!({ "steps": { "my-step": { "output": 7 } } });
        assert_eq!(value("$.steps.my-step.output", &document), Some(json!(7)));
    }

    #[test]
    fn references_are_found_in_every_notation_and_in_filters() {
        let names = |path: &str| {
            let path = Path::parse(path).unwrap();
            path.references().iter().map(|found| found.names.join("/")).collect::<Vec<_>>()
        };
        assert_eq!(names("$.steps.a-b.output[0].x"), ["steps/a-b/output"]);
        assert_eq!(names("$['steps'][\"a\"]"), ["steps/a"]);
        assert_eq!(names("$.input[?@.id == $.steps.b.output]"), ["input", "steps/b/output"]);
        assert_eq!(names("$.input['$.steps.c']"), ["input/$.steps.c"]);
        assert_eq!(names("$.steps[*]"), ["steps"]);
    }

    #[test]
    fn a_path_that_may_find_several_values_is_plural_even_when_it_finds_one() {
        for (text, plural) in [
            ("$.a.b[0]['c*']", false),
            ("$.a-b.length", false),
            ("$.a[*]", true),
            ("$..a", true),
            ("$.a[1:]", true),
            ("$['a','b']", true),
            ("$.a[?@.b].c", true),
        ] {
            assert_eq!(Path::parse(text).unwrap().is_plural(), plural, "{text}");
        }
    }

    #[test]
    fn a_malformed_path_is_refused() {
        for text in ["$.", "$.a[", "$5.00", "a.b", "", "$.a b", "$.a[?]", "$['a]"] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_escape_that_breaks_off_is_refused() {
        for text in [r#"$["\u"#, r#"$["\u0"#, r"$['\uD83D\u", r"$['\uD83D\uD", r"$[?@.a == '\u"] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hostile_nesting_is_answered_quickly() {
        for (open, close) in [("[?", "]"), ("(", ")"), ("count(", ")"), ("!(", ")")] {
            for depth in 1..8 {
                let text = format!("$[?{}1{}]", open.repeat(depth), close.repeat(depth));
                let _ = Path::parse(&text);
                let _ = Path::parse(&text[..text.len() - 1]);
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_without_panic(text in any::<String>()) {
            let _ = Path::parse(&text);
        }

        #[test]
        fn any_text_of_path_signs_is_parsed_or_refused(text in "\\$[$@.\\[\\]()?*:,'\"a-c0-3!&|=<> -]{0,40}") {
            if let Ok(path) = Path::parse(&text) {
                let _ = path.value(&json!({ "a": [1, { "b": "c" }], "b": { "a": null } }));
            }
        }

        #[test]
        fn a_plain_member_is_found_whatever_its_name(name in "[a-z_][a-z0-9_-]{0,12}", number in any::<i64>()) {
            prop_assume!(name != "length");
            let document = json!({ "input": { name.as_str(): number } });
            prop_assert_eq!(value(&format!("$.input.{name}"), &document), Some(json!(number)));
        }
    }
}
