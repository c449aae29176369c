//! The HTTP API of the process, as its callers use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::flows::Work;
use crate::oracle::{Oracle, Waiting};

/// How long an answer may take; a process that was stopped for a while answers after that.
const PATIENCE: Duration = Duration::from_secs(90);

/// A way to one life of the process; its connections end with it.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    url: String,
    oracle: Arc<Oracle>,
    /// Requests that were sent and are not answered.
    asked: Arc<AtomicUsize>,
}

/// An answer: its status, its body, and whether it repeats an earlier one.
struct Answer {
    status: u16,
    body: Value,
    is_replayed: bool,
}

/// What has to become of an answer to a waiting execution.
enum Takes {
    /// It counts, with this receipt.
    Receipt(u64),
    /// It counts.
    Word,
    /// It is refused.
    Nothing,
}

impl Api {
    pub(crate) fn new(url: String, oracle: Arc<Oracle>) -> Result<Self> {
        let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { client, url, oracle, asked: Arc::default() })
    }

    /// Returns how many requests wait for their answer.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Asks until there is a 2xx.
    pub(crate) async fn first_answer(&self) {
        while !matches!(self.client.get(self.at("/readyz")).send().await, Ok(answer) if answer.status().is_success())
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Sends the trigger of a piece of work, for the first time or again.
    pub(crate) async fn trigger(&self, work: Work) {
        let sent = self.oracle.triggers(work);
        let body = json!({
            "idempotencyKey": work.key(), "input": { "n": work.n, "go": work.go },
        });
        let url = self.at(&format!("/v1/flows/{}/trigger", work.flow.name));
        match self.ask(self.client.post(url).json(&body)).await {
            Some(Answer { status: 201, body, is_replayed }) => {
                self.oracle.accepted(work, &sent, is_replayed, &body);
            }
            Some(other) => self.unexpected("a trigger", None, &other),
            None => self.oracle.unanswered(),
        }
    }

    /// Cancels an execution; one that has ended says so.
    pub(crate) async fn cancel(&self, id: Uuid) {
        self.oracle.cancels(id);
        let url = self.at(&format!("/v1/executions/{id}/cancel"));
        match self.ask(self.client.post(url).json(&json!({ "reason": "chance" }))).await {
            Some(Answer { status: 200, body, .. }) => self.oracle.cancelled(id, &body),
            Some(Answer { status: 409, .. }) | None => {}
            Some(other) => self.unexpected("a cancel", Some(id), &other),
        }
    }

    /// Replays an execution; one that has not ended says so.
    pub(crate) async fn replay(&self, id: Uuid) {
        self.oracle.replays(id);
        let url = self.at(&format!("/v1/executions/{id}/replay"));
        match self.ask(self.client.post(url)).await {
            Some(Answer { status: 201, body, .. }) => self.oracle.replayed(id, &body),
            Some(Answer { status: 409, .. }) | None => {}
            Some(other) => self.unexpected("a replay", Some(id), &other),
        }
    }

    /// Looks at an execution, which was accepted.
    pub(crate) async fn look(&self, id: Uuid) {
        let url = self.at(&format!("/v1/executions/{id}"));
        let had_ended = self.oracle.has_ended(id);
        match self.ask(self.client.get(url)).await {
            Some(Answer { status: 200, body, .. }) => {
                self.oracle.shown(&body["execution"], had_ended);
            }
            Some(other) => self.unexpected("a look", Some(id), &other),
            None => {}
        }
    }

    /// Answers an execution that waits for somebody, if it still does.
    pub(crate) async fn answer(&self, id: Uuid, chance: u64) {
        let taken = self.oracle.waits(id).and_then(|waiting| waiting.taken);
        let url = self.at(&format!("/v1/executions/{id}"));
        let Some(Answer { status: 200, body, .. }) = self.ask(self.client.get(url)).await else {
            return;
        };
        self.oracle.shown(&body["execution"], false);
        let Some(waiting) = self.oracle.waits(id) else { return };
        let wait = &body["execution"]["waitContext"];
        let kind = wait["kind"].as_str().or_else(|| wait.is_object().then_some("signal"));
        if !matches!(kind, Some("signal" | "approval" | "decision")) {
            // It sleeps, waits for a child, or goes on already.
            return;
        }
        if let Some(taken) = taken {
            let what = format!("answer {taken} was taken, and it waits as before: {wait}");
            return self.oracle.broken("R1", Some(id), what);
        }
        match kind {
            Some("signal") => self.resume(&waiting, chance).await,
            Some("approval") => {
                let token = wait["waitData"]["approval"]["token"].as_str().unwrap_or_default();
                self.approve(&waiting, token, chance).await;
            }
            _ => self.tell(&waiting).await,
        }
    }

    /// Resumes; sometimes twice with the same answer, sometimes with another one.
    async fn resume(&self, waiting: &Waiting, chance: u64) {
        let receipt = self.oracle.answers(waiting);
        let body = json!({ "resumeData": { "receipt": receipt } });
        self.tells(waiting, "resume", &body, Takes::Receipt(receipt)).await;
        if chance.is_multiple_of(5) {
            self.tells(waiting, "resume", &body, Takes::Receipt(receipt)).await;
        } else if chance.is_multiple_of(7) {
            let other = self.oracle.answers(waiting);
            let body = json!({ "resumeData": { "receipt": other } });
            self.tells(waiting, "resume", &body, Takes::Receipt(other)).await;
        }
    }

    /// Approves or rejects; sometimes first with a token that is none.
    async fn approve(&self, waiting: &Waiting, token: &str, chance: u64) {
        if chance.is_multiple_of(5) {
            let none = "0123456789abcdef0123456789abcdef";
            let body = json!({ "decision": "approve", "token": none });
            self.tells(waiting, "decision", &body, Takes::Nothing).await;
        }
        let receipt = self.oracle.answers(waiting);
        let decision = if waiting.work.go { "approve" } else { "reject" };
        let note = receipt.to_string();
        let body = json!({ "decision": decision, "token": token, "by": "chance", "note": note });
        self.tells(waiting, "decision", &body, Takes::Receipt(receipt)).await;
    }

    /// Tells of a step in doubt what has become of it.
    async fn tell(&self, waiting: &Waiting) {
        let (body, takes) = match waiting.effect {
            Some(receipt) => {
                let result = json!({ "receipt": receipt });
                (json!({ "decision": "happened", "result": result }), Takes::Receipt(receipt))
            }
            None => (json!({ "decision": "did_not_happen" }), Takes::Word),
        };
        self.tells(waiting, "decision", &body, takes).await;
    }

    /// Sends an answer; who was slower than another one hears so.
    async fn tells(&self, waiting: &Waiting, route: &str, body: &Value, takes: Takes) {
        let id = waiting.id;
        let url = self.at(&format!("/v1/executions/{id}/{route}"));
        match (self.ask(self.client.post(url).json(body)).await, takes) {
            (Some(Answer { status: 200, .. }), Takes::Receipt(receipt)) => {
                self.oracle.taken(waiting, receipt);
            }
            (Some(Answer { status: 200, .. }), Takes::Word)
            | (Some(Answer { status: 403, .. }), Takes::Nothing)
            | (Some(Answer { status: 409, .. }) | None, _) => {}
            (Some(other), _) => self.unexpected("an answer", Some(id), &other),
        }
    }

    /// Reads all executions, page by page, oldest first.
    pub(crate) async fn all(&self, mut each: impl FnMut(&Value)) -> Result<()> {
        let mut cursor = String::new();
        loop {
            let url = self.at(&format!("/v1/executions?limit=200&order=asc{cursor}"));
            let page: Value = self.client.get(url).send().await?.error_for_status()?.json().await?;
            page["executions"].as_array().context("no list")?.iter().for_each(&mut each);
            let Some(next) = page["nextCursor"].as_str() else { return Ok(()) };
            cursor = format!("&cursor={next}");
        }
    }

    /// Reads the timeline of an execution.
    pub(crate) async fn timeline(&self, id: Uuid) -> Result<Value> {
        let url = self.at(&format!("/v1/executions/{id}/timeline"));
        Ok(self.client.get(url).send().await?.error_for_status()?.json().await?)
    }

    /// Opens the stream of events after the one with this number.
    pub(crate) async fn events(&self, after: u64) -> reqwest::Result<reqwest::Response> {
        let request = self.client.get(self.at("/v1/events")).timeout(Duration::from_secs(3_600));
        request.header("last-event-id", after.to_string()).send().await?.error_for_status()
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Sends a request; none where no whole answer came.
    async fn ask(&self, request: RequestBuilder) -> Option<Answer> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            let is_replayed = answer.headers().contains_key("idempotency-replayed");
            Ok::<_, reqwest::Error>(Answer { status, is_replayed, body: answer.json().await? })
        };
        let answer = answer.await.ok();
        self.asked.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    /// A full queue and a stop are answers; everything else is not what was promised.
    fn unexpected(&self, what: &str, id: Option<Uuid>, answer: &Answer) {
        let (status, body) = (answer.status, &answer.body);
        if matches!(status, 429 | 503) {
            return self.oracle.refused();
        }
        self.oracle.broken("R1", id, format!("{what} was answered with {status}: {body}"));
    }
}
