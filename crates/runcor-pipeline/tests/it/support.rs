//! Fakes: a journal that outlives contexts, scripted models, a raw HTTP server.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use runcor_core::{
    Clock, Error, ErrorCode, ExecutionId, ExecutionSpec, FlowContext, FlowContextParts, FlowError,
    FlowName, FlowOutcome, IdempotencyKey, Journal, JournalEntry, JournalKind, ManualClock,
    ModelRequest, ModelResponse, ModelService, ModelStream, Result, SystemClock, Timestamp, Usage,
};
use runcor_pipeline::{FlowFile, NameLookup, SafeHttp, WebhookPolicy, pipeline_flow};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A journal in memory; with a limit it fails like a process that dies before the next write.
#[derive(Debug, Default)]
pub(crate) struct FakeJournal {
    pub(crate) entries: Mutex<Vec<JournalEntry>>,
    pub(crate) limit: Mutex<Option<usize>>,
}

#[async_trait]
impl Journal for FakeJournal {
    async fn find(&self, path: &str) -> Result<Option<Value>> {
        let entries = self.entries.lock().unwrap();
        Ok(entries.iter().find(|entry| entry.path == path).map(|entry| entry.value.clone()))
    }

    async fn count(&self, kind: JournalKind) -> Result<usize> {
        Ok(self.entries.lock().unwrap().iter().filter(|entry| entry.kind == kind).count())
    }

    async fn record(&self, entry: JournalEntry) -> Result<()> {
        let mut entries = self.entries.lock().unwrap();
        if self.limit.lock().unwrap().is_some_and(|limit| entries.len() >= limit) {
            return Err(Error::new(ErrorCode::StorageUnavailable, "the process is dead"));
        }
        entries.push(entry);
        Ok(())
    }
}

/// Models that answer from a script and remember what they were asked.
#[derive(Debug, Default)]
pub(crate) struct FakeModels {
    pub(crate) answers: Mutex<VecDeque<Result<ModelResponse>>>,
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
        self.asked.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(answer) => answer,
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
    pub(crate) http: SafeHttp,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) spec: Arc<ExecutionSpec>,
    flow: String,
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
        Self {
            journal: Arc::default(),
            models: Arc::default(),
            http: http(true),
            clock: Arc::new(SystemClock),
            spec: Arc::new(spec),
            flow: yaml.to_owned(),
        }
    }

    pub(crate) fn with_clock(mut self, clock: ManualClock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Runs the flow in a new context over the same journal.
    pub(crate) async fn go(&self) -> Result<Value, FlowError> {
        let spec = FlowFile::parse(&self.flow, "f.yaml").unwrap();
        let ctx = FlowContext::new(FlowContextParts {
            spec: Arc::clone(&self.spec),
            retry_count: 0,
            resume_count: 0,
            resume_data: None,
            models: Arc::clone(&self.models) as Arc<dyn ModelService>,
            journal: Arc::clone(&self.journal) as Arc<dyn Journal>,
            clock: Arc::clone(&self.clock),
            cancel: CancellationToken::new(),
        });
        match pipeline_flow(spec, &self.http).handler.run(ctx).await? {
            FlowOutcome::Complete(result) => Ok(result),
            FlowOutcome::Wait(_) => panic!("no step waits"),
        }
    }

    /// The paths and values that the journal holds.
    pub(crate) fn entries(&self) -> Vec<(String, Value)> {
        let entries = self.journal.entries.lock().unwrap();
        entries.iter().map(|entry| (entry.path.clone(), entry.value.clone())).collect()
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
