//! Guardrails on whole runs: a card number never leaves, whole or in pieces.

use futures_util::StreamExt;
use runcor::flow::{FlowName, FlowOutcome};
use runcor::model::{ModelChunk, ModelRequest};
use runcor::policy::guardrail::{GuardrailConfig, GuardrailSpec};
use runcor::testkit::ScriptedProvider;
use runcor::{Flow, FlowContext, Runtime, Trigger};
use serde_json::json;

use crate::bed::{Bed, Kind, answer, on_every_store, priced};

on_every_store![
    a_card_number_leaves_neither_to_the_model_nor_from_it_nor_with_the_result,
    a_card_number_in_a_stream_is_held_back_however_it_is_cut,
    a_blocked_answer_is_paid_and_not_asked_for_again,
];

const CARD: &str = "4111 1111 1111 1111";

fn flow(name: &str, handler: impl runcor::flow::FlowHandler + 'static) -> Flow {
    Flow::new(FlowName::new(name).unwrap(), handler)
}

fn pii(name: &str, phases: &[&str], mode: &str) -> GuardrailSpec {
    let spec = json!({
        "name": name, "type": "pii", "phases": phases, "mode": mode, "kinds": ["card"],
    });
    serde_json::from_value(spec).unwrap()
}

async fn bed(kind: Kind, model: &ScriptedProvider, spec: GuardrailSpec) -> Bed {
    Bed::new(kind, |b| {
        b.registration(priced(model))
            .guardrail_config(GuardrailConfig { guardrails: vec![spec], tenants: Vec::new() })
            .costs(Default::default())
    })
    .await
}

async fn a_card_number_leaves_neither_to_the_model_nor_from_it_nor_with_the_result(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer(&format!("yours is {CARD}, right?")));
    let spec = pii("cards", &["input", "modelRequest", "modelResponse", "output"], "transform");
    let bed = bed(kind, &model, spec).await;
    bed.runcor
        .register(flow("asks", async |ctx: FlowContext| {
            let given = ctx.input().as_str().unwrap_or_default().to_owned();
            let leaked = format!("{given} {CARD}");
            let answer = ctx.model().complete(ModelRequest::prompt(leaked)).await?;
            Ok(FlowOutcome::Complete(json!({ "given": given, "answer": answer.text, "own": CARD })))
        }))
        .unwrap();
    let id = bed.trigger_with("asks", Trigger::new("k", json!(format!("pay {CARD}")))).await;
    let result = bed.ended(id).await.status.result.unwrap();
    let asked = serde_json::to_string(&model.requests()).unwrap();
    assert!(!asked.contains("4111"), "{asked}");
    assert_eq!(
        *result,
        json!({ "given": "pay [card]", "answer": "yours is [card], right?", "own": "[card]" })
    );
    let journal = bed.runcor.timeline(id).await.unwrap();
    assert!(!serde_json::to_string(&journal).unwrap().contains("yours is 4111"));
}

async fn a_card_number_in_a_stream_is_held_back_however_it_is_cut(kind: Kind) {
    let model = ScriptedProvider::new("p").streams(["it is 41", "11 1111 11", "11 1111", " ok"]);
    let bed = bed(kind, &model, pii("cards", &["modelResponse"], "transform")).await;
    bed.runcor
        .register(flow("streams", async |ctx: FlowContext| {
            let mut pieces = ctx.model().stream(ModelRequest::prompt("card?")).await?;
            let (mut seen, mut whole) = (Vec::new(), String::new());
            while let Some(piece) = pieces.next().await {
                match piece? {
                    ModelChunk::TextDelta { text } => seen.push(text),
                    ModelChunk::Finished { response } => whole = response.text,
                    ModelChunk::ToolCall { .. } => {}
                }
            }
            Ok(FlowOutcome::Complete(json!({ "seen": seen.concat(), "whole": whole })))
        }))
        .unwrap();
    let id = bed.trigger("streams", "k").await;
    let result = bed.ended(id).await.status.result.unwrap();
    assert_eq!(*result, json!({ "seen": "it is [card] ok", "whole": "it is [card] ok" }));
}

async fn a_blocked_answer_is_paid_and_not_asked_for_again(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer(CARD)).then(answer(CARD));
    let bed = bed(kind, &model, pii("cards", &["modelResponse"], "block")).await;
    bed.runcor
        .register(flow("asks", async |ctx: FlowContext| {
            let answer = ctx.model().complete(ModelRequest::prompt("card?")).await?;
            Ok(FlowOutcome::Complete(json!(answer.text)))
        }))
        .unwrap();
    let id = bed.trigger("asks", "k").await;
    let error = bed.ended(id).await.status.error.unwrap();
    assert_eq!(error.code.as_deref(), Some("GUARDRAIL_BLOCKED"));
    assert!(!error.message.contains("4111"));
    assert_eq!(model.requests().len(), 1);
    assert_eq!(bed.ledger().await.len(), 1);
}
