//! One list of things that every vendor must do, for each vendor.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use runcor_core::ProviderErrorKind::{
    Auth, Malformed, Network, RateLimited, Rejected, Timeout, Unavailable,
};
use runcor_core::{
    FinishReason, Message, ModelChunk, ModelProvider, ModelRequest, ModelResponse, ProviderError,
    ResponseFormat, ToolCall, ToolDefinition, Usage,
};
use runcor_testkit::vendor_server::{RecordedRequest, Reply, VendorServer};
use serde_json::{Value, json};

use super::canned::{ALL, Said};
use super::vendors::{impatient, provider};

macro_rules! table {
    ($($row:ident)*) => {
        $(#[tokio::test]
        async fn $row() {
            for vendor in ALL {
                rows::$row(vendor).await;
            }
        })*
    };
}

table! {
    text
    a_tool_is_called_by_its_own_name
    a_tools_result_goes_back_to_its_call
    an_answer_to_a_schema_is_its_text
    an_answer_to_a_schema_beside_tools
    any_json
    cached_and_reasoning_tokens_are_parts_of_all
    usage_that_is_missing_is_estimated
    refusals_cost_nothing
    a_server_error_costs_nothing
    silence_may_be_billed
    an_answer_that_breaks_off_may_be_billed
    an_answer_that_makes_no_sense_may_be_billed
    a_connection_that_is_refused_costs_nothing
    a_sign_of_life
}

/// What came of one call: the whole answer or the error, after these pieces.
struct Got {
    pieces: Vec<ModelChunk>,
    end: Result<ModelResponse, ProviderError>,
}

impl Got {
    fn answer(self) -> ModelResponse {
        self.end.unwrap()
    }

    fn error(self) -> ProviderError {
        self.end.unwrap_err()
    }
}

fn open(vendor: &str, url: &str) -> Arc<dyn ModelProvider> {
    match vendor {
        // A local server has no key.
        "ollama" => provider(
            "openai",
            url,
            &json!({ "apiKey": null, "name": "ollama",
            "timeouts": { "readMs": 300 } }),
        ),
        vendor => impatient(vendor, url),
    }
}

/// Asks both ways; the answers must be the same. Returns them with what was sent.
async fn both(
    vendor: &str,
    replies: [Reply; 2],
    request: &ModelRequest,
) -> ([Got; 2], Vec<RecordedRequest>) {
    let server = VendorServer::start().await.unwrap();
    let [whole, pieces] = replies;
    server.enqueue(whole).enqueue(pieces);
    let provider = open(vendor, &server.url());
    let end = provider.complete(request).await;
    let whole = Got { pieces: Vec::new(), end };
    let streamed = listen(provider.as_ref(), request).await;
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "{vendor}: one call is one request");
    ([whole, streamed], requests)
}

async fn listen(provider: &dyn ModelProvider, request: &ModelRequest) -> Got {
    let mut pieces = Vec::new();
    let mut stream = match provider.stream(request).await {
        Ok(stream) => stream,
        Err(error) => return Got { pieces, end: Err(error) },
    };
    loop {
        match stream.next().await.expect("an end") {
            Ok(ModelChunk::Finished { response }) => return Got { pieces, end: Ok(*response) },
            Ok(piece) => pieces.push(piece),
            Err(error) => return Got { pieces, end: Err(error) },
        }
    }
}

async fn said(
    vendor: &str,
    said: &Said,
    request: &ModelRequest,
) -> ([ModelResponse; 2], Vec<RecordedRequest>) {
    let replies = [false, true].map(|streams| said.reply(vendor, streams));
    let ([whole, streamed], requests) = both(vendor, replies, request).await;
    let text: String = streamed
        .pieces
        .iter()
        .filter_map(|piece| match piece {
            ModelChunk::TextDelta { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let calls = streamed.pieces.iter().filter(|piece| matches!(piece, ModelChunk::ToolCall { .. }));
    let calls = calls.count();
    let answers = [whole.answer(), streamed.answer()];
    assert_eq!(answers[0], answers[1], "{vendor}: whole and in pieces");
    assert_eq!((text.as_str(), calls), (answers[1].text.as_str(), answers[1].tool_calls.len()));
    (answers, requests)
}

async fn failed(vendor: &str, reply: Reply) -> [ProviderError; 2] {
    let (got, _) = both(vendor, [reply.clone(), reply], &ModelRequest::prompt("x")).await;
    got.map(Got::error)
}

fn search() -> ToolDefinition {
    ToolDefinition {
        name: "web.search".to_owned(),
        description: "Searches.".to_owned(),
        input_schema: json!({ "type": "object", "properties": { "q": { "type": "string" } } }),
    }
}

fn person() -> Value {
    json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "age": { "type": "integer" } },
        "required": ["name"],
    })
}

