//! A sink that remembers what was announced.

use std::sync::Arc;

use parking_lot::Mutex;

use runcor_core::{Event, EventSink};

/// An [`EventSink`] that keeps every event until a test takes it.
///
/// Clones share what was recorded.
///
/// ```
/// # use runcor_core::{Event, EventSink};
/// # use runcor_testkit::RecordingSink;
/// let sink = RecordingSink::new();
/// sink.emit(Event::Ready);
/// assert_eq!(sink.take(), [Event::Ready]);
/// assert!(sink.events().is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct RecordingSink {
    events: Arc<Mutex<Vec<Event>>>,
}

impl RecordingSink {
    /// Makes a sink that has recorded nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what was recorded, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().clone()
    }

    /// Takes what was recorded, oldest first, and forgets it.
    #[must_use]
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock())
    }
}

impl EventSink for RecordingSink {
    fn emit(&self, event: Event) {
        self.events.lock().push(event);
    }
}
