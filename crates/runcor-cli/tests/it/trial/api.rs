//! The HTTP API of whoever serves the project at the moment: clients do not mind a restart.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::bed::{PATIENCE, client};

/// How long a client pauses when nobody answers.
const PAUSE: Duration = Duration::from_millis(50);

/// An API at an address that may change.
#[derive(Clone)]
pub(super) struct Api {
    http: reqwest::Client,
    at: watch::Receiver<String>,
}

impl Api {
    pub(super) fn new(at: watch::Receiver<String>) -> Self {
        Self { http: client(), at }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", *self.at.borrow())
    }

    /// Reads something; `None` when nobody answers.
    pub(super) async fn look(&self, path: &str) -> Option<Value> {
        let answer = self.http.get(self.url(path)).send().await.ok()?;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.ok()
    }

    /// Reads something from a server that is there.
    pub(super) async fn get(&self, path: &str) -> Value {
        self.look(path).await.unwrap_or_else(|| panic!("nobody answers {path}"))
    }

    /// Reads all pages of a list.
    pub(super) async fn all(&self, path: &str, list: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.get(&format!("{path}?limit=200{cursor}")).await;
            found.append(page[list].as_array_mut().unwrap());
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }

    /// Waits until all executions have ended, and returns them.
    pub(super) async fn all_ended(&self) -> Vec<Value> {
        let has_ended = |one: &Value| one["state"] == "complete" || one["state"] == "failed";
        self.all_once("/executions", "executions", |all| all.iter().all(has_ended)).await
    }

    /// Waits until there are as many flags, and returns them.
    pub(super) async fn flags(&self, count: usize) -> Vec<Value> {
        self.all_once("/flags", "flags", |flags| flags.len() >= count).await
    }

    /// Reads a list again and again until it is as it should be.
    async fn all_once(
        &self,
        path: &str,
        list: &str,
        done: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        let looking = async {
            loop {
                let all = self.all(path, list).await;
                if done(&all) {
                    return all;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, looking).await;
        found.unwrap_or_else(|_| panic!("{path} never becomes what it should"))
    }

    /// Sends something; `None` when nobody answers.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let answer = self.http.post(self.url(path)).json(body).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    /// Sends something until somebody answers.
    pub(super) async fn insist(&self, path: &str, body: &Value) -> (u16, Value) {
        let trying = async {
            loop {
                match self.post(path, body).await {
                    Some((503, _)) | None => tokio::time::sleep(PAUSE).await,
                    Some(answer) => return answer,
                }
            }
        };
        tokio::time::timeout(PATIENCE, trying).await.unwrap_or_else(|_| panic!("no answer: {path}"))
    }

    /// Listens to all events, over restarts, and keeps every byte.
    pub(super) async fn listen(self, heard: watch::Sender<String>) {
        let mut last = String::from("0");
        loop {
            let url = self.url(&format!("/events?lastEventId={last}"));
            let Ok(mut answer) = self.http.get(url).send().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let mut stream = Vec::new();
            while let Ok(Some(chunk)) = answer.chunk().await {
                stream.extend_from_slice(&chunk);
                heard.send_modify(|heard| heard.push_str(&String::from_utf8_lossy(&chunk)));
            }
            let stream = String::from_utf8_lossy(&stream);
            // A number whose line was cut off may be short of digits.
            let whole = stream.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
            let number = whole.lines().rev().find_map(|line| line.strip_prefix("id: "));
            last = number.map_or(last, str::to_owned);
        }
    }
}
