//! The stream of events: every number once, across all lives of the process.

use std::sync::Arc;

use serde_json::Value;

use crate::api::Api;
use crate::oracle::Oracle;

/// Follows the events until the process is gone.
pub(crate) async fn listen(api: Api, oracle: Arc<Oracle>) {
    loop {
        let after = oracle.known().last_event;
        let Ok(stream) = api.events(after).await else { return };
        if follow(stream, &oracle).await == Ended::Gone {
            return;
        }
    }
}

#[derive(PartialEq, Eq)]
enum Ended {
    /// The connection is over.
    Gone,
    /// The server was faster than we are; what was missed can be asked for.
    Lagged,
}

async fn follow(mut stream: reqwest::Response, oracle: &Oracle) -> Ended {
    let mut text = Vec::new();
    // A frame that the kill has cut off was not delivered.
    while let Ok(Some(chunk)) = stream.chunk().await {
        text.extend_from_slice(&chunk);
        let mut begin = 0;
        while let Some(length) = text[begin..].windows(2).position(|window| window == b"\n\n") {
            let frame = String::from_utf8_lossy(&text[begin..begin + length]).into_owned();
            begin += length + 2;
            if take(&frame, oracle) == Some(Ended::Lagged) {
                return Ended::Lagged;
            }
        }
        text.drain(..begin);
    }
    Ended::Gone
}

fn take(frame: &str, oracle: &Oracle) -> Option<Ended> {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
    let data: Value = serde_json::from_str(field("data: ")?).unwrap_or_default();
    match field("id: ").and_then(|id| id.parse().ok()) {
        Some(number) => oracle.event(number, &data),
        None if data["reason"] == "lagged" => {
            oracle.known().counts.lagged += 1;
            return Some(Ended::Lagged);
        }
        None => oracle.broken("R9", None, format!("the events have a gap: {data}")),
    }
    None
}
