//! What tests of operations share.

use std::sync::Arc;

use runcor_core::{
    Admission, Caller, Clock, Error, FlowName, ManualClock, Operation, Policy, PolicyRequest,
    Result, TenantId, UserId,
};
use runcor_policy::{Policies, PolicyConfig};
use runcor_testkit::RecordingSink;
use serde_json::{Value, json};

/// Policies, with what they announce.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) policies: Policies,
    pub(crate) events: RecordingSink,
    pub(crate) clock: ManualClock,
}

/// An operation as a test says it.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) operation: Operation,
    pub(crate) flow: Option<FlowName>,
    pub(crate) caller: Caller,
    pub(crate) input: Value,
    pub(crate) metadata: Option<Value>,
}

impl Ask {
    /// Triggers `flow` on behalf of nobody.
    pub(crate) fn trigger(flow: &str) -> Self {
        Self::of(Operation::Trigger, Some(flow))
    }

    pub(crate) fn of(operation: Operation, flow: Option<&str>) -> Self {
        let flow = flow.map(|flow| FlowName::new(flow).unwrap());
        Self { operation, flow, caller: Caller::default(), input: Value::Null, metadata: None }
    }

    /// Acts as `alice`, `alice@acme` or `@acme`; as nobody when empty.
    pub(crate) fn by(mut self, who: &str) -> Self {
        self.caller = caller(who);
        self
    }

    pub(crate) fn with_input(mut self, input: Value) -> Self {
        self.input = input;
        self
    }

    pub(crate) fn with_metadata(mut self, metadata: Value) -> Self {
        self.metadata = Some(metadata);
        self
    }

    pub(crate) fn request(&self, clock: &ManualClock) -> PolicyRequest<'_> {
        PolicyRequest {
            operation: self.operation,
            flow: self.flow.as_ref(),
            caller: &self.caller,
            input: &self.input,
            execution: None,
            metadata: self.metadata.as_ref(),
            now: clock.now(),
        }
    }
}

pub(crate) fn caller(who: &str) -> Caller {
    let (user, tenant) = who.split_once('@').unwrap_or((who, ""));
    Caller { user: UserId::new(user).ok(), tenant: TenantId::new(tenant).ok() }
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

impl Bed {
    /// Makes policies from JSON as `runcor.yaml` would have it.
    pub(crate) fn of(config: Value) -> Self {
        let config: PolicyConfig = serde_json::from_value(config).unwrap();
        let events = RecordingSink::new();
        let policies = Policies::from_config(config, Arc::new(events.clone())).unwrap();
        Self { policies, events, clock: ManualClock::new() }
    }

    /// Makes policies of one part of the section.
    pub(crate) fn with(part: &str, policies: Value) -> Self {
        Self::of(Value::Object([(part.to_owned(), policies)].into_iter().collect()))
    }

    pub(crate) fn empty() -> Self {
        Self::of(json!({}))
    }

    pub(crate) async fn admit(&self, ask: &Ask) -> Result<Admission> {
        self.policies.admit(&ask.request(&self.clock)).await
    }

    /// Returns the code of the error, or `ok`.
    pub(crate) async fn verdict(&self, ask: &Ask) -> &'static str {
        self.admit(ask).await.map_or_else(|error| error.code().as_str(), |_| "ok")
    }

    /// Returns the message of the error, without who may not do what.
    pub(crate) async fn reason(&self, ask: &Ask) -> String {
        let error: Error = self.admit(ask).await.unwrap_err();
        let (_, reason) = error.message().split_once(": ").unwrap();
        reason.to_owned()
    }
}
