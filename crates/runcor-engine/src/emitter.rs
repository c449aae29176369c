//! Events that belong to no execution: taken at once, committed soon after, in order.

use std::sync::Arc;

use runcor_core::{Batch, Event, EventSink, Store};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How many events may be under way to the store.
const CAPACITY: usize = 1024;

/// Takes events and hands them to the store.
#[derive(Debug, Clone)]
pub(crate) struct Emitter {
    sender: mpsc::Sender<Event>,
}

impl Emitter {
    /// Makes an emitter and the other end that [`drain`] works off.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Self { sender }, receiver)
    }
}

impl EventSink for Emitter {
    fn emit(&self, event: Event) {
        if self.sender.try_send(event).is_err() {
            tracing::warn!(
                "an event was dropped: the store does not keep up, or the engine has stopped"
            );
        }
    }
}

/// Commits events until the engine stops, and then those that are left.
pub(crate) async fn drain(
    mut events: mpsc::Receiver<Event>,
    store: Arc<dyn Store>,
    stopping: CancellationToken,
) {
    let mut next = Vec::new();
    loop {
        tokio::select! {
            biased;
            _ = events.recv_many(&mut next, CAPACITY) => {}
            () = stopping.cancelled() => events.close(),
        }
        if next.is_empty() {
            return;
        }
        let batch = Batch::new().emit_all(std::mem::take(&mut next));
        if let Err(error) = store.commit(batch).await {
            tracing::warn!(%error, "events could not be stored");
        }
    }
}
