//! Answers that come in pieces.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use runcor_core::{ErrorCode, Guard, GuardPhase};
use runcor_policy::guardrail::{
    Guardrail, GuardrailAction, GuardrailMode, JsonSchema, Length, Pii, Secrets,
};
use serde_json::json;

use super::{Bed, everywhere, is_blocked, scope, transforming};

#[tokio::test]
async fn an_answer_is_stopped_before_the_first_character_of_a_finding_went_on() {
    let bed = Bed::of([everywhere(Guardrail::built_in("pii", Pii::new()))]);
    let (out, end) = bed.stream(&["the card is 41", "11 1111 11", "11 1111", " and more"]).await;
    assert!(is_blocked(&end));
    assert_eq!(out.concat(), "the card is ");
    assert_eq!(
        end.unwrap_err().message(),
        "guardrail \"pii\" blocked the modelResponse: found: card"
    );
}

#[tokio::test]
async fn text_goes_on_as_soon_as_it_can_not_become_part_of_a_finding() {
    let bed = Bed::of([transforming(Guardrail::built_in("pii", Pii::new()))]);
    let mut window = bed.guardrails.stream(&scope()).unwrap();
    assert_eq!(window.push("hello wor").unwrap(), "hello ");
    assert_eq!(window.push("ld, 41").unwrap(), "world, ");
    assert_eq!(window.push("11 is no card").unwrap(), "4111 is no ");
    assert_eq!(window.finish().await.unwrap(), "card");
}

#[tokio::test]
async fn what_only_warns_holds_nothing_back_and_warns_once() {
    let warn = Guardrail::built_in("pii", Pii::new()).mode(GuardrailMode::Warn);
    let bed = Bed::of([everywhere(warn)]);
    let pieces = ["a@exa", "mple.com b@exam", "ple.com"];
    let (out, end) = bed.stream(&pieces).await;
    end.unwrap();
    assert_eq!(out, ["a@exa", "mple.com b@exam", "ple.com", ""]);
    assert_eq!(bed.warnings(), ["pii: found: mail"]);
}

#[tokio::test]
async fn one_sees_what_the_one_before_has_let_go_on() {
    let bed = Bed::of([
        transforming(Guardrail::built_in("late", Secrets)).priority(200),
        transforming(Guardrail::built_in("early", Pii::new()))
            .replacement("Bearer aB3dE5fG7hJ9kL1mN3pQ"),
    ]);
    let (out, end) = bed.stream(&["mail a@exam", "ple.com now"]).await;
    end.unwrap();
    assert_eq!(out.concat(), "mail Bearer [bearer-token] now");
}

#[tokio::test]
async fn a_text_that_is_too_long_stops_when_it_gets_too_long() {
    let bed = Bed::of([everywhere(Guardrail::built_in("len", Length::new().max(10)))]);
    let (out, end) = bed.stream(&["12345", "67890", "1", "2"]).await;
    assert!(is_blocked(&end));
    assert_eq!(out.concat(), "1234567890");
    let cut = Bed::of([transforming(Guardrail::built_in("len", Length::new().max(7)))]);
    let (out, end) = cut.stream(&["12345", "67890", "1"]).await;
    assert_eq!((out.concat().as_str(), end.is_ok()), ("1234567", true));
    let short = Bed::of([everywhere(Guardrail::built_in("len", Length::new().min(10)))]);
    assert!(is_blocked(&short.stream(&["123"]).await.1));
}

#[tokio::test]
async fn what_needs_the_whole_judges_at_the_end_or_holds_everything_back() {
    let schema = || Guardrail::built_in("json", JsonSchema::new(json!({ "type": "object" })));
    let late =
        Bed::of([everywhere(schema()), transforming(Guardrail::built_in("pii", Pii::new()))]);
    let (out, end) = late.stream(&["not ", "json"]).await;
    assert!(is_blocked(&end));
    assert_eq!(out.concat(), "not json", "it is out already");
    let held = Bed::of([everywhere(schema()).buffer(true)]);
    let (out, end) = held.stream(&["not ", "json"]).await;
    assert!(is_blocked(&end));
    assert_eq!(out.concat(), "");
    let (out, end) = held.stream(&["{\"a\"", ": 1}"]).await;
    end.unwrap();
    assert_eq!(out, ["", "", "{\"a\": 1}"]);
}

#[tokio::test]
async fn a_handler_that_holds_back_changes_text_that_others_then_see() {
    let shout = Guardrail::from_fn("shout", |content, _| async move {
        let text = content.as_str().unwrap_or_default().replace("(at)", "@");
        Ok(GuardrailAction::Transform { content: json!(text) })
    });
    let bed = Bed::of([
        everywhere(shout).buffer(true).priority(1),
        transforming(Guardrail::built_in("pii", Pii::new())),
    ]);
    let (out, end) = bed.stream(&["a(at)exam", "ple.com x"]).await;
    end.unwrap();
    assert_eq!(out.concat(), "[mail] x");
}

#[tokio::test]
async fn nobody_looks_twice_at_text_that_went_through_and_everybody_at_the_rest() {
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    let custom = Guardrail::from_fn("custom", move |_, context| {
        counted.fetch_add(1, Ordering::SeqCst);
        assert_eq!(context.phase, GuardPhase::ModelResponse);
        async { Ok(GuardrailAction::Warn { reason: "seen".to_owned() }) }
    });
    let warn = Guardrail::built_in("pii", Pii::new()).mode(GuardrailMode::Warn);
    let secrets = transforming(Guardrail::built_in("mask", Secrets));
    let bed = Bed::of([everywhere(warn), everywhere(custom), secrets]);
    let mut window = bed.guardrails.stream(&scope()).unwrap();
    let text = window.push("a@example.com ").unwrap() + &window.finish().await.unwrap();
    let answer = json!({
        "text": text,
        "toolCalls": [{ "id": "1", "name": "t", "arguments": { "to": "4111111111111111" } }],
    });
    assert_eq!(window.close(answer.clone()).await.unwrap(), answer);
    assert_eq!(bed.warnings(), ["pii: found: mail", "pii: found: card", "custom: seen"]);
    assert_eq!(looks.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_anyone_who_looks_while_it_comes_there_is_no_window() {
    let custom = Guardrail::from_fn("c", |_, _| async { Ok(GuardrailAction::Pass) });
    let bed = Bed::of([everywhere(custom)]);
    assert!(bed.guardrails.stream(&scope()).is_none());
    assert!(bed.guardrails.watches(GuardPhase::ModelResponse, &scope()));
    let input = Guardrail::built_in("pii", Pii::new()).phases([GuardPhase::Input]);
    let bed = Bed::of([input]);
    assert!(bed.guardrails.stream(&scope()).is_none());
    assert!(!bed.guardrails.watches(GuardPhase::ModelResponse, &scope()));
}

#[tokio::test]
async fn a_buffer_has_a_bound() {
    let schema = Guardrail::built_in("json", JsonSchema::new(json!(true)));
    let bed = Bed::of([everywhere(schema).buffer(true)]);
    let mut window = bed.guardrails.stream(&scope()).unwrap();
    let piece = "x".repeat(1 << 20);
    for _ in 0..4 {
        window.push(&piece).unwrap();
    }
    assert_eq!(window.push("x").unwrap_err().code(), ErrorCode::GuardrailBlocked);
}
