//! Answers in the form that was asked for.

use std::sync::Arc;

use serde_json::{Value, json};

use runcor_core::{
    ErrorCode, Event, Message, ModelRequest, ModelService, ProviderErrorKind, ResponseFormat,
    Retry, Role,
};
use runcor_router::{Registration, StructuredOutput};

use crate::fakes::{Recorder, Scripted, Turn, World, delta, drain};
use crate::meter::metered;

fn person() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": { "name": { "type": "string" }, "age": { "$ref": "#/$defs/age" } },
        "required": ["name", "age"],
        "$defs": { "age": { "type": "integer" } },
    })
}

fn ask(format: ResponseFormat) -> ModelRequest {
    ModelRequest::prompt("who?").with_response_format(format)
}

const GOOD: &str = r#"{"name":"Alice","age":30}"#;
const BAD: &str = r#"{"name":"sk-secret","age":"old"}"#;

/// The layer over a router with one provider of a name that is not its vendor's.
fn layer(
    script: impl IntoIterator<Item = Turn>,
) -> (StructuredOutput, Arc<Scripted>, Arc<Recorder>) {
    let provider = Scripted::new("openai/gpt-4o", script);
    let other = Scripted::new("other", []);
    let router = World::default().router().provider(Arc::clone(&provider)).provider(other);
    let events = Arc::new(Recorder::default());
    let layer = StructuredOutput::new(Arc::new(router.build().unwrap()));
    (layer.with_events(Arc::<Recorder>::clone(&events)), provider, events)
}

#[tokio::test]
async fn an_answer_that_matches_is_parsed() {
    for text in [GOOD, "```json\n{\"name\":\"Alice\",\"age\":30}\n```"] {
        let (layer, _, events) = layer([Turn::Say(text)]);
        let answer = layer.complete(ask(ResponseFormat::Schema(person()))).await.unwrap();
        assert_eq!(answer.parsed, Some(json!({ "name": "Alice", "age": 30 })));
        assert_eq!(answer.text, text);
        assert_eq!(events.events(), []);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_match_is_asked_for_once_more_from_the_same_provider() {
    let (layer, provider, events) = layer([Turn::Say(BAD), Turn::Say(GOOD)]);
    let (scope, meter) = metered();
    let request = ask(ResponseFormat::Schema(person())).with_scope(scope);
    let answer = layer.complete(request).await.unwrap();
    assert_eq!(answer.parsed, Some(json!({ "name": "Alice", "age": 30 })));
    assert_eq!(provider.calls(), 2);

    let prompt = provider.seen(1).prompt.unwrap();
    assert!(prompt.starts_with("who?\n\n"), "{prompt}");
    assert!(prompt.contains("\n- /age: "), "{prompt}");

    let events = events.events();
    let [Event::ModelValidationRetry(retry)] = events.as_slice() else {
        panic!("expected one retry, got {events:?}");
    };
    assert_eq!((retry.attempt, &retry.raw_text), (1, &None));
    let told = (retry.execution_id, retry.flow_name.as_ref(), retry.tenant_id.as_ref());
    let spec = meter.spec();
    assert_eq!(told, (Some(spec.id), Some(&spec.flow), spec.tenant_id.as_ref()));
    assert!(told.2.is_some());
    assert_eq!(meter.reserved(), 2);
    assert_eq!(retry.errors.len(), 1);
    assert_eq!((retry.errors[0].path.as_str(), retry.errors[0].keyword.as_str()), ("/age", "type"));
}

#[tokio::test]
async fn the_second_attempt_goes_to_the_fallback_that_answered_with_the_model_it_used() {
    let down = Scripted::new("down", [Turn::Fail(ProviderErrorKind::Rejected)]);
    let other = Scripted::new("other", [Turn::Say("no json"), Turn::Say("7")]);
    let router = World::default()
        .router()
        .provider(Registration::new(Arc::<Scripted>::clone(&down)))
        .provider(Registration::new(Arc::<Scripted>::clone(&other)).with_models(["own", "more"]));
    let layer = StructuredOutput::new(Arc::new(router.build().unwrap()));
    let answer = layer.complete(ask(ResponseFormat::Json).with_model("theirs")).await.unwrap();
    assert_eq!((answer.parsed, answer.provider.as_str()), (Some(json!(7)), "other"));
    let own = Some("own".to_owned());
    assert_eq!((other.models(), down.calls()), (vec![own.clone(), own], 1));
}

#[tokio::test]
async fn in_a_conversation_answer_and_hint_become_turns() {
    let (layer, provider, _) = layer([Turn::Say("no json"), Turn::Say("7")]);
    let request = ModelRequest::messages([Message::user("a number")]);
    let request = request.with_response_format(ResponseFormat::Json);
    assert_eq!(layer.complete(request).await.unwrap().parsed, Some(json!(7)));
    let turns = provider.seen(1).messages;
    assert_eq!(turns.len(), 3);
    assert_eq!(turns[1], Message::assistant("no json"));
    assert_eq!(turns[2].role, Role::User);
    assert!(turns[2].content.contains("- not valid JSON"), "{}", turns[2].content);
}

#[tokio::test]
async fn an_empty_answer_becomes_no_turn() {
    let (layer, provider, _) = layer([Turn::Say(" "), Turn::Say("7")]);
    let request = ModelRequest::messages([Message::user("a number")]);
    layer.complete(request.with_response_format(ResponseFormat::Json)).await.unwrap();
    let roles: Vec<_> = provider.seen(1).messages.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::User]);
}

