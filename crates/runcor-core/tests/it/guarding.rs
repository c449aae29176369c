//! Guardrails around what flows ask models, and what they answer.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use runcor_core::{
    Error, ErrorCode, FlowContext, Governance, Guard, GuardPhase, GuardScope, Message, ModelChunk,
    ModelRequest, ModelResponse, ModelService, ModelStream, Result, StreamGuard, ToolCall,
};
use serde_json::{Value, json};

use crate::support::Bed;

/// What a guard makes of content.
type Rule = fn(GuardPhase, Value) -> Result<Value>;

/// A guard that does what a test says, and holds a stream back word by word.
#[derive(Clone)]
struct Scripted {
    rule: Rule,
    streams: bool,
    seen: Arc<Mutex<Vec<(GuardPhase, Value)>>>,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    fn new(rule: Rule) -> Self {
        Self { rule, streams: false, seen: Arc::default() }
    }

    fn streaming(rule: Rule) -> Self {
        Self { streams: true, ..Self::new(rule) }
    }
}

#[async_trait]
impl Guard for Scripted {
    fn watches(&self, phase: GuardPhase, _: &GuardScope) -> bool {
        matches!(phase, GuardPhase::ModelRequest | GuardPhase::ModelResponse)
    }

    async fn check(&self, phase: GuardPhase, content: Value, _: &GuardScope) -> Result<Value> {
        self.seen.lock().push((phase, content.clone()));
        (self.rule)(phase, content)
    }

    fn stream(&self, _: &GuardScope) -> Option<Box<dyn StreamGuard>> {
        let held = String::new();
        self.streams.then(|| Box::new(Words { guard: self.clone(), held }) as Box<dyn StreamGuard>)
    }
}

/// Lets whole words go on, `bad` never, and `secret` as `***`.
struct Words {
    guard: Scripted,
    held: String,
}

impl Words {
    fn judged(word: &str) -> Result<String> {
        match word.trim() {
            "bad" => Err(blocked()),
            _ => Ok(word.replace("secret", "***")),
        }
    }
}

#[async_trait]
impl StreamGuard for Words {
    fn push(&mut self, text: &str) -> Result<String> {
        self.held.push_str(text);
        let mut out = String::new();
        while let Some(space) = self.held.find(' ') {
            let word: String = self.held.drain(..=space).collect();
            out.push_str(&Self::judged(&word)?);
        }
        Ok(out)
    }

    async fn finish(&mut self) -> Result<String> {
        tokio::task::yield_now().await;
        Self::judged(&std::mem::take(&mut self.held))
    }

    async fn close(&mut self, answer: Value) -> Result<Value> {
        self.guard.seen.lock().push((GuardPhase::ModelResponse, answer.clone()));
        (self.guard.rule)(GuardPhase::ModelResponse, answer)
    }
}

/// Models that stream what a test gives them.
#[derive(Debug)]
struct Streaming {
    pieces: Mutex<Vec<Result<ModelChunk>>>,
    /// Whether the stream is still there.
    alive: Arc<()>,
}

#[async_trait]
impl ModelService for Streaming {
    async fn complete(&self, _: ModelRequest) -> Result<ModelResponse> {
        Err(Error::new(ErrorCode::InvalidRequest, "not scripted"))
    }

    async fn stream(&self, _: ModelRequest) -> Result<ModelStream> {
        let pieces = std::mem::take(&mut *self.pieces.lock());
        let alive = Arc::clone(&self.alive);
        Ok(Box::pin(stream::iter(pieces).map(move |piece| {
            let _ = &alive;
            piece
        })))
    }
}

fn blocked() -> Error {
    Error::new(ErrorCode::GuardrailBlocked, "a guardrail blocked it")
}

fn pass(_: GuardPhase, content: Value) -> Result<Value> {
    Ok(content)
}

fn guarded(bed: &Bed, guard: &Scripted) -> FlowContext {
    let guard: Arc<dyn Guard> = Arc::new(guard.clone());
    bed.governed(Governance { guard: Some(guard), ..Governance::default() })
}

fn call(arguments: Value) -> ToolCall {
    ToolCall { id: "1".to_owned(), name: "t".to_owned(), arguments }
}

fn text(text: &str) -> Result<ModelChunk> {
    Ok(ModelChunk::TextDelta { text: text.to_owned() })
}

