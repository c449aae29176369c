//! Fakes: a journal that outlives contexts, scripted models, a raw HTTP server.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use runcor_core::{
    Calls, ChildCall, Clock, Error, ErrorCode, ExecutionId, ExecutionSpec, FlowContext,
    FlowContextParts, FlowError, FlowName, FlowOutcome, Governance, IdempotencyKey, Journal,
    JournalEntry, ManualClock, ModelRequest, ModelResponse, ModelService, ModelStream, NoTools, Op,
    Outcome, Result, Suspension, SystemClock, Timestamp, Usage,
};
use runcor_pipeline::{FlowFile, NameLookup, PipelineSpec, SafeHttp, WebhookPolicy, pipeline_flow};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What happens at a write of the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crash {
    /// The write at which it happens, counted from 0.
    pub(crate) at: usize,
    /// Whether the write is durable nevertheless.
    pub(crate) is_durable: bool,
    /// Whether the process ends there; else the store fails from then on.
    pub(crate) kills: bool,
}

/// A journal in memory that can crash at a write.
#[derive(Debug, Default)]
pub(crate) struct FakeJournal {
    pub(crate) entries: Mutex<Vec<JournalEntry>>,
    pub(crate) crash: Mutex<Option<Crash>>,
    writes: Mutex<usize>,
    has_crashed: AtomicBool,
    killed: Notify,
}

impl FakeJournal {
    /// Crashes at a later write, counted from now on.
    pub(crate) fn crash_at(&self, crash: Crash) {
        *self.writes.lock().unwrap() = 0;
        *self.crash.lock().unwrap() = Some(crash);
    }

    /// Lets the journal work again; returns whether it had crashed.
    pub(crate) fn repair(&self) -> bool {
        *self.crash.lock().unwrap() = None;
        self.has_crashed.swap(false, Ordering::SeqCst)
    }

    /// Writes an entry, or crashes.
    pub(crate) async fn write(&self, entry: JournalEntry) -> Result<()> {
        let (_, crash) = self.try_to_write(entry);
        self.survive(crash).await
    }

    /// Writes an entry unless the journal crashes before; tells whether it did either.
    fn try_to_write(&self, entry: JournalEntry) -> (bool, Option<Crash>) {
        let crash = self.due_crash();
        let had_crashed = self.has_crashed.load(Ordering::SeqCst);
        let is_stored = crash.is_none_or(|crash| crash.is_durable && !had_crashed);
        if is_stored {
            self.store(entry);
        }
        (is_stored, crash)
    }

    async fn survive(&self, crash: Option<Crash>) -> Result<()> {
        let Some(crash) = crash else { return Ok(()) };
        self.has_crashed.store(true, Ordering::SeqCst);
        if crash.kills {
            self.killed.notify_one();
            return std::future::pending().await;
        }
        Err(Error::new(ErrorCode::StorageUnavailable, "the store is gone").retryable(None))
    }

    fn due_crash(&self) -> Option<Crash> {
        let mut writes = self.writes.lock().unwrap();
        *writes += 1;
        self.crash.lock().unwrap().filter(|crash| *writes > crash.at)
    }

    fn store(&self, entry: JournalEntry) {
        let mut entries = self.entries.lock().unwrap();
        match entries.iter_mut().find(|stored| stored.path == entry.path) {
            Some(stored) => *stored = entry,
            None => entries.push(entry),
        }
    }

    /// Returns once the process is killed at a write.
    pub(crate) async fn killed(&self) {
        loop {
            self.killed.notified().await;
            // Several writes may have met the same death; the later ones tell of the past.
            if self.has_crashed.load(Ordering::SeqCst) {
                return;
            }
        }
    }

    /// Returns the paths of everything that need not be done again.
    pub(crate) fn answered(&self) -> Vec<String> {
        let entries = self.entries.lock().unwrap();
        let answered = entries.iter().filter(|entry| entry.outcome().is_some());
        answered.map(|entry| entry.path.clone()).collect()
    }
}

#[async_trait]
impl Journal for FakeJournal {
    async fn find(&self, path: &str) -> Result<Option<JournalEntry>> {
        let entries = self.entries.lock().unwrap();
        Ok(entries.iter().find(|entry| entry.path == path).cloned())
    }

    async fn begin(&self, entry: JournalEntry) -> Result<()> {
        self.write(entry).await
    }

    async fn end(&self, entry: JournalEntry, replace: bool, _: Vec<Op>) -> Result<()> {
        let found = self.find(&entry.path).await?;
        assert!(replace || found.is_none_or(|found| found.outcome().is_none()), "{entry:?}");
        self.write(entry).await
    }

