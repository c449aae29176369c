//! Child executions: flows that a flow calls, and whose results it remembers.

use serde::Serialize;
use serde_json::{Value, json};

use super::context::FlowContext;
use super::error::FlowError;
use super::hash::RequestHash;
use super::journal::{ChildCall, JournalEntry, JournalKind, Outcome};
use super::meet::Met;
use super::wait::{Suspension, WaitKind, WaitSignal};
use crate::error::{Error, ErrorCode};
use crate::id::{ExecutionId, FlowName};

impl FlowContext {
    /// Runs another flow as a child execution and returns its result.
    ///
    /// The child is an execution of its own, with the caller's user, session
    /// and tenant. While it runs the caller waits without holding a slot or
    /// memory; when it ends, its result is journaled and the caller goes on.
    /// Cancelling the caller cancels the child.
    ///
    /// # Errors
    /// `FLOW_NOT_FOUND`, `INVALID_INPUT`, `CALL_TOO_DEEP`; the child's own error
    /// when it failed; else an error that pauses the flow and must be passed on with `?`.
    pub async fn call(&self, flow: &str, input: impl Serialize) -> Result<Value, FlowError> {
        self.call_named(flow, flow, input).await
    }

    /// As [`call`](Self::call), with a name of its own in the journal.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_named(
        &self,
        name: &str,
        flow: &str,
        input: impl Serialize,
    ) -> Result<Value, FlowError> {
        let input = serde_json::to_value(input).map_err(|error| {
            FlowError::new(ErrorCode::InvalidInput, format!("the input is not JSON: {error}"))
        })?;
        let flow = FlowName::new(flow)
            .map_err(|error| FlowError::new(ErrorCode::FlowNotFound, error.to_string()))?;
        let request = RequestHash::of(&json!([flow, input]));
        let met = self.meet(name, JournalKind::Call, Some(request)).await?;
        if let Some(result) = met.remembered()? {
            return Ok(result);
        }
        let child = match met.child() {
            Some(child) => child,
            None => {
                let call = ChildCall { intent: met.intent(), flow: flow.clone(), input };
                self.calls().start(call).await.inspect_err(|_| met.give_back())?
            }
        };
        match self.calls().outcome(child).await? {
            Some(outcome) => conclude(met, child, outcome).await,
            None => Err(self.suspend(await_child(&met, &flow, child))),
        }
    }
}

fn await_child(met: &Met, flow: &FlowName, child: ExecutionId) -> Suspension {
    let signal = WaitSignal::new(format!("waits for {flow} {child}"));
    let pause = met.pause(WaitKind::Call, signal);
    // The intent is durable since the child was started.
    Suspension { awaits: vec![child], intents: Vec::new(), ..pause }
}

async fn conclude(met: Met, child: ExecutionId, outcome: Outcome) -> Result<Value, FlowError> {
    let answer = match &outcome {
        Outcome::Done(value) => Ok(value.clone()),
        Outcome::Failed(failure) => {
            Err(FlowError::with_code(failure.code.clone(), failure.message.clone()))
        }
        Outcome::Spilled { .. } | Outcome::NotDone => {
            let message = format!("child execution {child} has no readable result");
            return Err(Error::new(ErrorCode::InternalError, message).into());
        }
    };
    let met = met.with_note(JournalEntry::child_note(child));
    met.conclude(outcome).await?;
    answer
}

impl Met {
    fn child(&self) -> Option<ExecutionId> {
        self.note()?.get("child")?.as_str()?.parse().ok()
    }
}

impl JournalEntry {
    /// Returns the note by which a call's entry names the child.
    #[must_use]
    pub fn child_note(child: ExecutionId) -> Value {
        json!({ "child": child.to_string() })
    }
}