mod rows {
    use super::*;

    pub(super) async fn text(vendor: &str) {
        let request = ModelRequest::prompt("x").with_system_prompt("be brief").with_max_tokens(9);
        let ([answer, _], requests) = said(vendor, &Said::text("Hällo you"), &request).await;
        assert_eq!((answer.text.as_str(), answer.model.as_str()), ("Hällo you", "m-1"));
        assert_eq!(answer.finish_reason, Some(FinishReason::Stop), "{vendor}");
        let (system, limit) = match vendor {
            "anthropic" => ("/system", "/max_tokens"),
            "google" => ("/systemInstruction/parts/0/text", "/generationConfig/maxOutputTokens"),
            _ => ("/messages/0/content", "/max_tokens"),
        };
        for request in requests {
            assert_eq!(request.body.pointer(system), Some(&json!("be brief")), "{vendor}");
            assert_eq!(request.body.pointer(limit), Some(&json!(9)), "{vendor}");
        }
    }

    pub(super) async fn a_tool_is_called_by_its_own_name(vendor: &str) {
        let request = ModelRequest::prompt("x").with_tools([search()]);
        let (_, sent) = said(vendor, &Said::text("hm"), &request).await;
        let declared = match vendor {
            "anthropic" => "/tools/0/name",
            "google" => "/tools/0/functionDeclarations/0/name",
            _ => "/tools/0/function/name",
        };
        let wire = sent[0].body.pointer(declared).and_then(Value::as_str).unwrap();
        assert!(!wire.contains('.'), "{vendor}: {wire}");
        for arguments in [json!({ "q": "a" }), json!({})] {
            let call = Said::call(wire, arguments.clone());
            let ([answer, _], _) = said(vendor, &call, &request).await;
            assert_eq!(answer.tool_calls[0].name, "web.search", "{vendor}");
            assert_eq!(answer.tool_calls[0].arguments, arguments, "{vendor}");
            assert_eq!(answer.finish_reason, Some(FinishReason::ToolCalls), "{vendor}");
        }
    }

    pub(super) async fn a_tools_result_goes_back_to_its_call(vendor: &str) {
        let call = ToolCall {
            id: "call_7".to_owned(),
            name: "web.search".to_owned(),
            arguments: json!({ "q": "a" }),
        };
        let mut turn = Message::assistant("");
        turn.tool_calls.push(call.clone());
        let turns = [Message::user("x"), turn, Message::tool(&call, "found it")];
        let request = ModelRequest::messages(turns).with_tools([search()]);
        let (_, requests) = said(vendor, &Said::text("done"), &request).await;
        let (result, id) = match vendor {
            "anthropic" => {
                ("/messages/2/content/0/content", Some("/messages/2/content/0/tool_use_id"))
            }
            "google" => ("/contents/2/parts/0/functionResponse/response/content", None),
            _ => ("/messages/2/content", Some("/messages/2/tool_call_id")),
        };
        for request in requests {
            assert_eq!(request.body.pointer(result), Some(&json!("found it")), "{vendor}");
            if let Some(id) = id {
                assert_eq!(request.body.pointer(id), Some(&json!("call_7")), "{vendor}");
            }
        }
    }

    pub(super) async fn an_answer_to_a_schema_is_its_text(vendor: &str) {
        let request =
            ModelRequest::prompt("x").with_response_format(ResponseFormat::Schema(person()));
        let text = r#"{"name":"Ada","age":36}"#;
        let ([answer, streamed], requests) = said(vendor, &Said::data(text), &request).await;
        assert_eq!((answer.text.as_str(), streamed.text.as_str()), (text, text), "{vendor}");
        assert!(answer.tool_calls.is_empty(), "{vendor}");
        assert_eq!(answer.finish_reason, Some(FinishReason::Stop), "{vendor}");
        let schema = match vendor {
            "anthropic" => "/tools/0/input_schema",
            "google" => "/generationConfig/responseJsonSchema",
            _ => "/response_format/json_schema/schema",
        };
        for request in requests {
            let schema = request.body.pointer(schema).unwrap();
            assert_eq!(schema["properties"]["name"]["type"], "string", "{vendor}");
            if schema["additionalProperties"] == json!(false) {
                assert_eq!(schema["properties"]["age"]["type"], json!(["integer", "null"]));
                assert_eq!(schema["required"], json!(["name", "age"]));
            }
        }
    }

