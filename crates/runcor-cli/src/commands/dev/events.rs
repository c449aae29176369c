//! One line for each event: time, category, flow, what happened, which execution.

use std::collections::HashMap;

use chrono::{DateTime, Local};
use runcor::Runcor;
use runcor::engine::Timestamp;
use runcor::event::Event;
use runcor::execution::{ExecutionId, Runtime};

use super::governance;
use crate::console::{Console, Paint, harmless};

/// For how many executions the flow is remembered.
const REMEMBERED: usize = 10_000;

/// Prints events until the feed ends.
pub(crate) async fn print(runcor: Runcor, console: Console) {
    let mut events = runcor.subscribe();
    let mut flows: HashMap<ExecutionId, String> = HashMap::new();
    loop {
        let record = match events.next().await {
            Ok(Some(record)) => record,
            Ok(None) => return,
            Err(gap) => {
                console.warn(gap.to_string());
                continue;
            }
        };
        if console.json {
            if let Ok(line) = serde_json::to_string(&record.event) {
                console.line_aside(line).await;
            }
            continue;
        }
        let id = record.event.execution_id();
        if let Some(id) = id
            && !flows.contains_key(&id)
            && let Ok(execution) = runcor.execution(id).await
        {
            if flows.len() == REMEMBERED {
                flows.clear();
            }
            flows.insert(id, execution.spec.flow.to_string());
        }
        if let Some(text) = describe(&console, &record.event) {
            let flow = id.and_then(|id| flows.get(&id)).map_or("", String::as_str);
            let line = line(&console, &record.event, flow, &text);
            console.line_aside(line).await;
        }
    }
}

fn line(console: &Console, event: &Event, flow: &str, text: &str) -> String {
    let time =
        at(event).map_or_else(|| "        ".to_owned(), |at| at.format("%H:%M:%S").to_string());
    let category = console.paint(Paint::Dim, &format!("[{}]", event.category().as_str()));
    let id = event.execution_id().map(|id| id.to_string()).unwrap_or_default();
    let id = console.paint(Paint::Dim, &id);
    let flow = console.paint(Paint::Bold, flow);
    format!("{time}  {category}  {flow}  {text}  {id}")
}

fn at(event: &Event) -> Option<DateTime<Local>> {
    let timestamp = match event {
        Event::ExecutionStateChange(change) => change.timestamp,
        Event::ProviderHealthChange(change) => change.timestamp,
        _ => runcor::engine::Clock::now(&runcor::engine::SystemClock),
    };
    local(timestamp)
}

fn local(timestamp: Timestamp) -> Option<DateTime<Local>> {
    DateTime::from_timestamp_millis(timestamp.as_millis()).map(Into::into)
}

/// Says what happened; `None` for what another event says already.
fn describe(console: &Console, event: &Event) -> Option<String> {
    match event {
        Event::ExecutionStateChange(change) => {
            Some(format!("{} → {}", change.from, console.state(change.to.as_str())))
        }
        Event::ExecutionComplete(end) => end.error.as_ref().map(|error| {
            let code = error.code.as_deref().unwrap_or("ERROR");
            console.paint(Paint::Red, &harmless(&format!("{code}: {}", error.message)))
        }),
        Event::ProviderHealthChange(change) => {
            Some(format!("{}: {:?} → {:?}", change.provider, change.from, change.to))
        }
        Event::ModelValidationRetry(retry) => {
            Some(format!("the answer does not match, asking again ({})", retry.attempt))
        }
        Event::FlowRegistered(flow) => Some(format!("{} registered", flow.name)),
        Event::FlowUnregistered(flow) => Some(format!("{} unregistered", flow.name)),
        other => governance::describe(console, other),
    }
}
