//! Recorded traffic: what a request looks like on the wire, and what is made of
//! the vendor's answer.
//!
//! A cassette is a directory with `call.json` (our request), `request.json`
//! (what the vendor must get), `response.json` or `response.sse` (what the
//! vendor answers, after its documentation), `answer.json` (our response), for
//! streams `chunks.json`, and perhaps `config.json`. `RUNCOR_BLESS=1` writes the
//! expectations anew; read the difference before you commit it.

use std::fs;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use runcor_core::{ModelChunk, ModelProvider, ModelRequest, ModelResponse};
use runcor_testkit::vendor_server::{Reply, VendorServer};
use serde_json::{Value, json};

use super::vendors::provider;

macro_rules! cassettes {
    ($($vendor:ident { $($name:ident,)* })*) => {
        $(mod $vendor {
            $(#[tokio::test]
            async fn $name() {
                super::play(stringify!($vendor), stringify!($name)).await;
            })*
        })*

        #[test]
        fn every_cassette_is_played() {
            let played = [$($(concat!(stringify!($vendor), "/", stringify!($name)),)*)*];
            for path in directories() {
                let name = path.strip_prefix(root()).unwrap();
                assert!(played.contains(&name.to_str().unwrap()), "{} is not played", name.display());
            }
        }
    };
}

cassettes! {
    anthropic {
        a_plain_answer,
        a_conversation_with_tools,
        a_tool_call_among_text,
        a_json_answer,
        a_structured_answer,
        a_structured_answer_beside_tools,
        a_structured_answer_of_claude_five,
        a_streamed_answer,
        a_streamed_tool_call,
        a_streamed_tool_call_without_arguments,
        a_streamed_structured_answer,
        a_streamed_list,
        a_streamed_list_that_the_limit_cuts,
    }
    google {
        a_plain_answer,
        a_conversation_with_tools,
        a_function_call,
        a_structured_answer,
        a_structured_answer_beside_tools,
        a_refused_question,
        a_streamed_answer,
        a_streamed_function_call,
    }
    openai {
        a_plain_answer,
        a_conversation_with_tools,
        tool_calls,
        a_json_answer,
        a_structured_answer,
        an_open_structured_answer,
        a_bare_servers_answer,
        a_refusal,
        a_streamed_answer,
        streamed_tool_calls,
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cassettes")
}

fn directories() -> Vec<PathBuf> {
    let children = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    children(&root()).iter().flat_map(|vendor| children(vendor)).collect()
}

async fn play(vendor: &str, name: &str) {
    let path = root().join(vendor).join(name);
    let read = |file: &str| fs::read_to_string(path.join(file)).ok();
    let json = |file: &str| read(file).map(|text| serde_json::from_str::<Value>(&text).unwrap());
    let call: ModelRequest = serde_json::from_value(json("call.json").unwrap()).unwrap();
    let events = read("response.sse");
    let reply = match &events {
        Some(events) => Reply::event_stream(events.as_str()),
        None => Reply::json(200, &json("response.json").unwrap()),
    };

    let server = VendorServer::start().await.unwrap();
    server.enqueue(reply);
    let config = json("config.json").unwrap_or_else(|| json!({}));
    let provider = provider(vendor, &server.url(), &config);
    let (answer, chunks) = ask(provider.as_ref(), &call, events.is_some()).await;

    let asked = server.requests();
    assert_eq!(asked.len(), 1, "one call is one request");
    let request = json!({ "path": asked[0].path, "body": asked[0].body });
    expect(&path, "request.json", &request);
    expect(&path, "answer.json", &serde_json::to_value(&answer).unwrap());
    if events.is_some() {
        expect(&path, "chunks.json", &serde_json::to_value(&chunks).unwrap());
    }
}

/// The answer, and the chunks before the last, which must make up its text.
async fn ask(
    provider: &dyn ModelProvider,
    call: &ModelRequest,
    streams: bool,
) -> (ModelResponse, Vec<ModelChunk>) {
    if !streams {
        return (provider.complete(call).await.unwrap(), Vec::new());
    }
    let chunks: Vec<_> = provider.stream(call).await.unwrap().collect().await;
    let mut chunks: Vec<ModelChunk> = chunks.into_iter().map(Result::unwrap).collect();
    let Some(ModelChunk::Finished { response }) = chunks.pop() else {
        panic!("a stream ends with the whole answer");
    };
    let text = chunks.iter().filter_map(|chunk| match chunk {
        ModelChunk::TextDelta { text } => Some(text.as_str()),
        ModelChunk::ToolCall { .. } | ModelChunk::Finished { .. } => None,
    });
    assert_eq!(text.collect::<String>(), response.text);
    (*response, chunks)
}

fn expect(path: &Path, file: &str, seen: &Value) {
    let path = path.join(file);
    if std::env::var_os("RUNCOR_BLESS").is_some() {
        fs::write(&path, serde_json::to_string_pretty(seen).unwrap() + "\n").unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    assert_eq!(*seen, expected, "{}", path.display());
}