    pub(super) async fn an_answer_to_a_schema_beside_tools(vendor: &str) {
        let request = ModelRequest::prompt("x")
            .with_tools([search()])
            .with_response_format(ResponseFormat::Schema(person()));
        let ([answer, _], requests) =
            said(vendor, &Said::data(r#"{"name":"Ada"}"#), &request).await;
        assert_eq!(answer.text, r#"{"name":"Ada"}"#, "{vendor}");
        assert!(requests.iter().all(|request| request.body.get("tools").is_some()), "{vendor}");
    }

    pub(super) async fn any_json(vendor: &str) {
        let request = ModelRequest::prompt("x").with_response_format(ResponseFormat::Json);
        let ([answer, _], requests) = said(vendor, &Said::text("[1, 2]"), &request).await;
        assert_eq!(answer.text, "[1, 2]", "{vendor}");
        assert!(requests[0].body.to_string().to_ascii_lowercase().contains("json"), "{vendor}");
    }

    pub(super) async fn cached_and_reasoning_tokens_are_parts_of_all(vendor: &str) {
        let answer = Said::text("hi there").using(Some([100, 40, 64, 25]));
        let ([answer, _], _) = said(vendor, &answer, &ModelRequest::prompt("x")).await;
        let expected = Usage {
            prompt_tokens: 100,
            completion_tokens: 40,
            cached_tokens: 64,
            reasoning_tokens: 25,
            estimated: false,
        };
        assert_eq!(answer.usage, expected, "{vendor}");
    }

    pub(super) async fn usage_that_is_missing_is_estimated(vendor: &str) {
        let answer = Said::text("12345678").using(None);
        let ([answer, _], _) = said(vendor, &answer, &ModelRequest::prompt("1234")).await;
        let Usage { completion_tokens, estimated, prompt_tokens, .. } = answer.usage;
        assert!(estimated && prompt_tokens > 0, "{vendor}: {:?}", answer.usage);
        assert_eq!(completion_tokens, 2, "{vendor}");
    }

    pub(super) async fn refusals_cost_nothing(vendor: &str) {
        for (reply, kind) in [
            (Reply::error(400, "no"), Rejected),
            (Reply::error(401, "no"), Auth),
            (Reply::rate_limited("7"), RateLimited),
        ] {
            for error in failed(vendor, reply).await {
                assert_eq!((error.kind, error.may_be_billed()), (kind, false), "{vendor}: {error}");
                let wish = (kind == RateLimited).then_some(Duration::from_secs(7));
                assert_eq!(error.retry_after, wish, "{vendor}");
            }
        }
    }

    pub(super) async fn a_server_error_costs_nothing(vendor: &str) {
        for reply in [Reply::overloaded(), Reply::error(500, "oh"), Reply::error(503, "oh")] {
            for error in failed(vendor, reply).await {
                assert_eq!((error.kind, error.may_be_billed()), (Unavailable, false), "{vendor}");
            }
        }
    }

    pub(super) async fn silence_may_be_billed(vendor: &str) {
        for error in failed(vendor, Reply::hang()).await {
            assert_eq!((error.kind, error.may_be_billed()), (Timeout, true), "{vendor}: {error}");
        }
    }

    pub(super) async fn an_answer_that_breaks_off_may_be_billed(vendor: &str) {
        let answer = Said::text("Hello you");
        let whole = answer.reply(vendor, false).cut_after_bytes(20);
        let events = if vendor == "anthropic" { 3 } else { 1 };
        let pieces = answer.reply(vendor, true).cut_after_events(events);
        let (got, _) = both(vendor, [whole, pieces], &ModelRequest::prompt("x")).await;
        assert!(!got[1].pieces.is_empty(), "{vendor}");
        for error in got.map(Got::error) {
            assert_eq!((error.kind, error.may_be_billed()), (Network, true), "{vendor}: {error}");
        }
        for error in failed(vendor, Reply::reset()).await {
            assert_eq!((error.kind, error.may_be_billed()), (Network, true), "{vendor}: {error}");
        }
    }

    pub(super) async fn an_answer_that_makes_no_sense_may_be_billed(vendor: &str) {
        let whole = Reply::new(200, "application/json", "{\"private\":");
        let pieces = Said::text("Hello you").reply(vendor, true).garbage_before_event(1);
        let (got, _) = both(vendor, [whole, pieces], &ModelRequest::prompt("x")).await;
        for error in got.map(Got::error) {
            assert_eq!((error.kind, error.may_be_billed()), (Malformed, true), "{vendor}: {error}");
            assert!(!error.message.contains("private"));
        }
    }

    pub(super) async fn a_connection_that_is_refused_costs_nothing(vendor: &str) {
        let server = VendorServer::start().await.unwrap();
        let provider = open(vendor, &server.url());
        drop(server);
        let error = provider.complete(&ModelRequest::prompt("x")).await.unwrap_err();
        assert_eq!((error.kind, error.may_be_billed()), (Network, false), "{vendor}: {error}");
    }

    pub(super) async fn a_sign_of_life(vendor: &str) {
        let server = VendorServer::start().await.unwrap();
        server.enqueue(Reply::json(200, &json!({ "data": [] })));
        server.enqueue(Reply::error(401, "who are you"));
        server.enqueue(Reply::error(404, "what"));
        let provider = open(vendor, &server.url());
        assert!(provider.ping().await.unwrap().is_ok(), "{vendor}");
        assert_eq!(provider.ping().await.unwrap().unwrap_err().kind, Auth, "{vendor}");
        assert!(provider.ping().await.is_none(), "{vendor}: it is not the vendor's own address");
        let path = match vendor {
            "anthropic" => "/v1/models?limit=1",
            "google" => "/v1beta/models?pageSize=1",
            _ => "/v1/models",
        };
        for request in server.requests() {
            assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", path));
            let key = match vendor {
                "anthropic" => request.header("x-api-key"),
                "google" => request.header("x-goog-api-key"),
                _ => request.header("authorization"),
            };
            assert_eq!(key.is_some(), vendor != "ollama", "{vendor}");
        }
    }
}

#[test]
fn a_vendor_at_home_knows_its_models_by_their_names_and_a_server_elsewhere_does_not() {
    use runcor_providers::{
        Anthropic, AnthropicConfig, Google, GoogleConfig, OpenAi, OpenAiConfig,
    };
    let anthropic = Anthropic::new(AnthropicConfig::default()).unwrap();
    let google = Google::new(GoogleConfig::default()).unwrap();
    let openai = OpenAi::new(OpenAiConfig::default()).unwrap();
    let names = ["claude-opus-5-5", "gemini-3.5-flash-lite", "gpt-6-luna", "llama3.2"];
    let serves = |provider: &dyn ModelProvider| names.map(|name| provider.serves(name));
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(serves(&anthropic), [yes, no, no, None]);
    assert_eq!(serves(&google), [no, yes, no, None]);
    assert_eq!(serves(&openai), [no, no, yes, None]);
    let elsewhere = open("ollama", "http://127.0.0.1:9");
    assert_eq!(serves(elsewhere.as_ref()), [None; 4]);
    assert_eq!(anthropic.address(), Some("https://api.anthropic.com/"));
}

#[tokio::test]
async fn anthropics_own_way_to_hold_an_answer_to_a_schema_is_plain_text_whole_and_in_pieces() {
    let schema = ResponseFormat::Schema(person());
    let request = ModelRequest::prompt("x").with_response_format(schema);
    let text = r#"{"name":"Ada","age":36}"#;
    let server = VendorServer::start().await.unwrap();
    for streams in [false, true] {
        server.enqueue(Said::text(text).reply("anthropic", streams));
    }
    let native = json!({ "structuredOutput": "native" });
    let provider = provider("anthropic", &server.url(), &native);
    assert_eq!(provider.complete(&request).await.unwrap().text, text);
    let streamed = listen(provider.as_ref(), &request).await;
    assert_eq!((streamed.pieces.len(), streamed.answer().text.as_str()), (2, text));
    for asked in server.requests() {
        let format = &asked.body["output_config"]["format"];
        assert_eq!(format["schema"]["additionalProperties"], false);
        assert_eq!(format["schema"]["required"], json!(["name"]));
        assert!(asked.body.get("tools").is_none());
    }
}