fn finished(text: &str, tool_calls: Vec<ToolCall>) -> Result<ModelChunk> {
    let response = ModelResponse { text: text.to_owned(), tool_calls, ..ModelResponse::default() };
    Ok(ModelChunk::Finished { response: Box::new(response) })
}

/// Streams pieces through a guard; returns what came of them, and whether the
/// models' own stream is over by then.
async fn streamed(
    guard: &Scripted,
    pieces: Vec<Result<ModelChunk>>,
) -> (Vec<Result<ModelChunk>>, bool) {
    let alive = Arc::new(());
    let models = Streaming { pieces: Mutex::new(pieces), alive: Arc::clone(&alive) };
    let bed = Bed::new();
    let guard: Arc<dyn Guard> = Arc::new(guard.clone());
    let governance = Governance { guard: Some(guard), ..Governance::default() };
    let ctx = bed.governed_over(governance, Arc::new(models));
    let mut pieces = ctx.model().stream(ModelRequest::prompt("hi")).await.unwrap();
    let mut out = Vec::new();
    while let Some(piece) = pieces.next().await {
        out.push(piece);
    }
    // The test's own, and that of the models.
    (out, Arc::strong_count(&alive) <= 2)
}

fn texts(pieces: &[Result<ModelChunk>]) -> String {
    let text = pieces.iter().filter_map(|piece| match piece {
        Ok(ModelChunk::TextDelta { text }) => Some(text.as_str()),
        _ => None,
    });
    text.collect()
}

fn last(pieces: &[Result<ModelChunk>]) -> &ModelResponse {
    match pieces.last() {
        Some(Ok(ModelChunk::Finished { response })) => response,
        other => panic!("not finished but {other:?}"),
    }
}

#[tokio::test]
async fn a_model_is_asked_what_the_guard_has_made_of_the_request() {
    let guard = Scripted::new(|phase, mut content| {
        if phase == GuardPhase::ModelRequest {
            content["prompt"] = json!("clean");
            content["systemPrompt"] = Value::Null;
            content["messages"][0]["content"] = json!("clean too");
        }
        Ok(content)
    });
    let bed = Bed::new();
    bed.models.answers.lock().push_back(Ok(ModelResponse::default()));
    let request = ModelRequest::messages([Message::user("dirty")]).with_system_prompt("dirty");
    guarded(&bed, &guard).model().complete(request).await.unwrap();
    let asked = bed.models.asked.lock();
    assert_eq!(asked[0].prompt.as_deref(), Some("clean"));
    assert_eq!(asked[0].system_prompt, None, "what was taken away does not come back");
    assert_eq!(asked[0].messages, [Message::user("clean too")]);
}

#[tokio::test]
async fn messages_that_are_none_any_more_are_not_sent_as_they_were() {
    let guard = Scripted::new(|_, mut content| {
        content["messages"] = json!("4111");
        Ok(content)
    });
    let bed = Bed::new();
    let request = ModelRequest::messages([Message::user("dirty")]);
    let error = guarded(&bed, &guard).model().complete(request).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::GuardrailBlocked);
    assert!(!error.to_string().contains("4111"));
    assert!(bed.models.asked.lock().is_empty());
}

#[tokio::test]
async fn an_answer_reaches_the_flow_and_the_journal_as_the_guard_has_made_it() {
    let guard = Scripted::new(|phase, mut content| {
        if phase == GuardPhase::ModelResponse {
            content["text"] = json!("clean");
            content["toolCalls"][0]["arguments"] = json!({ "to": "***" });
            content["parsed"] = json!([1]);
        }
        Ok(content)
    });
    let bed = Bed::new();
    let answer = ModelResponse {
        text: "secret".to_owned(),
        tool_calls: vec![call(json!({ "to": "secret" }))],
        parsed: Some(json!("secret")),
        ..ModelResponse::default()
    };
    bed.models.answers.lock().push_back(Ok(answer));
    let answer = guarded(&bed, &guard).model().complete(ModelRequest::prompt("q")).await.unwrap();
    assert_eq!(answer.text, "clean");
    assert_eq!(answer.tool_calls[0].arguments, json!({ "to": "***" }));
    assert_eq!(answer.parsed, Some(json!([1])));
    assert!(!format!("{:?}", bed.journal.entries.lock()).contains("secret"));
}

