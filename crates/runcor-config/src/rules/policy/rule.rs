//! What a schema can't say of one entry of `policy.rules`.

use crate::findings::Findings;
use crate::node::Node;
use crate::path::Path;

/// Applies every rule.
pub(super) fn apply(rule: &Node, path: Path<'_>, findings: &mut Findings) {
    let operations = rule.get("operations");
    if let Some(node) = operations.filter(|node| node.items().is_empty()) {
        let message = "judges nothing; name an operation, or \"*\" for all";
        findings.problem(path.key("operations"), node.place, message);
    }
    if let Some(conditions) = rule.get("when") {
        let path = path.key("when");
        for (index, item) in conditions.items().iter().enumerate() {
            condition(item, path.index(index), findings);
        }
    }
    change(rule, path, findings);
}

/// What is set is set by `modify`, which is for triggers.
fn change(rule: &Node, path: Path<'_>, findings: &mut Findings) {
    let modifies = rule.get("action").and_then(Node::text) == Some("modify");
    let set = rule.entry("set");
    match set {
        Some(entry) if !modifies => {
            let message = "has no effect unless the action is modify";
            findings.problem(path.key("set"), entry.place, message);
        }
        None if modifies => {
            let message = "the action modify needs it: JSON pointers and their values";
            findings.problem(path.key("set"), rule.place, message);
        }
        Some(entry) if entry.value.entries().is_empty() => {
            findings.problem(path.key("set"), entry.place, "changes nothing");
        }
        _ => {}
    }
    for entry in set.into_iter().flat_map(|set| set.value.entries()) {
        if let Some(message) = wrong_pointer(&entry.key) {
            findings.problem(path.key("set").key(&entry.key), entry.place, message);
        }
    }
    let path = path.key("operations");
    for (index, node) in rule.get("operations").into_iter().flat_map(Node::items).enumerate() {
        if modifies && node.text().is_some_and(|word| word != "trigger") {
            let message = "only the input of a trigger can be modified";
            findings.problem(path.index(index), node.place, message);
        }
    }
}

/// A condition looks at one place and says something of what is there.
fn condition(condition: &Node, path: Path<'_>, findings: &mut Findings) {
    let at = ["input", "metadata"].map(|key| condition.entry(key).map(|entry| (key, entry)));
    if at.iter().flatten().count() != 1 {
        let message = "needs \"input\" or \"metadata\", one of them: where the value is";
        findings.problem(path, condition.place, message);
    }
    for (key, entry) in at.iter().flatten() {
        if let Some(message) = entry.value.text().and_then(wrong_pointer) {
            findings.problem(path.key(key), entry.value.place, message);
        }
    }
    if condition.entries().len() == at.iter().flatten().count() {
        let message = "says nothing of the value; add \"equals\", \"exists\" or the like";
        findings.problem(path, condition.place, message);
    }
}

/// Returns what is wrong with a JSON pointer.
fn wrong_pointer(text: &str) -> Option<&'static str> {
    let escapes = |part: &str| !(part.starts_with('0') || part.starts_with('1'));
    if !text.is_empty() && !text.starts_with('/') {
        Some("is a JSON pointer, which begins with /")
    } else if text.split('~').skip(1).any(escapes) {
        Some("is a JSON pointer, in which ~ is written ~0")
    } else {
        None
    }
}