    fn note(&self, entry: Option<JournalEntry>, _: Vec<Op>) {
        let (mut entries, noted) = (self.entries.lock().unwrap(), entry);
        entries.extend(noted);
    }

    fn has_notes(&self) -> bool {
        false
    }
}

/// Child executions, which end when the test says so.
#[derive(Debug, Default)]
pub(crate) struct FakeCalls {
    pub(crate) journal: Arc<FakeJournal>,
    pub(crate) started: Mutex<Vec<ChildCall>>,
    pub(crate) outcome: Mutex<Option<Outcome>>,
}

#[async_trait]
impl Calls for FakeCalls {
    async fn start(&self, call: ChildCall) -> Result<ExecutionId> {
        let child = ExecutionId::mint(call.intent.begun);
        let intent = call.intent.clone().with_note(JournalEntry::child_note(child));
        let (is_stored, crash) = self.journal.try_to_write(intent);
        // Both become true together: a child whose call is not in the journal was not started.
        if is_stored {
            self.started.lock().unwrap().push(call);
        }
        self.journal.survive(crash).await.map(|()| child)
    }

    async fn outcome(&self, _: ExecutionId) -> Result<Option<Outcome>> {
        Ok(self.outcome.lock().unwrap().clone())
    }
}

/// Models that answer from a script and remember what they were asked.
#[derive(Debug, Default)]
pub(crate) struct FakeModels {
    pub(crate) answers: Mutex<VecDeque<Result<ModelResponse>>>,
    /// Whether prompts are answered with themselves where the script has no answer.
    pub(crate) echoes: AtomicBool,
    pub(crate) asked: Mutex<Vec<ModelRequest>>,
}

impl FakeModels {
    pub(crate) fn answer(&self, answer: Result<ModelResponse>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    pub(crate) fn asked(&self) -> Vec<ModelRequest> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl ModelService for FakeModels {
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse> {
        let prompt = request.prompt.clone().unwrap_or_default();
        self.asked.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(answer) => answer,
            None if self.echoes.load(Ordering::SeqCst) => {
                // A model takes a moment, in which its intent is written.
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok(text(&prompt))
            }
            None => std::future::pending().await,
        }
    }

    async fn stream(&self, _: ModelRequest) -> Result<ModelStream> {
        Err(Error::new(ErrorCode::InvalidRequest, "not scripted"))
    }
}

/// An answer of ten prompt and five completion tokens.
pub(crate) fn text(text: &str) -> ModelResponse {
    ModelResponse {
        text: text.to_owned(),
        model: "m-1".to_owned(),
        provider: "fake".to_owned(),
        usage: Usage { prompt_tokens: 10, completion_tokens: 5, ..Usage::default() },
        ..ModelResponse::default()
    }
}

/// An answer that was parsed against a schema.
pub(crate) fn parsed(value: &Value) -> ModelResponse {
    ModelResponse { parsed: Some(value.clone()), ..text(&value.to_string()) }
}

/// One execution that can be run again and again, as an engine would.
pub(crate) struct Run {
    pub(crate) journal: Arc<FakeJournal>,
    pub(crate) models: Arc<FakeModels>,
    pub(crate) calls: Arc<FakeCalls>,
    pub(crate) http: SafeHttp,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) spec: Arc<ExecutionSpec>,
    pub(crate) flow: PipelineSpec,
}

impl Run {
    pub(crate) fn new(yaml: &str, input: Value) -> Self {
        let start = Timestamp::from_millis(1_767_225_600_000);
        let spec = ExecutionSpec::new(
            ExecutionId::mint(start),
            FlowName::new("f").unwrap(),
            IdempotencyKey::new("k").unwrap(),
            input,
            start,
        );
        let journal = Arc::<FakeJournal>::default();
        let calls = FakeCalls { journal: Arc::clone(&journal), ..FakeCalls::default() };
        Self {
            journal,
            models: Arc::default(),
            calls: Arc::new(calls),
            http: http(true),
            clock: Arc::new(SystemClock),
            spec: Arc::new(spec),
            flow: FlowFile::parse(yaml, "f.yaml").unwrap(),
        }
    }

