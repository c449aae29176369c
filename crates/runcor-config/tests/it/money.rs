//! Prices and budgets, as the file describes them and as the runtime takes them.

use std::time::Duration;

use runcor_config::section::{Costs, Unpriced};
use runcor_core::{BudgetLimit, BudgetWindow, Enforcement, Money, OnExceed, TokenPrice};

use crate::{parse, problems};

fn costs(text: &str) -> Costs {
    // The section is read by itself, whether or not anything carries it out.
    serde_saphyr::from_str(text).unwrap()
}

/// The warnings of a text, each as `line:column path: message`.
fn warnings(text: &str) -> Vec<String> {
    parse(text).unwrap().warnings.iter().map(ToString::to_string).collect()
}

fn provider(rest: &str) -> String {
    format!("providers: [{{ type: mock, {rest} }}]")
}

#[test]
fn an_empty_section_has_the_documented_defaults() {
    let costs = costs("{}");
    assert!((costs.warning_threshold - 0.8).abs() < 1e-9);
    assert_eq!((costs.default_token_estimate, costs.max_ledger_entries), (1_000, 100_000));
    assert_eq!(costs.reservation_lifetime(), Duration::from_secs(900));
    assert_eq!((costs.unpriced, costs.budgets), (Unpriced::Allow, None));
}

#[test]
fn budgets_become_limits_with_their_windows() {
    let costs = costs(
        "budgets:
  perRequest: { limit: 0.5, enforcement: soft }
  perExecution: { limit: 1, onExceed: pause }
  perTenant: { limit: 0, enforcement: disabled, window: { type: monthly } }
  global: { limit: 5, window: { type: custom, durationMs: 60000 } }",
    );
    let budgets = costs.budgets.unwrap();
    let limit = |budget: Option<runcor_config::section::Budget>, window| {
        budget.map(|budget| budget.to_limit(window))
    };
    let request = limit(budgets.per_request, BudgetWindow::Daily).unwrap();
    assert_eq!(request, BudgetLimit::soft(Money::from_dollars(0.5)));
    let execution = limit(budgets.per_execution, BudgetWindow::None).unwrap();
    assert_eq!((execution.window, execution.on_exceed), (BudgetWindow::None, OnExceed::Pause));
    let tenant = limit(budgets.per_tenant, BudgetWindow::Daily).unwrap();
    let expected = (Enforcement::Disabled, BudgetWindow::Monthly);
    assert_eq!((tenant.enforcement, tenant.window), expected);
    let global = limit(budgets.global, BudgetWindow::Daily).unwrap();
    assert_eq!(global.window, BudgetWindow::Custom(Duration::from_secs(60)));
    assert_eq!(global.enforcement, Enforcement::Hard);
    assert_eq!(budgets.per_user, None);
}

#[test]
fn prices_are_dollars_for_a_million_tokens_with_parts_of_their_own() {
    let costs =
        costs("prices: { m: { input: 0.15, output: 0.6, cachedInput: 0.075, reasoning: 1 } }");
    let prices: Vec<_> = costs.prices().collect();
    let expected = TokenPrice {
        input_picos: 150_000,
        output_picos: 600_000,
        cached_picos: Some(75_000),
        reasoning_picos: Some(1_000_000),
        long: None,
    };
    assert_eq!(prices, [("m", expected)]);
}

#[test]
fn both_forms_of_a_providers_price_know_cached_input_and_reasoning() {
    for rest in [
        "costPerToken: { input: 3.0e-6, output: 15.0e-6, cachedInput: 3.0e-7, reasoning: 15.0e-6 }",
        "costPerMillionTokens: { input: 3, output: 15, cachedInput: 0.3, reasoning: 15 }",
    ] {
        let loaded = runcor_config::parse(&provider(rest), &|_| None).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        let price = loaded.config.providers[0].price().unwrap();
        assert_eq!((price.input_picos, price.output_picos), (3_000_000, 15_000_000));
        assert_eq!((price.cached_picos, price.reasoning_picos), (Some(300_000), Some(15_000_000)));
    }
}

#[test]
fn a_price_for_a_thousand_tokens_is_warned_of_with_what_it_would_cost() {
    let told = warnings(&provider("costPerToken: { input: 0.003, output: 0.00001 }"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("providers[0].costPerToken.input"), "{told:?}");
    assert!(told[0].contains("3000 dollars for a million"), "{told:?}");
    assert!(told[0].contains("write 0.000003"), "{told:?}");
    let edge = warnings(&provider("costPerToken: { input: 0.0001, output: 0.000099 }"));
    assert_eq!(edge.len(), 1, "{edge:?}");
}

#[test]
fn a_price_for_a_million_that_is_one_for_a_token_is_warned_of() {
    let told = warnings(&provider("costPerMillionTokens: { input: 0.000003, output: 15 }"));
    assert!(told[0].contains("looks like a price for one token"), "{told:?}");
}

#[test]
fn what_a_budget_can_not_mean_is_told() {
    let found =
        problems("costs: { budgets: { perTenant: { limit: 1, window: { type: custom } } } }");
    assert!(found.iter().any(|told| told.contains("needs its length")), "{found:?}");
    let found = problems("costs: { budgets: { perTeam: { limit: 1 } } }");
    assert!(found.iter().any(|told| told.contains("perTeam")), "{found:?}");
    let found = problems("costs: { budgets: { global: { limit: 1, onExceed: wait } } }");
    assert!(found.iter().any(|told| told.contains("onExceed")), "{found:?}");
    let found = problems("costs: { unpriced: maybe }");
    assert!(found.iter().any(|told| told.contains("unpriced")), "{found:?}");
}
