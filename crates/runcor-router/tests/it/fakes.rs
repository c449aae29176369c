//! A provider that plays a script, a sink that records, and time that flies.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, poll, stream};
use parking_lot::Mutex;

use runcor_core::{
    Clock, Event, EventSink, ManualClock, ModelCapabilities, ModelChunk, ModelProvider,
    ModelRequest, ModelResponse, ModelStream, ProviderError, ProviderErrorKind, ProviderHealth,
    ProviderStream, ToolCall, Usage,
};
use runcor_router::{Router, RouterBuilder};

/// What a scripted provider does when it is asked.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    /// Answers with this text; streamed in pieces of one word.
    Say(&'static str),
    /// Answers with this text and does not tell what it used.
    Mute(&'static str),
    /// Answers with a tool call and this text.
    Call(&'static str),
    /// Answers with this text, whole, after a while.
    After(Duration, &'static str),
    /// Fails after a while.
    FailAfter(Duration, ProviderErrorKind),
    /// Fails at once.
    Fail(ProviderErrorKind),
    /// Fails at once and asks for a pause.
    Busy(Duration),
    /// Never answers.
    Hang,
    /// Streams this text and then fails.
    Break(&'static str, ProviderErrorKind),
    /// Streams this text and then ends without a last chunk.
    Trail(&'static str),
    /// Streams this text and then never goes on.
    Stall(&'static str),
}

/// A provider that plays a script, and answers `ok` when that is over.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    name: String,
    streaming: bool,
    /// Whether a sign of life costs nothing, and takes what the script says.
    pings: bool,
    /// How the names of its models begin, where it knows.
    serves: Option<&'static str>,
    address: Option<&'static str>,
    script: Mutex<VecDeque<Turn>>,
    seen: Mutex<Vec<ModelRequest>>,
    open_streams: Arc<AtomicUsize>,
}

impl Scripted {
    pub(crate) fn new(name: &str, script: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        let script = Mutex::new(script.into_iter().collect());
        Arc::new(Self { name: name.to_owned(), script, ..Self::default() })
    }

    pub(crate) fn streaming(name: &str, script: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        let script = Mutex::new(script.into_iter().collect());
        Arc::new(Self { name: name.to_owned(), streaming: true, script, ..Self::default() })
    }

    pub(crate) fn knowing(
        name: &str,
        serves: &'static str,
        script: impl IntoIterator<Item = Turn>,
    ) -> Arc<Self> {
        let script = Mutex::new(script.into_iter().collect());
        Arc::new(Self { name: name.to_owned(), serves: Some(serves), script, ..Self::default() })
    }

    pub(crate) fn at(
        name: &str,
        address: &'static str,
        script: impl IntoIterator<Item = Turn>,
    ) -> Arc<Self> {
        let script = Mutex::new(script.into_iter().collect());
        Arc::new(Self { name: name.to_owned(), address: Some(address), script, ..Self::default() })
    }

    pub(crate) fn pinging(name: &str, script: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        let script = Mutex::new(script.into_iter().collect());
        Arc::new(Self { name: name.to_owned(), pings: true, script, ..Self::default() })
    }

    pub(crate) fn then(&self, turn: Turn) {
        self.script.lock().push_back(turn);
    }

    pub(crate) fn calls(&self) -> usize {
        self.seen.lock().len()
    }

    pub(crate) fn seen(&self, call: usize) -> ModelRequest {
        self.seen.lock()[call].clone()
    }

    pub(crate) fn models(&self) -> Vec<Option<String>> {
        self.seen.lock().iter().map(|request| request.model.clone()).collect()
    }

    pub(crate) fn open_streams(&self) -> usize {
        self.open_streams.load(Ordering::SeqCst)
    }

    fn turn(&self, request: &ModelRequest) -> Turn {
        self.seen.lock().push(request.clone());
        self.script.lock().pop_front().unwrap_or(Turn::Say("ok"))
    }

    fn error(&self, kind: ProviderErrorKind) -> ProviderError {
        ProviderError::new("vendor", kind, format!("{} said no", self.name))
    }

    /// Streams `text` word by word, then `end`, then what comes of `rest`.
    fn pieces(
        &self,
        text: &str,
        end: Vec<Result<ModelChunk, ProviderError>>,
        rest: ProviderStream,
    ) -> ProviderStream {
        let words = text.split_inclusive(' ').map(|word| Ok(delta(word)));
        let chunks: Vec<_> = words.chain(end).collect();
        let open = Open::new(&self.open_streams);
        Box::pin(stream::iter(chunks).chain(rest).map(move |chunk| {
            let _held = &open;
            chunk
        }))
    }

    fn pieces_then_end(
        &self,
        text: &str,
        end: Vec<Result<ModelChunk, ProviderError>>,
    ) -> ProviderStream {
        self.pieces(text, end, Box::pin(stream::empty()))
    }
}

/// Counts the streams that have not been dropped.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) fn delta(text: &str) -> ModelChunk {
    ModelChunk::TextDelta { text: text.to_owned() }
}

fn response(text: &str) -> ModelResponse {
    ModelResponse {
        text: text.to_owned(),
        model: "vendor-model".to_owned(),
        provider: "vendor".to_owned(),
        usage: Usage { prompt_tokens: 3, completion_tokens: 2, ..Usage::default() },
        ..ModelResponse::default()
    }
}

fn mute(text: &str) -> ModelResponse {
    ModelResponse { usage: Usage::default(), ..response(text) }
}

fn with_call(text: &str) -> ModelResponse {
    let call = ToolCall {
        id: "c1".to_owned(),
        name: "search".to_owned(),
        arguments: serde_json::json!({ "q": "x" }),
    };
    ModelResponse { tool_calls: vec![call], ..response(text) }
}

fn finished(response: ModelResponse) -> Result<ModelChunk, ProviderError> {
    Ok(ModelChunk::Finished { response: Box::new(response) })
}

#[async_trait]
impl ModelProvider for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> ModelCapabilities {
        let mut capabilities = ModelCapabilities::all();
        capabilities.streaming = self.streaming;
        capabilities
    }

    fn serves(&self, model: &str) -> Option<bool> {
        self.serves.map(|prefix| model.starts_with(prefix))
    }

    fn address(&self) -> Option<&str> {
        self.address
    }

    async fn ping(&self) -> Option<Result<(), ProviderError>> {
        if !self.pings {
            return None;
        }
        let turn = self.script.lock().pop_front();
        if let Some(Turn::After(pause, _)) = turn {
            wait(pause).await;
        }
        Some(Ok(()))
    }

    async fn complete(&self, request: &ModelRequest) -> Result<ModelResponse, ProviderError> {
        match self.turn(request) {
            Turn::Say(text) => Ok(response(text)),
            Turn::Mute(text) => Ok(mute(text)),
            Turn::After(pause, text) => {
                wait(pause).await;
                Ok(response(text))
            }
            Turn::FailAfter(pause, kind) => {
                wait(pause).await;
                Err(self.error(kind))
            }
            Turn::Call(text) => Ok(with_call(text)),
            Turn::Fail(kind) | Turn::Break(_, kind) => Err(self.error(kind)),
            Turn::Busy(pause) => {
                Err(self.error(ProviderErrorKind::RateLimited).with_retry_after(Some(pause)))
            }
            Turn::Hang | Turn::Trail(_) | Turn::Stall(_) => std::future::pending().await,
        }
    }

    async fn stream(&self, request: &ModelRequest) -> Result<ProviderStream, ProviderError> {
        assert!(self.streaming, "asked to stream although it said that it can't");
        match self.turn(request) {
            Turn::Say(text) => Ok(self.pieces_then_end(text, vec![finished(response(text))])),
            Turn::After(pause, text) => {
                wait(pause).await;
                Ok(self.pieces_then_end(text, vec![finished(response(text))]))
            }
            Turn::FailAfter(pause, kind) => {
                wait(pause).await;
                Err(self.error(kind))
            }
            Turn::Mute(text) => Ok(self.pieces_then_end(text, vec![finished(mute(text))])),
            Turn::Call(text) => {
                let whole = with_call(text);
                let call = ModelChunk::ToolCall { tool_call: whole.tool_calls[0].clone() };
                Ok(self.pieces_then_end(text, vec![Ok(call), finished(whole)]))
            }
            Turn::Fail(kind) => Err(self.error(kind)),
            Turn::Busy(pause) => {
                Err(self.error(ProviderErrorKind::RateLimited).with_retry_after(Some(pause)))
            }
            Turn::Hang => std::future::pending().await,
            Turn::Break(text, kind) => Ok(self.pieces_then_end(text, vec![Err(self.error(kind))])),
            Turn::Trail(text) => Ok(self.pieces_then_end(text, Vec::new())),
            Turn::Stall(text) => Ok(self.pieces(text, Vec::new(), Box::pin(stream::pending()))),
        }
    }
}

/// A sink that keeps everything.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Vec<Event>>);

impl EventSink for Recorder {
    fn emit(&self, event: Event) {
        self.0.lock().push(event);
    }
}

impl Recorder {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().clone()
    }

    pub(crate) fn health(&self) -> Vec<(ProviderHealth, ProviderHealth)> {
        let changes = self.events().into_iter().filter_map(|event| match event {
            Event::ProviderHealthChange(change) => Some((change.from, change.to)),
            _ => None,
        });
        changes.collect()
    }
}

/// A clock and a sink, and routers that use them.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) events: Arc<Recorder>,
}

thread_local! {
    /// The clock of the world in which a test lives, for providers that take their time.
    static CLOCK: RefCell<ManualClock> = RefCell::default();
}

impl Default for World {
    fn default() -> Self {
        let clock = ManualClock::new();
        CLOCK.set(clock.clone());
        Self { clock, events: Arc::default() }
    }
}

async fn wait(pause: Duration) {
    let clock = CLOCK.with_borrow(ManualClock::clone);
    clock.sleep(pause).await;
}

impl World {
    pub(crate) fn router(&self) -> RouterBuilder {
        Router::builder()
            .clock(Arc::new(self.clock.clone()))
            .events(Arc::<Recorder>::clone(&self.events))
    }

    /// Runs `work`, lets time fly to each instant that it sleeps for, and tells the pauses.
    pub(crate) async fn fly<T>(&self, work: impl Future<Output = T>) -> (T, Vec<Duration>) {
        let mut work = pin!(work);
        let mut pauses = Vec::new();
        loop {
            if let std::task::Poll::Ready(output) = poll!(work.as_mut()) {
                return (output, pauses);
            }
            let wake = self.clock.next_wake().expect("the work waits for nothing");
            pauses.push(wake.since(self.clock.now()));
            self.clock.set(wake);
        }
    }
}

/// Everything that comes out of a stream: its texts, its whole answer, its error.
pub(crate) async fn drain(
    mut chunks: ModelStream,
) -> (Vec<ModelChunk>, Option<ModelResponse>, Option<runcor_core::Error>) {
    let mut pieces = Vec::new();
    let (mut whole, mut failure) = (None, None);
    while let Some(chunk) = chunks.next().await {
        assert!(whole.is_none() && failure.is_none(), "something came after the end");
        match chunk {
            Ok(ModelChunk::Finished { response }) => whole = Some(*response),
            Ok(piece) => pieces.push(piece),
            Err(error) => failure = Some(error),
        }
    }
    (pieces, whole, failure)
}
