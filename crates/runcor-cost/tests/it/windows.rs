//! Windows begin anew, and requests belong to the one in which they began.

use std::time::Duration;

use runcor_core::{BudgetLimit, BudgetScope, BudgetWindow, Event, Money};
use runcor_cost::BudgetLimits;

use crate::bed::{Bed, key, micros, output, soft};

fn within(window: BudgetWindow) -> Bed {
    let global = Some(BudgetLimit::hard(micros(10)).within(window));
    Bed::new(BudgetLimits { global, ..BudgetLimits::default() })
}

#[tokio::test]
async fn a_new_window_begins_at_nothing() {
    let minute = BudgetWindow::Custom(Duration::from_secs(60));
    for window in [BudgetWindow::Hourly, BudgetWindow::Daily, BudgetWindow::Monthly, minute] {
        let bed = within(window);
        bed.spend(&bed.nobody(), 10, 10).await.unwrap();
        assert!(bed.reserve(&bed.nobody(), 1).await.is_err(), "{window:?}");
        bed.clock.advance(Duration::from_secs(31 * 86_400));
        bed.spend(&bed.nobody(), 10, 10).await.unwrap();
    }
}

#[tokio::test]
async fn without_a_window_spending_adds_up_for_ever() {
    let bed = within(BudgetWindow::None);
    bed.spend(&bed.nobody(), 10, 10).await.unwrap();
    bed.clock.advance(Duration::from_secs(3_650 * 86_400));
    let refused = bed.reserve(&bed.nobody(), 1).await.unwrap_err();
    assert_eq!(refused.details().unwrap().get("until"), None);
}

#[tokio::test]
async fn a_request_is_booked_in_the_window_in_which_it_began() {
    let bed = within(BudgetWindow::Daily);
    let scope = bed.nobody();
    let held = bed.reserve(&scope, 10).await.unwrap();
    bed.clock.advance(Duration::from_secs(86_400));
    assert_eq!(bed.global().await.used(), Money::ZERO);
    held.answered("m", output(10), Duration::ZERO);
    bed.keeper.settle(scope.take_bill()).await.unwrap();
    assert_eq!(bed.global().await.used(), Money::ZERO);
    bed.spend(&bed.nobody(), 10, 10).await.unwrap();
}

#[tokio::test]
async fn one_warning_is_given_in_each_window() {
    let bed = Bed::new(BudgetLimits { global: soft(100), ..BudgetLimits::default() });
    for _ in 0..2 {
        bed.spend(&bed.nobody(), 79, 79).await.unwrap();
        assert!(bed.sink.take().is_empty());
        bed.spend(&bed.nobody(), 1, 1).await.unwrap();
        bed.spend(&bed.nobody(), 1, 1).await.unwrap();
        let told = bed.sink.take();
        let [Event::BudgetWarning(warning)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(warning.scope, BudgetScope::Global);
        assert_eq!(warning.scope_key, "global");
        assert!((warning.utilization_percent - 0.8).abs() < 1e-9, "a part, not percent");
        assert!((warning.warning_threshold - 0.8).abs() < 1e-9);
        bed.clock.advance(Duration::from_secs(86_400));
    }
}

#[tokio::test]
async fn an_execution_has_a_budget_of_its_own() {
    let limit = BudgetLimit::hard(micros(5)).within(BudgetWindow::None);
    let per_execution = Some(limit);
    let bed = Bed::new(BudgetLimits { per_execution, ..BudgetLimits::default() });
    let specs = [crate::bed::spec("f"), crate::bed::spec("f")];
    for spec in &specs {
        bed.spend(&bed.within(spec, None), 5, 5).await.unwrap();
        assert!(bed.reserve(&bed.within(spec, None), 1).await.is_err());
        let key = key(BudgetScope::Execution, &spec.id.to_string());
        assert_eq!(bed.account(key, BudgetWindow::None).await.spent, micros(5));
    }
}
