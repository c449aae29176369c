//! What budgets and prices must be beside their shape, and what looks wrong about them.

use crate::findings::Findings;
use crate::node::Node;
use crate::path::Path;

/// Dollars for one token from which on a price is hardly meant for one token:
/// a hundred dollars for a million.
const DEAR_TOKEN: f64 = 0.000_1;

/// Dollars for a million tokens from which on a price is hardly meant for a million.
const DEAR_MILLION: f64 = 10_000.0;

/// Dollars for a million tokens below which a price is hardly meant for a million.
const CHEAP_MILLION: f64 = 0.000_1;

/// The kinds of prices that an entry may have.
const KINDS: [&str; 4] = ["input", "output", "cachedInput", "reasoning"];

/// Applies the rules to the section.
pub(super) fn apply(costs: &Node, findings: &mut Findings) {
    let path = Path::Root.key("costs");
    if let Some(prices) = costs.get("prices") {
        for entry in prices.entries() {
            million(&entry.value, path.key("prices").key(&entry.key), findings);
        }
    }
    if let Some(budgets) = costs.get("budgets") {
        for entry in budgets.entries() {
            budget(&entry.key, &entry.value, path.key("budgets").key(&entry.key), findings);
        }
    }
}

/// Applies the rules to the prices of a provider.
pub(super) fn of_provider(provider: &Node, path: Path<'_>, findings: &mut Findings) {
    if let Some(cost) = provider.get("costPerMillionTokens") {
        million(cost, path.key("costPerMillionTokens"), findings);
    }
    let Some(cost) = provider.get("costPerToken") else { return };
    if let Some(million) = provider.entry("costPerMillionTokens") {
        let message = "give \"costPerToken\" or \"costPerMillionTokens\", not both";
        findings.problem(path.key("costPerMillionTokens"), million.place, message);
    }
    for kind in KINDS {
        let Some(node) = cost.get(kind) else { continue };
        if let Some(dollars) = node.number().filter(|dollars| *dollars >= DEAR_TOKEN) {
            findings.warn(path.key("costPerToken").key(kind), node.place, dear_token(dollars));
        }
    }
}

/// Says what a price for one token comes to, and what was probably meant.
fn dear_token(dollars: f64) -> String {
    let meant = if dollars < 0.05 {
        format!("{} for a thousand: write {}", dollars, shown(dollars / 1e3))
    } else {
        format!("{dollars} for a million: write {}", shown(dollars / 1e6))
    };
    format!(
        "is dollars for one token, which makes {} dollars for a million; probably meant was \
         {meant} here, or use \"costPerMillionTokens\"",
        shown(dollars * 1e6)
    )
}

/// Looks whether a price for a million tokens can be one.
fn million(cost: &Node, path: Path<'_>, findings: &mut Findings) {
    for kind in KINDS {
        let Some(node) = cost.get(kind) else { continue };
        let Some(dollars) = node.number() else { continue };
        if dollars > 0.0 && dollars < CHEAP_MILLION {
            let message = "is dollars for a million tokens, but looks like a price for one token";
            findings.warn(path.key(kind), node.place, message);
        } else if dollars > DEAR_MILLION {
            let message = "is dollars for a million tokens, and more than any model costs";
            findings.warn(path.key(kind), node.place, message);
        }
    }
}

fn budget(name: &str, budget: &Node, path: Path<'_>, findings: &mut Findings) {
    if let Some(window) = budget.get("window") {
        self::window(name, window, path.key("window"), findings);
    }
    if let Some(node) = budget.get("onExceed").filter(|node| node.text() == Some("pause")) {
        let enforcement = budget.get("enforcement").and_then(Node::text);
        let path = path.key("onExceed");
        if name == "perRequest" {
            let message = "has no effect here: waiting makes no request cheaper";
            findings.warn(path, node.place, message);
        } else if enforcement.is_some_and(|word| word != "hard") {
            findings.warn(path, node.place, "has no effect: only hard budgets refuse anything");
        }
    }
}

fn window(name: &str, window: &Node, path: Path<'_>, findings: &mut Findings) {
    let kind = window.get("type").and_then(Node::text);
    let length = window.get("durationMs");
    if name == "perRequest" {
        findings.warn(path, window.place, "has no effect: every request is judged by itself");
    }
    match (kind, length) {
        (Some("custom"), None) => {
            findings.problem(
                path.key("durationMs"),
                window.place,
                "a custom window needs its length",
            );
        }
        (Some(kind), Some(length)) if kind != "custom" => {
            let message = format!("has no effect on a {kind} window; did you mean type: custom?");
            findings.warn(path.key("durationMs"), length.place, message);
        }
        _ => {}
    }
}

/// Writes a number without the noise of binary fractions.
fn shown(number: f64) -> String {
    let text = format!("{number:.12}");
    let text = text.trim_end_matches('0');
    text.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dear_token_is_told_what_it_comes_to_and_what_was_meant() {
        let told = dear_token(0.003);
        assert!(told.contains("makes 3000 dollars for a million"), "{told}");
        assert!(told.contains("0.003 for a thousand: write 0.000003"), "{told}");
        let told = dear_token(15.0);
        assert!(told.contains("makes 15000000 dollars for a million"), "{told}");
        assert!(told.contains("15 for a million: write 0.000015"), "{told}");
    }
}
