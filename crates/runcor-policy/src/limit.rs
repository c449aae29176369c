//! Rate limits: how often something may happen.

mod wire;

use std::time::Duration;

use runcor_core::{
    FlowName, Operation, PolicyRequest, RateKey, RateQueue, RateScope, RateTake, TenantId,
};
use serde::Deserialize;

use crate::error::Error;
use crate::operations::Operations;

/// The most that wait in a queue unless said otherwise.
const QUEUE_DEPTH: u32 = 100;

/// How long one waits in a queue unless said otherwise.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);

/// How often something may happen, for each whom it counts.
///
/// ```
/// # use std::time::Duration;
/// # use runcor_core::RateScope;
/// # use runcor_policy::RateLimit;
/// let hourly = RateLimit::new("per-user", RateScope::User, 100, Duration::from_secs(3600));
/// let queued = RateLimit::new("slow", RateScope::Global, 5, Duration::from_secs(1)).queueing();
/// # assert_ne!(hourly, queued);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "wire::Wire")]
pub struct RateLimit {
    name: String,
    scope: RateScope,
    limit: u32,
    window: Duration,
    queue: Option<RateQueue>,
    flow: Option<FlowName>,
    operations: Operations,
}

impl RateLimit {
    /// Makes a limit that counts triggers, resumes and replays, and refuses those above it.
    #[must_use]
    pub fn new(name: impl Into<String>, scope: RateScope, limit: u32, window: Duration) -> Self {
        Self {
            name: name.into(),
            scope,
            limit,
            window,
            queue: None,
            flow: None,
            operations: counted_by_default(),
        }
    }

    /// Lets triggers above the limit wait for their turn, 100 of them for up to 30 seconds.
    #[must_use]
    pub fn queueing(self) -> Self {
        self.with_queue(QUEUE_DEPTH, QUEUE_TIMEOUT)
    }

    /// Lets `depth` triggers above the limit wait for their turn, for up to `timeout`.
    #[must_use]
    pub const fn with_queue(mut self, depth: u32, timeout: Duration) -> Self {
        self.queue = Some(RateQueue { depth, timeout });
        self
    }

    /// Makes the limit hold for one flow alone.
    #[must_use]
    pub fn with_flow(mut self, flow: FlowName) -> Self {
        self.flow = Some(flow);
        self
    }

    /// Counts these operations in place of triggers, resumes and replays.
    #[must_use]
    pub fn with_operations(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        self.operations = operations.into_iter().collect();
        self
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says why the limit can't work.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let problem = if self.name.trim().is_empty() {
            "has no name; give it one"
        } else if self.limit == 0 {
            "lets nothing through; its limit is at least 1"
        } else if self.window < Duration::from_millis(1) {
            "has no window; it is at least a millisecond"
        } else if self.queue.is_some_and(|queue| queue.depth == 0 || queue.timeout.is_zero()) {
            "has a queue in which nobody can wait; give it room and time"
        } else if self.operations.is_empty() {
            "counts nothing; name an operation"
        } else if self.operations.contains(Operation::CallTool) {
            "can't count tool calls; limit the flows that make them"
        } else {
            return Ok(());
        };
        Err(Error::invalid(format!("rate limit {:?} {problem}", self.name)))
    }

    /// Returns what is to be counted for an operation; `None` where it does not count.
    ///
    /// `owner` is the tenant whose own limit this is.
    pub(crate) fn take(
        &self,
        request: &PolicyRequest<'_>,
        owner: Option<&TenantId>,
    ) -> Option<RateTake> {
        let is_other = self.flow.as_ref().is_some_and(|flow| request.flow != Some(flow));
        if is_other || !self.operations.contains(request.operation) {
            return None;
        }
        let key = self.key(request, owner)?;
        let queue = self.queue.filter(|_| self.queues(request.operation));
        Some(RateTake { key, limit: self.limit, window: self.window, now: request.now, queue })
    }

    /// Returns whether an operation above the limit waits for its turn.
    pub(crate) fn queues(&self, operation: Operation) -> bool {
        self.queue.is_some() && operation == Operation::Trigger
    }

    fn key(&self, request: &PolicyRequest<'_>, owner: Option<&TenantId>) -> Option<RateKey> {
        let caller = request.caller;
        let (tenant, subject) = match self.scope {
            RateScope::User => (caller.tenant.as_ref(), caller.user.as_ref()?.as_str()),
            RateScope::Tenant => (caller.tenant.as_ref(), caller.tenant.as_ref()?.as_str()),
            RateScope::Flow => (owner, request.flow?.as_str()),
            RateScope::Global => (owner, ""),
        };
        Some(RateKey {
            limit: self.name.clone(),
            scope: self.scope,
            tenant: tenant.cloned(),
            subject: subject.to_owned(),
        })
    }
}

fn counted_by_default() -> Operations {
    [Operation::Trigger, Operation::Resume, Operation::Replay].into_iter().collect()
}
