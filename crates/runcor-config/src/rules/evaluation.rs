//! What a schema can't say of the section `evaluation`.

use crate::findings::Findings;
use crate::node::{Node, Place};
use crate::path::Path;

/// The settings that a type of judge knows, beside `at`.
const SETTINGS: &[(&str, &[&str])] = &[
    ("length", &["minLength", "maxLength"]),
    ("format", &["expectedFormat", "pattern", "schema"]),
    (
        "keyword",
        &["requiredKeywords", "forbiddenKeywords", "required", "forbidden", "caseSensitive"],
    ),
    ("exact", &["expected", "expectedInput", "expectedMetadata", "caseSensitive"]),
    ("similarity", &["expected", "expectedInput", "expectedMetadata", "method"]),
    ("judge", &["rubric", "model", "provider", "temperature", "dimension"]),
];

/// Where the right answer may be.
const EXPECTED: [&str; 3] = ["expected", "expectedInput", "expectedMetadata"];

/// Applies every rule.
pub(super) fn apply(section: &Node, findings: &mut Findings) {
    let Some(evaluators) = section.get("evaluators") else { return };
    let path = Path::Root.key("evaluation");
    let path = path.key("evaluators");
    for (index, evaluator) in evaluators.items().iter().enumerate() {
        let path = path.index(index);
        thresholds(evaluator, path, findings);
        let Some(kind) = evaluator.get("type").and_then(Node::text) else { continue };
        if let Some(config) = evaluator.get("config") {
            settings(kind, config, path.key("config"), findings);
        }
        needed(kind, evaluator, path, findings);
    }
    super::names(evaluators, "name", path, findings);
}

fn thresholds(evaluator: &Node, path: Path<'_>, findings: &mut Findings) {
    let Some(node) = evaluator.get("thresholds") else { return };
    let at = |key, default| node.get(key).and_then(Node::number).unwrap_or(default);
    if at("high", 0.8) <= at("medium", 0.5) {
        let message = "needs a \"high\" (0.8 unless given) above \"medium\" (0.5 unless given)";
        findings.problem(path.key("thresholds"), node.place, message);
    }
}

/// Settings belong to the type, fit together, and are pointers where they should be.
fn settings(kind: &str, config: &Node, path: Path<'_>, findings: &mut Findings) {
    let known = SETTINGS.iter().find(|(name, _)| *name == kind).map(|(_, known)| *known);
    for entry in config.entries() {
        let is_foreign = known.is_some_and(|known| !known.contains(&&*entry.key));
        let is_any = SETTINGS.iter().any(|(_, known)| known.contains(&&*entry.key));
        if is_foreign && is_any {
            let message = format!("is no setting of the type {kind}");
            findings.problem(path.key(&entry.key), entry.place, message);
        }
        let is_pointer = ["at", "expectedInput", "expectedMetadata"].contains(&&*entry.key);
        let text = entry.value.text().unwrap_or_default();
        if is_pointer && !text.is_empty() && !text.starts_with('/') {
            let message = "is a JSON pointer, which begins with /";
            findings.problem(path.key(&entry.key), entry.value.place, message);
        }
    }
    let number = |key| config.get(key).and_then(Node::number);
    if number("minLength").zip(number("maxLength")).is_some_and(|(min, max)| min > max) {
        let message = "is above \"maxLength\", so that no text is right";
        findings.problem(path.key("minLength"), config.place, message);
    }
    for key in ["requiredKeywords", "forbiddenKeywords", "required", "forbidden"] {
        let words = config.get(key).into_iter().flat_map(Node::items).enumerate();
        for (index, word) in words.filter(|(_, word)| word.text() == Some("")) {
            let message = "is empty, and so in every text";
            findings.problem(path.key(key).index(index), word.place, message);
        }
    }
}

/// What a judge can't do without.
fn needed(kind: &str, evaluator: &Node, path: Path<'_>, findings: &mut Findings) {
    let config = evaluator.get("config");
    let has = |key: &str| config.is_some_and(|config| config.get(key).is_some());
    let place = config.unwrap_or(evaluator).place;
    let format = config.and_then(|config| config.get("expectedFormat")).and_then(Node::text);
    let path = path.key("config");
    let mut lacks = |key: &str, why: &str| findings.problem(path.key(key), place, why);
    match kind {
        "format" if format == Some("regex") && !has("pattern") => {
            lacks("pattern", "is missing; the format regex needs it");
        }
        "format" if format == Some("schema") && !has("schema") => {
            lacks("schema", "is missing; the format schema needs it");
        }
        "exact" | "similarity" if EXPECTED.iter().filter(|key| has(key)).count() != 1 => lacks(
            "expected",
            "give the right answer by one of \"expected\", \"expectedInput\" and \
             \"expectedMetadata\"",
        ),
        "judge" if !has("rubric") => {
            lacks("rubric", "is missing; a judge needs to be told what is good");
        }
        _ => {}
    }
    doubted(kind, config, place, path, findings);
}

/// Every result is right for a judge that nothing is asked of.
fn doubted(
    kind: &str,
    config: Option<&Node>,
    place: Place,
    path: Path<'_>,
    findings: &mut Findings,
) {
    let asks: &[&str] = match kind {
        "length" => &["minLength", "maxLength"],
        "keyword" => &["requiredKeywords", "forbiddenKeywords", "required", "forbidden"],
        _ => return,
    };
    let has = |key: &&str| config.is_some_and(|config| config.get(key).is_some());
    if !asks.iter().any(has) {
        let message = format!("has no {}, so that every result is right", asks.join(" and no "));
        findings.warn(path, place, message);
    }
}