#[tokio::test]
async fn an_answer_of_text_alone_is_shown_as_text() {
    let guard = Scripted::new(pass);
    let bed = Bed::new();
    let answer = ModelResponse { text: "plain".to_owned(), ..ModelResponse::default() };
    bed.models.answers.lock().push_back(Ok(answer));
    guarded(&bed, &guard).model().complete(ModelRequest::prompt("q")).await.unwrap();
    let seen = guard.seen.lock();
    assert_eq!(seen[1], (GuardPhase::ModelResponse, json!("plain")));
}

#[tokio::test]
async fn a_stream_goes_on_as_its_window_lets_it_and_is_closed_once() {
    let guard = Scripted::streaming(pass);
    let pieces =
        vec![text("the sec"), text("ret is "), text("out"), finished("the secret is out", vec![])];
    let (out, _) = streamed(&guard, pieces).await;
    let went: Vec<_> = out.iter().map(|piece| texts(std::slice::from_ref(piece))).collect();
    assert_eq!(went, ["the ", "*** is ", "out", ""]);
    assert_eq!(last(&out).text, "the *** is out");
    let seen = guard.seen.lock();
    let responses: Vec<_> =
        seen.iter().filter(|(phase, _)| *phase == GuardPhase::ModelResponse).collect();
    assert_eq!(responses, [&(GuardPhase::ModelResponse, json!("the *** is out"))]);
}

#[tokio::test]
async fn a_blocked_stream_ends_there_and_gives_up_the_request() {
    let guard = Scripted::streaming(pass);
    let pieces = vec![text("so ba"), text("d it"), text(" is"), finished("so bad it is", vec![])];
    let (out, is_over) = streamed(&guard, pieces).await;
    assert_eq!(texts(&out), "so ");
    let error = out.last().unwrap().as_ref().unwrap_err();
    assert_eq!(error.code(), ErrorCode::GuardrailBlocked);
    assert_eq!(out.len(), 2, "nothing comes behind the error");
    assert!(is_over, "the request is dropped");
}

#[tokio::test]
async fn tool_calls_of_a_stream_come_once_they_are_judged() {
    let rule: Rule = |_, mut content| {
        if content.get("toolCalls").is_some() {
            content["toolCalls"][0]["arguments"] = json!("***");
        }
        Ok(content)
    };
    let secret = call(json!("secret"));
    for guard in [Scripted::streaming(rule), Scripted::new(rule)] {
        let early = Ok(ModelChunk::ToolCall { tool_call: secret.clone() });
        let pieces = vec![text("hi "), early, finished("hi ", vec![secret.clone()])];
        let (out, _) = streamed(&guard, pieces).await;
        let calls: Vec<_> = out
            .iter()
            .filter_map(|piece| match piece {
                Ok(ModelChunk::ToolCall { tool_call }) => Some(tool_call.arguments.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(calls, [json!("***")]);
        assert_eq!(last(&out).tool_calls[0].arguments, json!("***"));
    }
}

#[tokio::test]
async fn an_answer_that_comes_whole_is_looked_at_like_one_that_came_in_pieces() {
    let guard = Scripted::streaming(pass);
    let (out, _) = streamed(&guard, vec![finished("a secret", vec![])]).await;
    assert_eq!(texts(&out), "a ***");
    assert_eq!(last(&out).text, "a ***");
    let (out, _) = streamed(&guard, vec![finished("bad ", vec![])]).await;
    assert_eq!(out.len(), 1);
    assert!(out[0].is_err());
}

#[tokio::test]
async fn what_judges_only_the_whole_fails_the_call_at_its_end() {
    let guard = Scripted::new(|phase, content| match phase {
        GuardPhase::ModelResponse => Err(blocked()),
        _ => Ok(content),
    });
    let (out, _) = streamed(&guard, vec![text("al"), text("l"), finished("all", vec![])]).await;
    assert_eq!(texts(&out), "all");
    assert!(out.last().unwrap().is_err());
    assert_eq!(out.len(), 3);
}

#[tokio::test]
async fn what_was_held_back_is_lost_when_the_stream_breaks() {
    let guard = Scripted::streaming(pass);
    let broken = Err(Error::new(ErrorCode::ProviderError, "gone"));
    let (out, _) = streamed(&guard, vec![text("a secre"), broken]).await;
    assert_eq!(texts(&out), "a ");
    assert_eq!(out.last().unwrap().as_ref().unwrap_err().code(), ErrorCode::ProviderError);
}