#[tokio::test]
async fn a_second_answer_that_does_not_match_is_an_error_with_every_violation() {
    let (layer, provider, events) = layer([Turn::Say(GOOD), Turn::Say(BAD), Turn::Say("{}")]);
    layer.complete(ask(ResponseFormat::Schema(person()))).await.unwrap();
    let error = layer.complete(ask(ResponseFormat::Schema(person()))).await.unwrap_err();
    assert_eq!((error.code(), error.retry()), (ErrorCode::ValidationFailed, Retry::Never));
    let details = error.details().unwrap();
    assert_eq!(details["errors"].as_array().unwrap().len(), 2);
    assert_eq!(details["errors"][0]["keyword"], "required");
    assert_eq!(
        (&details["provider"], &details["model"]),
        (&json!("openai/gpt-4o"), &json!("vendor-model"))
    );
    assert_eq!((provider.calls(), events.events().len()), (3, 1));
}

#[tokio::test]
async fn the_answer_is_in_no_error_and_no_event() {
    let (layer, _, events) = layer([Turn::Say(BAD), Turn::Say(BAD)]);
    let error = layer.complete(ask(ResponseFormat::Schema(person()))).await.unwrap_err();
    assert!(!format!("{error:?}").contains("sk-secret"));
    assert!(!format!("{:?}", events.events()).contains("sk-secret"));
}

#[tokio::test]
async fn a_retry_that_fails_at_the_provider_is_that_failure() {
    let (layer, _, _) = layer([Turn::Say(BAD), Turn::Fail(ProviderErrorKind::Auth)]);
    let error = layer.complete(ask(ResponseFormat::Schema(person()))).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ProviderAuthError);
}

