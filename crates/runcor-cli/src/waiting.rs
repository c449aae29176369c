//! What a waiting execution waits for, and how it goes on.

use runcor::engine::{Clock, SystemClock};
use serde_json::Value;

use crate::console::{Console, harmless};
use crate::figures::{ahead, millis};
use crate::summary::text;

/// What ends a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Signal,
    Approval,
    Decision,
    Sleep,
    Call,
    Budget,
    /// One that this version does not know.
    Other,
}

/// Returns what ends the wait of an execution; `None` when it does not wait.
pub(crate) fn kind(execution: &Value) -> Option<Kind> {
    if execution["state"] != "waiting" {
        return None;
    }
    Some(match execution["waitContext"]["kind"].as_str() {
        None | Some("signal") => Kind::Signal,
        Some("approval") => Kind::Approval,
        Some("decision") => Kind::Decision,
        Some("sleep") => Kind::Sleep,
        Some("call") => Kind::Call,
        Some("budget") => Kind::Budget,
        Some(_) => Kind::Other,
    })
}

/// Tells in a few words what an execution waits for; nothing when it does not wait.
pub(crate) fn brief(execution: &Value) -> String {
    let Some(kind) = kind(execution) else { return String::new() };
    let wait = &execution["waitContext"];
    let reason = || harmless(wait["reason"].as_str().unwrap_or("a resume"));
    match kind {
        Kind::Approval => {
            let action = harmless(text(&wait["waitData"]["approval"]["action"]));
            format!("an approval: {action}")
        }
        Kind::Decision => {
            let path = harmless(text(&wait["waitData"]["needsDecision"]["path"]));
            format!("a decision: has {path} happened?")
        }
        Kind::Sleep => format!("{}{}", text(&wait["wakeAt"]), until(&wait["wakeAt"])),
        Kind::Call => format!("the end of {}", called(wait).join(", ")),
        Kind::Budget => format!("money: budget {}", harmless(text(&budget(wait)["scopeKey"]))),
        Kind::Signal | Kind::Other => reason(),
    }
}

/// Prints what an execution waits for, and what to do so that it goes on.
pub(crate) fn print(console: &Console, execution: &Value) {
    let Some(kind) = kind(execution) else { return };
    let (wait, id) = (&execution["waitContext"], text(&execution["id"]));
    console.line(format!("Waits for: {}", brief(execution)));
    let go_on = |text: String| console.line(format!("Go on:     {text}"));
    match kind {
        Kind::Approval => {
            print_approval(console, wait);
            go_on(format!("runcor approve {id}"));
            console.line(format!("           runcor reject {id}"));
        }
        Kind::Decision => {
            console.line(format!("Because:   {}", harmless(text(&wait["reason"]))));
            go_on(format!("runcor decide {id} happened --result JSON"));
            console.line(format!("           runcor decide {id} did-not-happen"));
            console.line(format!("           runcor decide {id} give-up"));
        }
        Kind::Sleep => console.line("           It goes on by itself."),
        Kind::Call => {
            for child in called(wait) {
                console.line(format!("           runcor status {child}"));
            }
        }
        Kind::Budget => {
            console.line(format!("Because:   {}", harmless(text(&wait["reason"]))));
            go_on(top_up(execution));
        }
        Kind::Signal | Kind::Other => {
            if !wait["waitData"].is_null() {
                console
                    .line(format!("Shows:     {}", harmless(&format!("{:#}", wait["waitData"]))));
            }
            go_on(format!("runcor resume {id} --data '{{}}'"));
        }
    }
}

/// Prints exactly what is to be approved; the token is for commands and not shown.
pub(crate) fn print_approval(console: &Console, wait: &Value) {
    let approval = &wait["waitData"]["approval"];
    console.line(format!("Action:    {}", harmless(text(&approval["action"]))));
    console.line(format!("Subject:   {}", harmless(&format!("{:#}", approval["subject"]))));
    console.line(format!("Hash:      {}", harmless(text(&approval["subjectHash"]))));
    console.line(format!("Asked:     {}", text(&wait["waitingSince"])));
    if let Some(expires) = approval["expiresAt"].as_str() {
        console.line(format!("Expires:   {expires}{}", until(&approval["expiresAt"])));
    }
}

