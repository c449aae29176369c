//! The feed: committed events in commit order, to any number of listeners.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::cost::Caller;
use crate::event::Event;
use crate::policy::Policy;

/// How many events a slow listener may lag behind before it misses some.
const CAPACITY: usize = 4096;

/// An event with its place in the order of commits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventRecord {
    /// The sequence number; the first event has 1.
    pub seq: u64,
    /// The event.
    pub event: Event,
}

/// Where a store publishes what it has committed.
///
/// A listener that falls behind loses the oldest events and is told how many;
/// it never slows the store.
#[derive(Debug, Clone)]
pub struct EventFeed {
    sender: broadcast::Sender<Arc<EventRecord>>,
}

impl EventFeed {
    /// Makes a feed without listeners.
    #[must_use]
    pub fn new() -> Self {
        Self { sender: broadcast::Sender::new(CAPACITY) }
    }

    /// Returns whether anybody listens, so that a store may spare itself the work.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Publishes one event; stores call it in commit order.
    pub fn publish(&self, record: EventRecord) {
        if self.has_listeners() {
            // It fails only when the last listener has just left.
            let _ = self.sender.send(Arc::new(record));
        }
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> EventSubscription {
        EventSubscription {
            receiver: self.sender.subscribe(),
            caller: Caller::default(),
            policy: None,
        }
    }
}

impl Default for EventFeed {
    fn default() -> Self {
        Self::new()
    }
}

/// One listener's view of the feed.
#[derive(Debug)]
pub struct EventSubscription {
    receiver: broadcast::Receiver<Arc<EventRecord>>,
    /// Who listens: they hear of nobody else's tenant.
    caller: Caller,
    /// Says of which flows they may hear.
    policy: Option<Arc<dyn Policy>>,
}

/// Events that a listener was too slow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{missed} events were missed")]
pub struct EventGap {
    /// How many.
    pub missed: u64,
}

impl EventSubscription {
    /// Listens on behalf of a caller, who hears of no tenant but their own.
    #[must_use]
    pub fn as_caller(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// Listens to what a policy lets the caller hear of.
    #[must_use]
    pub fn under(mut self, policy: Option<Arc<dyn Policy>>) -> Self {
        self.policy = policy;
        self
    }

    fn passes(&self, event: &Event) -> bool {
        self.caller.sees(event.tenant())
            && self.policy.as_ref().is_none_or(|policy| policy.sees_event(&self.caller, event))
    }

    /// Returns the next event; `None` once the feed has ended.
    ///
    /// # Errors
    /// Returns [`EventGap`] when the listener was too slow; the next call goes
    /// on with the oldest event that is still there.
    pub async fn next(&mut self) -> Result<Option<Arc<EventRecord>>, EventGap> {
        loop {
            match self.receiver.recv().await {
                Ok(record) if self.passes(&record.event) => return Ok(Some(record)),
                Ok(_) => {}
                Err(RecvError::Closed) => return Ok(None),
                Err(RecvError::Lagged(missed)) => return Err(EventGap { missed }),
            }
        }
    }
}