#[tokio::test]
async fn json_accepts_every_value_and_text_has_no_parsed_value() {
    for text in ["{}", "[1]", "1", "\"a\"", "true", "null"] {
        let (layer, _, _) = layer([Turn::Say(text)]);
        let answer = layer.complete(ask(ResponseFormat::Json)).await.unwrap();
        assert_eq!(answer.parsed.unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }
    let (layer, _, _) = layer([Turn::Say("7")]);
    assert_eq!(layer.complete(ask(ResponseFormat::Text)).await.unwrap().parsed, None);
}

#[tokio::test]
async fn a_schema_that_is_not_usable_fails_before_any_call() {
    for (schema, keyword) in [
        (json!({ "type": "nonsense" }), "schema"),
        (json!({ "properties": { "a": { "$ref": "https://example.com/a.json" } } }), "$ref"),
    ] {
        let (layer, provider, _) = layer([]);
        let request = ask(ResponseFormat::Schema(schema));
        for error in [
            layer.complete(request.clone()).await.unwrap_err(),
            layer.stream(request).await.err().unwrap(),
        ] {
            assert_eq!(error.code(), ErrorCode::ValidationFailed);
            assert_eq!(error.details().unwrap()["errors"][0]["keyword"], keyword);
        }
        assert_eq!(provider.calls(), 0);
    }
}

#[tokio::test]
async fn tool_calls_are_not_validated() {
    let (layer, provider, _) = layer([Turn::Call("not json"), Turn::Say(BAD), Turn::Call("")]);
    for _ in 0..2 {
        let answer = layer.complete(ask(ResponseFormat::Schema(person()))).await.unwrap();
        assert_eq!((answer.parsed, answer.tool_calls.len()), (None, 1));
    }
    assert_eq!(provider.calls(), 3);
}

#[tokio::test]
async fn the_documented_wrapper_is_the_schema_inside_it() {
    let (layer, provider, _) = layer([Turn::Say(GOOD)]);
    let wrapped = json!({ "type": "json_schema", "jsonSchema": person() });
    let answer = layer.complete(ask(ResponseFormat::Schema(wrapped))).await.unwrap();
    assert!(answer.parsed.is_some());
    assert_eq!(provider.seen(0).response_format, ResponseFormat::Schema(person()));
}

#[tokio::test]
async fn schemas_of_old_and_new_drafts_are_taken_with_formats_and_keywords_of_their_own() {
    let seven = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://example.com/s",
        "type": "object",
        "properties": { "at": { "type": "string", "format": "date" },
            "to": { "$ref": "#/definitions/port" } },
        "required": ["at"],
        "definitions": { "port": { "type": "integer", "format": "uint16" } },
        "x-order": ["at", "to"],
    });
    let twenty = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/s",
        "type": "array",
        "prefixItems": [{ "type": "string", "format": "email", "example": "a@b.example" }],
        "unevaluatedItems": false,
    });
    for (schema, good, bad) in [
        (seven, r#"{"at":"2026-11-21","to":80}"#, r#"{"at":"tomorrow"}"#),
        (twenty, r#"["a@b.example"]"#, r#"["a@b.example",2]"#),
    ] {
        let (layer, _, _) = layer([Turn::Say(bad), Turn::Say(good)]);
        let answer = layer.complete(ask(ResponseFormat::Schema(schema))).await.unwrap();
        assert_eq!(answer.parsed, serde_json::from_str(good).ok());
    }
}

#[tokio::test]
async fn null_for_what_may_be_left_out_is_no_reason_to_ask_again() {
    let schema = json!({ "type": "object", "properties": { "nick": { "type": "string" } } });
    let (layer, provider, _) = layer([Turn::Say(r#"{"nick":null}"#)]);
    let answer = layer.complete(ask(ResponseFormat::Schema(schema))).await.unwrap();
    assert_eq!((answer.parsed, provider.calls()), (Some(json!({})), 1));
}

#[tokio::test]
async fn two_schemas_may_share_an_id() {
    let (layer, _, _) = layer([Turn::Say("1"), Turn::Say("\"a\"")]);
    for kind in ["integer", "string"] {
        let schema = json!({ "$id": "https://example.com/s", "type": kind, "x-unknown": 1 });
        layer.complete(ask(ResponseFormat::Schema(schema))).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_passes_its_chunks_and_ends_with_the_parsed_answer_or_an_error() {
    let (layer, provider, events) = layer([Turn::Say(GOOD), Turn::Say(BAD)]);
    let request = ask(ResponseFormat::Schema(person()));
    let (pieces, whole, _) = drain(layer.stream(request.clone()).await.unwrap()).await;
    assert_eq!(pieces, [delta(GOOD)]);
    assert_eq!(whole.unwrap().parsed, Some(json!({ "name": "Alice", "age": 30 })));

    let (pieces, whole, failure) = drain(layer.stream(request).await.unwrap()).await;
    assert_eq!((pieces, whole), (vec![delta(BAD)], None));
    assert_eq!(failure.unwrap().code(), ErrorCode::ValidationFailed);
    assert_eq!((provider.calls(), events.events().len()), (2, 0));
}

#[tokio::test]
async fn the_layer_can_be_put_over_another_service() {
    let (layer, first, _) = layer([]);
    let second = Scripted::new("b", [Turn::Say("1")]);
    let router = World::default().router().provider(Arc::clone(&second)).build().unwrap();
    let answer = layer.over(Arc::new(router)).complete(ask(ResponseFormat::Json)).await.unwrap();
    assert_eq!((answer.parsed, first.calls()), (Some(json!(1)), 0));
}