/// Tells how to answer an execution that a resume is no answer to.
pub(crate) fn advice(execution: &Value) -> Option<String> {
    let id = text(&execution["id"]);
    let commands = match kind(execution)? {
        Kind::Approval => format!("`runcor approve {id}` or `runcor reject {id}`"),
        Kind::Decision => format!("`runcor decide {id}`"),
        Kind::Budget => format!("`{}`", top_up(execution)),
        _ => return None,
    };
    Some(format!("execution {id} waits for {}; answer with {commands}", brief(execution)))
}

/// Returns the executions whose end is waited for.
pub(crate) fn called(wait: &Value) -> Vec<&str> {
    wait["awaits"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Returns the refusal of the budget that is waited for.
fn budget(wait: &Value) -> &Value {
    &wait["waitData"]["budget"]
}

/// Tells how to add to the budget that is waited for.
fn top_up(execution: &Value) -> String {
    let budget = budget(&execution["waitContext"]);
    let key = shell_word(&harmless(text(&budget["scopeKey"])));
    // Users of two tenants are two users.
    let tenant = execution["tenantId"].as_str().filter(|_| budget["scope"] == "user");
    let tenant = tenant.map(|tenant| format!(" --tenant {}", shell_word(&harmless(tenant))));
    format!("runcor top-up {key} DOLLARS{}", tenant.unwrap_or_default())
}

/// Returns a text as one word of a shell, quoted where that is needed.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-:.@/".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn until(at: &Value) -> String {
    let now = SystemClock.now().as_millis();
    millis(at).map(|at| format!(" ({})", ahead(now, at))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn waits(context: &Value) -> Value {
        json!({ "id": "x", "state": "waiting", "waitContext": context })
    }

    #[test]
    fn every_kind_of_wait_is_told_in_a_few_words() {
        for (context, expected) in [
            (json!({ "reason": null }), "a resume"),
            (json!({ "reason": "the post" }), "the post"),
            (
                json!({ "kind": "approval", "waitData": { "approval": { "action": "refund" } } }),
                "an approval: refund",
            ),
            (
                json!({ "kind": "decision", "waitData": { "needsDecision": { "path": "a#1" } } }),
                "a decision: has a#1 happened?",
            ),
            (
                json!({ "kind": "sleep", "wakeAt": "2000-01-01T00:00:00.000Z" }),
                "2000-01-01T00:00:00.000Z (now)",
            ),
            (json!({ "kind": "call", "awaits": ["a", "b"] }), "the end of a, b"),
            (
                json!({ "kind": "budget", "waitData": { "budget": { "scopeKey": "user:a" } } }),
                "money: budget user:a",
            ),
            (json!({ "kind": "moon", "reason": "full" }), "full"),
        ] {
            assert_eq!(brief(&waits(&context)), expected);
        }
        assert_eq!(brief(&json!({ "state": "running" })), "");
    }

    #[test]
    fn only_what_people_answer_otherwise_has_advice() {
        let advice = |kind| advice(&waits(&json!({ "kind": kind })));
        assert!(advice("approval").unwrap().contains("runcor approve x"));
        assert!(advice("decision").unwrap().contains("runcor decide x"));
        assert_eq!((advice("signal"), advice("sleep")), (None, None));
    }

    #[test]
    fn who_waits_for_money_is_told_whose_budget_to_top_up() {
        let of = |scope: &str, key: &str| {
            let budget = json!({ "scope": scope, "scopeKey": key });
            let wait = json!({ "kind": "budget", "waitData": { "budget": budget } });
            let mut execution = waits(&wait);
            execution["tenantId"] = json!("acme");
            top_up(&execution)
        };
        assert_eq!(of("global", "global"), "runcor top-up global DOLLARS");
        assert_eq!(of("user", "user:a"), "runcor top-up user:a DOLLARS --tenant acme");
        assert_eq!(of("flow", "flow:it's"), r"runcor top-up 'flow:it'\''s' DOLLARS");
    }
}
