//! The parser's messages in words for the author of a flow file.

/// What the parser's message begins with or contains, and what is said instead.
const INSTEAD: [(&str, &str); 3] = [
    ("multiple YAML documents", "a file holds one flow; put each flow into a file of its own"),
    ("non-finite float", "infinity and not-a-number have no place in a flow"),
    ("expected string scalar", "a key must be a text"),
];

/// Rewrites a message on one line: without the place, which is told beside it,
/// and without advice for programmers.
pub(crate) fn explain(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let message = message.rsplit_once(" at line ").map_or(message, |(text, _)| text);
    if let Some((_, instead)) = INSTEAD.iter().find(|(sign, _)| message.starts_with(sign)) {
        return (*instead).to_owned();
    }
    if let Some(rest) = message.strip_prefix("duplicate mapping key: ") {
        let key = rest.rsplit_once(", set ").map_or(rest, |(key, _)| key);
        return format!("the key {key:?} is given twice");
    }
    if message.starts_with("while parsing a flow ") {
        return format!("{message}; put a text with [ ] {{ }} or a comma into quotes");
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::yaml::Node;

    #[test]
    fn messages_are_for_authors_and_do_not_repeat_the_place() {
        for (text, line, expected) in [
            ("a: 1\na: 2\n", 2, "the key \"a\" is given twice"),
            ("a: 1\n---\nb: 2\n", 3, "a file holds one flow; put each flow into a file of its own"),
            ("a: .nan\n", 1, "infinity and not-a-number have no place in a flow"),
            ("? [a]\n: b\n", 1, "a key must be a text"),
            (
                "a: { x: $.b[0] }\n",
                1,
                "while parsing a flow mapping, did not find expected ',' or '}'; \
                 put a text with [ ] { } or a comma into quotes",
            ),
            ("a: [\n", 1, "unclosed bracket '['"),
        ] {
            let error = Node::parse(text).unwrap_err();
            assert_eq!(error.message, expected, "{text}");
            assert_eq!(error.at.map(|at| at.line), Some(line), "{text}");
        }
    }
}