    pub(crate) fn with_clock(mut self, clock: ManualClock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The same execution with another flow file.
    pub(crate) fn edited(mut self, yaml: &str) -> Self {
        self.flow = FlowFile::parse(yaml, "f.yaml").unwrap();
        self
    }

    /// Runs the flow in a new context over the same journal, until it has ended or is killed.
    pub(crate) async fn go(&self) -> Result<Value, FlowError> {
        let flow = pipeline_flow(self.flow.clone(), &self.http);
        let ctx = FlowContext::new(FlowContextParts {
            spec: Arc::clone(&self.spec),
            retry_count: 0,
            resume_count: 0,
            resume_data: None,
            models: Arc::clone(&self.models) as Arc<dyn ModelService>,
            tools: Arc::new(NoTools),
            journal: Arc::clone(&self.journal) as Arc<dyn Journal>,
            calls: Arc::clone(&self.calls) as Arc<dyn Calls>,
            on_divergence: flow.info.config.on_divergence,
            governance: Governance::default(),
            clock: Arc::clone(&self.clock),
            cancel: CancellationToken::new(),
        });
        let outcome = tokio::select! {
            biased;
            () = self.journal.killed() => return Err(FlowError::permanent("killed")),
            outcome = flow.handler.run(ctx) => outcome,
        };
        match outcome? {
            FlowOutcome::Complete(result) => Ok(result),
            FlowOutcome::Wait(_) => panic!("steps pause by an error"),
        }
    }

    /// Runs the flow until it pauses, and stores the pause as an engine would.
    pub(crate) async fn pause(&self) -> Suspension {
        let pause = self.go().await.unwrap_err().into_suspension().unwrap();
        self.note(&pause).await.unwrap();
        pause
    }

    /// Stores a pause.
    pub(crate) async fn note(&self, pause: &Suspension) -> Result<()> {
        for intent in pause.intents.clone() {
            self.journal.write(intent).await?;
        }
        Ok(())
    }

    /// Answers what a pause waits for.
    pub(crate) async fn answer(&self, pause: &Suspension, outcome: Outcome) -> Result<()> {
        let path = pause.path.as_deref().unwrap();
        let entry = self.journal.find(path).await?.unwrap();
        self.journal.write(entry.with_outcome(outcome, self.clock.now())).await
    }

    /// The paths and results that the journal holds.
    pub(crate) fn entries(&self) -> Vec<(String, Value)> {
        let entries = self.journal.entries.lock().unwrap();
        let done = |entry: &JournalEntry| match entry.outcome() {
            Some(Outcome::Done(value)) => Some((entry.path.clone(), value.clone())),
            _ => None,
        };
        entries.iter().filter_map(done).collect()
    }
}

/// Moves a manual clock on whenever somebody sleeps on it; returns how long they slept.
pub(crate) async fn skipping<T>(
    clock: &ManualClock,
    work: impl Future<Output = T>,
) -> (T, Duration) {
    let start = clock.now();
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return (done, clock.now().since(start)),
            () = tokio::time::sleep(Duration::from_millis(40)) => {
                if let Some(wake) = clock.next_wake() {
                    clock.set(wake);
                }
            }
        }
    }
}

/// A client that resolves every name to loopback.
pub(crate) fn http(allow_private: bool) -> SafeHttp {
    let policy = WebhookPolicy { allow_private, ..WebhookPolicy::default() };
    SafeHttp::with_lookup(policy, Arc::new(Fixed(vec!["127.0.0.1".parse().unwrap()]))).unwrap()
}

/// A name service that gives the same addresses for every name.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) Vec<IpAddr>);

#[async_trait]
impl NameLookup for Fixed {
    async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

/// An HTTP server that gives scripted answers, one a connection, and keeps the requests.
pub(crate) struct Server {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers the first request with the first text, and so on; then nobody listens.
    pub(crate) async fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                seen.lock().unwrap().push(request);
                // The client may hang up before it has read everything.
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, requests }
    }

    /// Answers every request with its own body, for ever.
    pub(crate) async fn echoing() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let request = read_request(&mut stream).await;
                    seen.lock().unwrap().push(request.clone());
                    let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
                    let _ = stream.write_all(&answer("200 OK", &[], body)).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { port, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The value of a header in each request.
    pub(crate) fn header(&self, name: &str) -> Vec<Option<String>> {
        let find = |request: &String| {
            request.lines().take_while(|line| !line.is_empty()).find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        self.requests().iter().map(find).collect()
    }
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.unwrap_or(0);
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned)
                })
                .and_then(|length| length.trim().parse().ok())
                .unwrap_or(0);
            if body.len() >= length || count == 0 {
                return text;
            }
        }
        if count == 0 {
            return text;
        }
    }
}

/// An HTTP answer with the given status line, further headers and body.
pub(crate) fn answer(status: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}
