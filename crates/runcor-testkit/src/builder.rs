//! Builders of executions for tests: everything has a default.

use std::time::Duration;

use serde_json::Value;

use runcor_core::{
    Clock, Execution, ExecutionId, ExecutionSpec, FlowName, ForkOrigin, IdempotencyKey,
    ManualClock, Parent, SessionId, TenantId, Timestamp, UserId,
};

/// Builds the execution of a newly accepted trigger.
///
/// ```
/// # use runcor_testkit::ExecutionBuilder;
/// # use runcor_core::ExecutionState;
/// let execution = ExecutionBuilder::new("refund").key("order-7").user("ada").build();
/// assert_eq!(execution.state(), ExecutionState::Queued);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ExecutionBuilder {
    spec: ExecutionSpec,
}

impl ExecutionBuilder {
    /// Begins an execution of `flow` with a key of its own, accepted when a
    /// [`ManualClock`] begins.
    ///
    /// # Panics
    /// Panics when `flow` is no flow name.
    pub fn new(flow: &str) -> Self {
        let now = ManualClock::new().now();
        let id = ExecutionId::mint(now);
        let key = valid(IdempotencyKey::new(id.to_string()));
        Self { spec: ExecutionSpec::new(id, valid(FlowName::new(flow)), key, Value::Null, now) }
    }

    /// Sets the idempotency key.
    ///
    /// # Panics
    /// Panics when `key` is no idempotency key.
    pub fn key(mut self, key: &str) -> Self {
        self.spec.idempotency_key = valid(IdempotencyKey::new(key));
        self
    }

    /// Sets the tenant.
    ///
    /// # Panics
    /// Panics when `tenant` is no tenant id.
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.spec.tenant_id = Some(valid(TenantId::new(tenant)));
        self
    }

    /// Sets the user.
    ///
    /// # Panics
    /// Panics when `user` is no user id.
    pub fn user(mut self, user: &str) -> Self {
        self.spec.user_id = Some(valid(UserId::new(user)));
        self
    }

    /// Sets the session.
    ///
    /// # Panics
    /// Panics when `session` is no session id.
    pub fn session(mut self, session: &str) -> Self {
        self.spec.session_id = Some(valid(SessionId::new(session)));
        self
    }

    /// Sets the input.
    pub fn input(mut self, input: Value) -> Self {
        self.spec.input = input;
        self
    }

    /// Sets the caller's notes.
    pub fn metadata(mut self, metadata: Value) -> Self {
        self.spec.metadata = Some(metadata);
        self
    }

    /// Sets the limits of active time and of one wait.
    pub fn timeouts(mut self, active: Duration, wait: Duration) -> Self {
        self.spec.timeout = Some(active);
        self.spec.wait_timeout = Some(wait);
        self
    }

    /// Sets the execution that this one replays.
    pub fn replay_of(mut self, original: ExecutionId) -> Self {
        self.spec.replay_of = Some(original);
        self
    }

    /// Sets the execution that called this one.
    pub fn parent(mut self, parent: Parent) -> Self {
        self.spec.parent = Some(parent);
        self
    }

    /// Sets where it comes from and what it does differently.
    pub fn fork(mut self, fork: ForkOrigin) -> Self {
        self.spec.fork = Some(Box::new(fork));
        self
    }

    /// Sets when it was accepted, which is when it may be claimed.
    pub fn queued_at(mut self, at: Timestamp) -> Self {
        self.spec.queued_at = at;
        self
    }

    /// Returns the execution.
    #[must_use]
    pub fn build(self) -> Execution {
        Execution::queued(self.spec)
    }
}

#[expect(clippy::panic, reason = "a test that names things wrongly should fail where it does")]
fn valid<T, E: std::fmt::Display>(id: Result<T, E>) -> T {
    match id {
        Ok(id) => id,
        Err(error) => panic!("{error}"),
    }
}
