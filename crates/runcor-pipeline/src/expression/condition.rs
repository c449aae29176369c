//! Conditions: `<path>`, `<path> exists`, `<path> <op> <literal>`, and lists of them.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::path::Path;
use super::scan::path_end;

/// How many conditions one list may have.
const MAX_TERMS: usize = 64;

/// A parsed condition: all of its terms must hold.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    terms: Vec<Term>,
}

#[derive(Debug, Clone)]
struct Term {
    path: Path,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Truthy,
    Exists,
    Compare(Operator, Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Longer signs stand before their beginnings.
const OPERATORS: [(&str, Operator); 6] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
];

impl Condition {
    /// Parses conditions that must all hold; each mistake comes with the index of its text.
    pub(crate) fn parse(texts: &[&str]) -> Result<Self, Vec<(usize, String)>> {
        if texts.is_empty() || texts.len() > MAX_TERMS {
            return Err(vec![(0, format!("needs 1 to {MAX_TERMS} conditions"))]);
        }
        let mut terms = Vec::new();
        let mut mistakes = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match Term::parse(text) {
                Ok(term) => terms.push(term),
                Err(mistake) => mistakes.push((index, mistake)),
            }
        }
        if mistakes.is_empty() { Ok(Self { terms }) } else { Err(mistakes) }
    }

    /// Returns whether the condition holds for `document`.
    pub(crate) fn holds(&self, document: &Value) -> bool {
        self.terms.iter().all(|term| term.holds(document))
    }

    /// Returns the paths that the condition reads, with the index of their texts.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (usize, &Path)> {
        self.terms.iter().enumerate().map(|(index, term)| (index, &term.path))
    }
}

impl Term {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !text.starts_with('$') {
            return Err("a condition begins with a path, such as \"$.input.ready\"".to_owned());
        }
        let (path, rest) = text.split_at(path_end(text));
        Ok(Self { path: Path::parse(path)?, test: Test::parse(rest.trim())? })
    }

    fn holds(&self, document: &Value) -> bool {
        let found = self.path.select(document);
        match &self.test {
            Test::Exists => !found.is_empty(),
            Test::Truthy => match found.as_slice() {
                [one] => truthy(one),
                several => !several.is_empty(),
            },
            Test::Compare(operator, literal) => {
                found.iter().any(|value| operator.holds(value, literal))
            }
        }
    }
}

impl Test {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => return Ok(Self::Truthy),
            "exists" => return Ok(Self::Exists),
            _ => {}
        }
        let found = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)));
        let Some((operator, literal)) = found else {
            let word = text.split_whitespace().next().unwrap_or(text);
            return Err(format!(
                "unknown operator {word:?}; the operators are == != > >= < <= and exists"
            ));
        };
        Ok(Self::Compare(operator, literal_value(literal.trim())?))
    }
}

fn literal_value(text: &str) -> Result<Value, String> {
    if text.starts_with('$') {
        return Err("comparing with another path is not part of this version yet".to_owned());
    }
    let single_quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    if let Some(inner) = single_quoted.filter(|inner| !inner.contains(['\'', '\\'])) {
        return Ok(Value::String(inner.to_owned()));
    }
    match serde_json::from_str(text) {
        Ok(Value::Array(_) | Value::Object(_)) => {
            Err("a list or map can't be compared with".to_owned())
        }
        Ok(literal) => Ok(literal),
        Err(_) if text.is_empty() => Err("a value is missing after the operator".to_owned()),
        Err(_) => {
            Err("the value after the operator must be a number, true, false, null or a quoted text"
                .to_owned())
        }
    }
}

/// False for `null`, `false`, 0 and everything empty.
fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

impl Operator {
    fn holds(self, left: &Value, right: &Value) -> bool {
        let order = order(left, right);
        match self {
            Self::Equal => equal(left, right),
            Self::NotEqual => !equal(left, right),
            Self::Greater => order == Some(Ordering::Greater),
            Self::Less => order == Some(Ordering::Less),
            Self::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        }
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            number_order(left, right) == Some(Ordering::Equal)
        }
        _ => left == right,
    }
}

