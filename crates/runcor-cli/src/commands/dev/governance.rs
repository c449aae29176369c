//! What events about money, policy and quality say.

use runcor::event::Event;
use runcor::governance::Confidence;
use runcor::model::Money;

use crate::console::{Console, Paint, harmless};

/// Says what happened; `None` for other events, and for what another event says already.
pub(super) fn describe(console: &Console, event: &Event) -> Option<String> {
    let warn = |text: String| Some(console.paint(Paint::Yellow, &harmless(&text)));
    match event {
        Event::CostRequest(paid) => {
            let cost = Money::from_dollars(paid.cost);
            let (prompt, completion) = (paid.prompt_tokens, paid.completion_tokens);
            let how = paid.outcome.as_str();
            let model = harmless(&format!("{}/{}", paid.provider, paid.model));
            Some(format!("{model} {how}: {cost}, {prompt}+{completion} tokens"))
        }
        Event::BudgetWarning(near) => warn(format!(
            "budget {}: {:.0} % of {} used",
            near.scope_key,
            near.utilization_percent * 100.0,
            Money::from_dollars(near.limit)
        )),
        Event::BudgetExceeded(over) => {
            let what = if over.blocked { "a request was refused" } else { "exceeded" };
            let limit = Money::from_dollars(over.limit);
            warn(format!("budget {} of {limit}: {what}", over.scope_key))
        }
        Event::BudgetToppedUp(added) => {
            let amount = Money::from_dollars(added.amount);
            Some(harmless(&format!("budget {}: {amount} added", added.scope_key)))
        }
        Event::PolicyViolation(denied) => {
            let operation = denied.operation.as_str();
            let (rule, flow) = (&denied.rule_name, &denied.flow_name);
            warn(format!(
                "rule {rule} denied to {operation} {flow}{}",
                because(denied.reason.as_ref())
            ))
        }
        Event::RateLimited(refused) => {
            let (name, flow) = (&refused.rate_limit_name, &refused.flow_name);
            let (limit, window) = (refused.limit, refused.window_ms);
            warn(format!("rate limit {name} refused {flow}: {limit} in {window} ms"))
        }
        Event::GuardrailWarning(seen) => {
            let (name, flow) = (&seen.guardrail_name, &seen.flow_name);
            warn(format!("guardrail {name} warns of {flow}{}", because(seen.reason.as_ref())))
        }
        Event::EvalComplete(judged) => {
            let text = format!("judged: {:.2}", judged.overall_score);
            let is_low = judged.confidence == Confidence::Low;
            Some(if is_low { console.paint(Paint::Yellow, &text) } else { text })
        }
        Event::EvalFlagged(flagged) => warn(format!("flagged: {}", flagged.reason)),
        _ => None,
    }
}

fn because(reason: Option<&String>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}
