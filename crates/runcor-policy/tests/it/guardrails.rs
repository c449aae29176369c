//! Guardrails, as a user sees them.

mod adversaries;
mod built_ins;
mod handlers;
mod laws;
mod models;
mod quiet;
mod specs;
mod streams;
mod tenants;

use std::sync::Arc;

use runcor_core::{
    Caller, Error, ErrorCode, ExecutionId, FlowName, Guard, GuardPhase, GuardScope, ManualClock,
    Result, TenantId, Timestamp,
};
use runcor_policy::guardrail::{Guardrail, GuardrailMode, Guardrails, GuardrailsBuilder};
use runcor_testkit::RecordingSink;
use serde_json::{Value, json};

/// Returns whose content is looked at: the flow `f` of nobody.
fn scope() -> GuardScope {
    scope_of("f", None)
}

fn scope_of(flow: &str, tenant: Option<&str>) -> GuardScope {
    let tenant = tenant.map(|tenant| TenantId::new(tenant).unwrap());
    GuardScope {
        execution: ExecutionId::mint(Timestamp::from_millis(1_767_225_600_000)),
        flow: FlowName::new(flow).unwrap(),
        caller: Caller { user: None, tenant },
    }
}

/// Guardrails with a clock that stands still and a sink that remembers.
struct Bed {
    guardrails: Guardrails,
    clock: ManualClock,
    sink: RecordingSink,
}

impl Bed {
    fn of(guardrails: impl IntoIterator<Item = Guardrail>) -> Self {
        Self::with(guardrails.into_iter().fold(Guardrails::builder(), GuardrailsBuilder::guardrail))
    }

    fn with(builder: GuardrailsBuilder) -> Self {
        let (clock, sink) = (ManualClock::new(), RecordingSink::new());
        let builder = builder.clock(Arc::new(clock.clone())).events(Arc::new(sink.clone()));
        Self { guardrails: builder.build().unwrap(), clock, sink }
    }

    async fn check(&self, content: Value) -> Result<Value> {
        self.check_in(GuardPhase::Output, content).await
    }

    async fn check_in(&self, phase: GuardPhase, content: Value) -> Result<Value> {
        self.guardrails.check(phase, content, &scope()).await
    }

    /// Returns a text as it may go on.
    async fn text(&self, text: &str) -> String {
        match self.check(json!(text)).await {
            Ok(Value::String(text)) => text,
            other => panic!("no text but {other:?}"),
        }
    }

    /// Returns what the announced warnings say.
    fn warnings(&self) -> Vec<String> {
        let warnings = self.sink.take().into_iter().map(|event| match event {
            runcor_core::Event::GuardrailWarning(it) => {
                format!("{}: {}", it.guardrail_name, it.reason.unwrap_or_default())
            }
            other => panic!("another event: {other:?}"),
        });
        warnings.collect()
    }

    /// Streams an answer in pieces and returns what went on, piece by piece.
    async fn stream(&self, pieces: &[&str]) -> (Vec<String>, Result<()>) {
        let Some(mut window) = self.guardrails.stream(&scope()) else {
            return (pieces.iter().copied().map(str::to_owned).collect(), Ok(()));
        };
        let mut out = Vec::new();
        for piece in pieces {
            match window.push(piece) {
                Ok(text) => out.push(text),
                Err(error) => return (out, Err(error)),
            }
        }
        match window.finish().await {
            Ok(text) => out.push(text),
            Err(error) => return (out, Err(error)),
        }
        let answer = window.close(json!(out.concat())).await;
        (out, answer.map(drop))
    }
}

/// Every phase that a text may be in.
fn everywhere(guardrail: Guardrail) -> Guardrail {
    guardrail.phases(GuardPhase::ALL)
}

fn transforming(guardrail: Guardrail) -> Guardrail {
    everywhere(guardrail).mode(GuardrailMode::Transform)
}

fn is_blocked(result: &Result<impl Sized>) -> bool {
    result.as_ref().is_err_and(|error| error.code() == ErrorCode::GuardrailBlocked)
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    result.map_err(|error: Error| error.code()).unwrap_err()
}