/// Numbers and texts have an order among themselves, nothing else has.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => number_order(left, right),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Whole numbers are compared exactly, others as floating point.
fn number_order(left: &Number, right: &Number) -> Option<Ordering> {
    let whole = |number: &Number| {
        number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
    };
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn holds(text: &str, document: &Value) -> bool {
        Condition::parse(&[text]).unwrap().holds(document)
    }

    #[test]
    fn a_bare_path_follows_the_table_of_truth() {
        for (value, expected) in [
            (json!(null), false),
            (json!(false), false),
            (json!(0), false),
            (json!(0.0), false),
            (json!(""), false),
            (json!([]), false),
            (json!({}), false),
            (json!(true), true),
            (json!(-1), true),
            (json!("false"), true),
            (json!([0]), true),
            (json!({ "a": null }), true),
        ] {
            assert_eq!(holds("$.x", &json!({ "x": value })), expected, "{value}");
        }
        assert!(!holds("$.missing", &json!({})));
        assert!(holds("$.x[*]", &json!({ "x": [0, 0] })), "several matches are true");
    }

    #[test]
    fn a_missing_path_is_false_for_every_operator() {
        for test in ["exists", "== null", "!= 1", "> 0", ">= 0", "< 9", "<= 9", ""] {
            assert!(!holds(&format!("$.missing {test}"), &json!({ "x": 1 })), "{test}");
        }
    }

    #[test]
    fn comparisons_follow_numbers_and_texts_and_nothing_else() {
        let document =
            json!({ "n": 3, "f": 3.0, "t": "b", "z": null, "big": u64::MAX, "l": [1, 2] });
        for (text, expected) in [
            ("$.n == 3.0", true),
            ("$.f==3", true),
            ("$.n != 3", false),
            ("$.n > 2.5", true),
            ("$.n <= 3", true),
            ("$.n<3", false),
            ("$.t == \"b\"", true),
            ("$.t == 'b'", true),
            ("$.t > \"a\"", true),
            ("$.t > 1", false),
            ("$.t != 1", true),
            ("$.z == null", true),
            ("$.z exists", true),
            ("$.z >= null", false),
            ("$.big > 18446744073709551614", true),
            ("$.l.length > 1", true),
            ("$.l[*] == 2", true),
        ] {
            assert_eq!(holds(text, &document), expected, "{text}");
        }
    }

    #[test]
    fn a_list_holds_only_when_all_of_it_holds() {
        let both = Condition::parse(&["$.a", "$.b > 1"]).unwrap();
        assert!(both.holds(&json!({ "a": 1, "b": 2 })));
        assert!(!both.holds(&json!({ "a": 1, "b": 1 })));
    }

    #[test]
    fn malformed_conditions_are_refused_with_a_reason() {
        for (text, reason) in [
            ("", "begins with a path"),
            ("status == 1", "begins with a path"),
            ("$.a ~= 1", "unknown operator \"~=\""),
            ("$.a = 1", "unknown operator \"=\""),
            ("$.a and $.b", "unknown operator \"and\""),
            ("$.a ==", "missing after the operator"),
            ("$.a == failed", "quoted text"),
            ("$.a == [1]", "list or map"),
            ("$.a == $.b", "not part of this version yet"),
            ("$.a[ == 1", "not a JSONPath"),
        ] {
            let mistakes = Condition::parse(&[text]).unwrap_err();
            assert!(mistakes[0].1.contains(reason), "{text}: {mistakes:?}");
        }
        assert!(Condition::parse(&[]).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_without_panic(text in any::<String>()) {
            let _ = Condition::parse(&[&text, &format!("$.a {text}")]);
        }

        #[test]
        fn exactly_one_of_less_equal_and_greater_holds(left in any::<i64>(), right in any::<i64>()) {
            let document = json!({ "x": left });
            let count = ["<", "==", ">"]
                .iter()
                .filter(|sign| holds(&format!("$.x {sign} {right}"), &document))
                .count();
            prop_assert_eq!(count, 1);
            prop_assert_ne!(
                holds(&format!("$.x == {right}"), &document),
                holds(&format!("$.x != {right}"), &document)
            );
        }
    }
}
