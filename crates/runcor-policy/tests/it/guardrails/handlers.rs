//! Handlers in Rust: what they say, and what becomes of those that fail.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use runcor_core::{Error, ErrorCode, GuardPhase};
use runcor_policy::guardrail::{
    FailureMode, Guardrail, GuardrailAction, GuardrailHandler, GuardrailMode, Pii,
};
use serde_json::json;

use super::{Bed, everywhere, is_blocked, transforming};

fn saying(name: &str, action: GuardrailAction) -> Guardrail {
    everywhere(Guardrail::from_fn(name, move |_, _| {
        let action = action.clone();
        async { Ok(action) }
    }))
}

fn block() -> GuardrailAction {
    GuardrailAction::Block { reason: "no".to_owned() }
}

#[tokio::test]
async fn they_run_by_priority_then_in_order_and_each_sees_what_the_one_before_made() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let appending = |name: &'static str, priority: i32| {
        let seen = Arc::clone(&seen);
        let guardrail = Guardrail::from_fn(name, move |content, _| {
            seen.lock().push((name, content.clone()));
            let content = json!(format!("{}{name}", content.as_str().unwrap_or_default()));
            async { Ok(GuardrailAction::Transform { content }) }
        });
        everywhere(guardrail).mode(GuardrailMode::Transform).priority(priority)
    };
    let bed = Bed::of([appending("c", 200), appending("a", 1), appending("b", 1)]);
    assert_eq!(bed.text("").await, "abc");
    assert_eq!(*seen.lock(), [("a", json!("")), ("b", json!("a")), ("c", json!("ab"))]);
}

#[tokio::test]
async fn the_mode_decides_how_far_a_handler_may_go() {
    let change = GuardrailAction::Transform { content: json!("changed") };
    let warn = GuardrailAction::Warn { reason: "hm".to_owned() };
    for mode in [GuardrailMode::Block, GuardrailMode::Transform] {
        let bed = Bed::of([saying("g", change.clone()).mode(mode)]);
        assert_eq!(bed.text("x").await, "changed");
        assert!(is_blocked(&Bed::of([saying("g", block()).mode(mode)]).check(json!("x")).await));
    }
    for (action, warning) in
        [(change, "g: it would have changed the content"), (block(), "g: no"), (warn, "g: hm")]
    {
        let bed = Bed::of([saying("g", action).mode(GuardrailMode::Warn)]);
        assert_eq!(bed.text("x").await, "x");
        assert_eq!(bed.warnings(), [warning]);
    }
}

#[tokio::test]
async fn a_warning_is_announced_also_when_a_later_guardrail_blocks() {
    let warn = GuardrailAction::Warn { reason: "hm".to_owned() };
    let bed = Bed::of([saying("first", warn), saying("second", block())]);
    assert!(is_blocked(&bed.check(json!("x")).await));
    assert_eq!(bed.warnings(), ["first: hm"]);
}

#[tokio::test]
async fn who_comes_after_one_that_blocks_is_not_asked() {
    let after = Guardrail::from_fn("after", |_, _| async { panic!("it was asked") });
    let bed =
        Bed::of([saying("first", block()), everywhere(after).failure_mode(FailureMode::Pass)]);
    let error = bed.check(json!("x")).await.unwrap_err();
    assert_eq!(error.message(), "guardrail \"first\" blocked the output: no");
    assert!(bed.warnings().is_empty());
}

/// A guardrail that fails in one of three ways.
fn failing(how: usize) -> Guardrail {
    everywhere(Guardrail::from_fn("bad", move |_, _| async move {
        match how {
            0 => Err(Error::new(ErrorCode::InternalError, "the secret 4111111111111111")),
            1 => panic!("the secret 4111111111111111"),
            _ => std::future::pending().await,
        }
    }))
}

/// Checks a text while time goes by.
async fn while_time_goes_by(bed: &Bed) -> runcor_core::Result<serde_json::Value> {
    let check = bed.check(json!("4111111111111111"));
    let time = async {
        while bed.clock.next_wake().is_none() {
            tokio::task::yield_now().await;
        }
        bed.clock.advance(Duration::from_millis(999));
        tokio::task::yield_now().await;
        bed.clock.advance(Duration::from_millis(1));
        std::future::pending::<()>().await;
    };
    tokio::select! { checked = check => checked, () = time => unreachable!() }
}

#[tokio::test]
async fn one_that_fails_panics_or_hangs_stops_the_content() {
    let reasons = ["failed with INTERNAL_ERROR", "panicked", "took longer than 1000 ms"];
    for (how, reason) in reasons.into_iter().enumerate() {
        let bed = Bed::of([failing(how)]);
        let error = while_time_goes_by(&bed).await.unwrap_err();
        assert_eq!(
            error.message(),
            format!("guardrail \"bad\" blocked the output: the guardrail {reason}")
        );
        assert!(!format!("{error:?}").contains("4111"));
    }
}

#[tokio::test]
async fn one_that_may_fail_lets_the_content_pass_as_it_was_and_that_is_announced() {
    let reasons = ["failed with INTERNAL_ERROR", "panicked", "took longer than 1000 ms"];
    for (how, reason) in reasons.into_iter().enumerate() {
        let bed = Bed::of([failing(how).failure_mode(FailureMode::Pass)]);
        assert_eq!(while_time_goes_by(&bed).await.unwrap(), json!("4111111111111111"));
        assert_eq!(bed.warnings(), [format!("bad: the guardrail {reason}")]);
    }
}

#[tokio::test]
async fn a_handler_hears_whose_content_it_looks_at() {
    struct Looker;

    #[async_trait::async_trait]
    impl GuardrailHandler for Looker {
        async fn inspect(
            &self,
            content: &serde_json::Value,
            context: &runcor_policy::guardrail::GuardrailContext,
        ) -> runcor_core::Result<GuardrailAction> {
            let seen = json!([content, context.phase, context.flow_name, context.tenant_id]);
            Ok(GuardrailAction::Transform { content: seen })
        }
    }

    let bed = Bed::of([everywhere(Guardrail::new("looker", Looker))]);
    let seen = bed.check_in(GuardPhase::ToolResult, json!(1)).await.unwrap();
    assert_eq!(seen, json!([1, "toolResult", "f", null]));
}

#[tokio::test]
async fn a_warning_says_everything_but_the_content() {
    let warn = transforming(Guardrail::built_in("pii", Pii::new())).mode(GuardrailMode::Warn);
    let bed = Bed::of([warn]);
    bed.check(json!("4111111111111111")).await.unwrap();
    let event = serde_json::to_value(&bed.sink.take()[0]).unwrap();
    assert_eq!(event["type"], "policy:warning");
    assert_eq!((&event["guardrailName"], &event["phase"]), (&json!("pii"), &json!("output")));
    assert_eq!((&event["flowName"], &event["reason"]), (&json!("f"), &json!("found: card")));
    assert_eq!(event["timestamp"], "2026-01-01T00:00:00.000Z");
    assert!(!event.to_string().contains("4111"));
}
