//! Budgets, memory steps and the routing of agents, as files write them, and failures of governance.

use std::time::Duration;

use runcor_core::{
    BudgetLimit, BudgetWindow, Enforcement, Error, ErrorCode, Money, OnExceed, Strategy,
};
use runcor_pipeline::{FlowFile, pipeline_flow};
use serde_json::json;

use crate::support::{Run, http, text};

fn budget(yaml: &str) -> Option<BudgetLimit> {
    let spec = FlowFile::parse(&format!("name: f\n{yaml}\nsteps: []\n"), "f.yaml").unwrap();
    pipeline_flow(spec, &http(true)).info.budget
}

fn problem(yaml: &str) -> String {
    let error = FlowFile::parse(yaml, "f.yaml").unwrap_err();
    let problems: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.concat()
}

#[test]
fn a_flow_without_a_budget_has_none() {
    assert_eq!(budget("description: d"), None);
}

#[test]
fn a_number_is_a_hard_budget_for_each_day() {
    assert_eq!(budget("budget: 1.5"), Some(BudgetLimit::hard(Money::from_dollars(1.5))));
    assert_eq!(budget("budget: { limit: 2 }"), Some(BudgetLimit::hard(Money::from_dollars(2.0))));
}

#[test]
fn a_budget_says_how_it_is_enforced_within_which_window_and_what_flows_do() {
    let found = budget("budget: { limit: 0.1, enforcement: soft, window: 90m, on_exceed: pause }");
    let expected = BudgetLimit {
        limit: Money::from_nanos(100_000_000),
        enforcement: Enforcement::Soft,
        window: BudgetWindow::Custom(Duration::from_secs(5_400)),
        on_exceed: OnExceed::Pause,
    };
    assert_eq!(found, Some(expected));
    for (word, window) in [
        ("hourly", BudgetWindow::Hourly),
        ("daily", BudgetWindow::Daily),
        ("monthly", BudgetWindow::Monthly),
        ("none", BudgetWindow::None),
    ] {
        let found = budget(&format!("budget: {{ limit: 1, window: {word} }}")).unwrap();
        assert_eq!(found.window, window);
    }
    let off = budget("budget: { limit: 1, enforcement: disabled }").unwrap();
    assert_eq!(off.enforcement, Enforcement::Disabled);
}

#[test]
fn a_mistaken_budget_is_told_with_its_place_and_a_suggestion() {
    for (budget, expected) in [
        ("-1", "f.yaml:2:9: budget: must be 0 to 1000000 dollars"),
        ("much", "budget: must be a number of dollars, or a map with the key limit"),
        ("{ window: daily }", "budget: needs the key \"limit\""),
        (
            "{ limit: 1, windw: daily }",
            "f.yaml:2:21: budget.windw: unknown key; did you mean \"window\"?",
        ),
        ("{ limit: 1, window: dayly }", "did you mean \"daily\"?"),
        ("{ limit: 1, window: 0s }", "or a duration such as 90m"),
        ("{ limit: 1, enforcement: hart }", "did you mean \"hard\"?"),
        ("{ limit: 1, onExceed: wait }", "budget.on_exceed: must be one of fail, pause"),
    ] {
        let found = problem(&format!("name: f\nbudget: {budget}\nsteps: []\n"));
        assert!(found.contains(expected), "{budget}: {found}");
    }
}

#[test]
fn a_mistaken_memory_step_is_told_with_its_place() {
    for (keys, expected) in [
        ("scope: tool", "needs \"get\", or \"set\""),
        ("get: k, delete: k", "steps[0].delete: can't stand beside \"get\"; keep one"),
        ("set: k", "steps[0].set: needs the key \"value\" beside it"),
        ("get: k, value: 1", "steps[0].value: does not belong beside \"get\""),
        ("append: k, value: 1, ttl: 1d", "steps[0].ttl: does not belong beside \"append\""),
        ("add: k, by: many", "steps[0].by: must be a number, or a path to one"),
        ("add: { k: 1 }", "steps[0].add: must be a text, a path, or a list of them"),
        ("get: $.steps.later.output", "there is no step 'later'"),
        ("get: k, scope: users", "did you mean \"user\"?"),
        ("getl: k, get: k", "unknown key; did you mean \"get\"?"),
    ] {
        let yaml = format!("name: f\nsteps:\n  - {{ name: a, kind: memory, {keys} }}\n");
        let found = problem(&yaml);
        assert!(found.contains(expected), "{keys}: {found}");
    }
}

#[tokio::test]
async fn an_agent_may_pin_its_provider_and_choose_how_providers_are_chosen() {
    let step = |strategy| {
        format!(
            "name: f\nsteps:\n  - {{ name: a, kind: agent, provider: p, strategy: {strategy} }}\n"
        )
    };
    for (word, strategy) in [
        ("priority", Strategy::Priority),
        ("round-robin", Strategy::RoundRobin),
        ("lowest-cost", Strategy::LowestCost),
        ("least-latency", Strategy::LeastLatency),
        ("weighted", Strategy::Weighted),
    ] {
        let run = Run::new(&step(word), json!("hi"));
        run.models.answer(Ok(text("hello")));
        run.go().await.unwrap();
        let asked = run.models.asked();
        assert_eq!(asked[0].provider.as_deref(), Some("p"));
        assert_eq!(asked[0].strategy, Some(strategy));
    }
    assert!(problem(&step("weightd")).contains("did you mean \"weighted\"?"));
}

#[tokio::test]
async fn a_refusal_of_governance_keeps_its_code_and_is_not_asked_for_again() {
    let yaml = "name: f\nsteps:\n  - { name: a, kind: agent, retries: 3 }\n";
    for code in [ErrorCode::BudgetExceeded, ErrorCode::GuardrailBlocked] {
        let run = Run::new(yaml, json!("hi"));
        run.models.answer(Err(Error::new(code, "no")));
        let error = run.go().await.unwrap_err();
        assert_eq!((error.code(), error.message()), (Some(code.as_str()), "step 'a': no"));
        assert_eq!(run.models.asked().len(), 1);
    }
}
