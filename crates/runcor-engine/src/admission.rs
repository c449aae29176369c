//! Admission: the slots of the concurrency limit, and whether somebody waits for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The slots of the concurrency limit.
///
/// `backlog` is a hint, raised before anything is queued and lowered by whoever
/// finds the queue empty. It keeps new triggers from overtaking queued ones and
/// tells finished runners to look for more. Three rules keep queued work from
/// being forgotten: every commit that queues something wakes the dispatcher
/// afterwards; whoever frees a slot under a backlog wakes it too; and whoever
/// found the queue empty does not lower what was raised since it began to look.
#[derive(Debug)]
pub(crate) struct Admission {
    limit: usize,
    used: AtomicUsize,
    /// How often it was raised, and in the lowest bit whether it is.
    backlog: AtomicU64,
    queued: AtomicUsize,
    max_queued: usize,
    wake: Notify,
    /// Told whenever the last slot is freed.
    idle: Notify,
}

/// What the backlog was when somebody began to look at the queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backlog(u64);

/// One slot; dropping it frees it.
#[derive(Debug)]
pub(crate) struct Slot {
    admission: Arc<Admission>,
}

impl Admission {
    pub(crate) fn new(limit: usize, max_queued: usize) -> Self {
        Self {
            limit,
            used: AtomicUsize::new(0),
            backlog: AtomicU64::new(0),
            queued: AtomicUsize::new(0),
            max_queued,
            wake: Notify::new(),
            idle: Notify::new(),
        }
    }

    /// Takes a slot for something new, unless something older waits for one.
    pub(crate) fn take_unless_backlog(self: &Arc<Self>) -> Option<Slot> {
        if self.has_backlog() { None } else { self.take() }
    }

    /// Takes a slot if one is free.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Slot> {
        let below_limit = |used| (used < self.limit).then_some(used + 1);
        self.used
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, below_limit)
            .ok()
            .map(|_| Slot { admission: Arc::clone(self) })
    }

    /// Takes up to `most` free slots.
    pub(crate) fn take_many(self: &Arc<Self>, most: usize) -> Vec<Slot> {
        std::iter::from_fn(|| self.take()).take(most).collect()
    }

    pub(crate) fn has_backlog(&self) -> bool {
        self.backlog.load(Ordering::SeqCst) & 1 == 1
    }

    pub(crate) fn raise_backlog(&self) {
        let raised = |backlog: u64| Some((backlog | 1).wrapping_add(2));
        // It never fails: the closure always returns a value.
        let _ = self.backlog.fetch_update(Ordering::SeqCst, Ordering::SeqCst, raised);
    }

    /// Returns the backlog as it stands, to be taken before a look at the queue.
    pub(crate) fn backlog(&self) -> Backlog {
        Backlog(self.backlog.load(Ordering::SeqCst))
    }

    /// Notes that the queue was empty, unless it has been added to since `seen`.
    pub(crate) fn found_empty(&self, seen: Backlog) {
        let Backlog(seen) = seen;
        let (from, to) = (Ordering::SeqCst, Ordering::SeqCst);
        if self.backlog.compare_exchange(seen, seen & !1, from, to).is_ok() {
            // Others may have claimed what was counted here.
            self.queued.store(0, Ordering::SeqCst);
        }
    }

    /// Returns whether a slot is free.
    pub(crate) fn has_free_slot(&self) -> bool {
        self.active() < self.limit
    }

    /// Counts one more queued execution; false when the queue is at its bound.
    pub(crate) fn enqueue(&self) -> bool {
        let below = |queued| (queued < self.max_queued).then_some(queued + 1);
        self.queued.fetch_update(Ordering::SeqCst, Ordering::SeqCst, below).is_ok()
    }

    /// Counts `count` executions that left the queue.
    pub(crate) fn dequeue(&self, count: usize) {
        let fewer = |queued: usize| Some(queued.saturating_sub(count));
        // It never fails: the closure always returns a value.
        let _ = self.queued.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer);
    }

    /// Returns how many handlers run.
    pub(crate) fn active(&self) -> usize {
        self.used.load(Ordering::SeqCst)
    }

    /// Returns once no handler runs.
    pub(crate) async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if self.active() == 0 {
                return;
            }
            idle.await;
        }
    }

    /// Wakes the dispatcher.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Returns when the dispatcher is woken.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.admission.used.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.admission.idle.notify_waiters();
        }
        if self.admission.has_backlog() {
            self.admission.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_given_up_to_the_limit_and_given_again_once_freed() {
        let admission = Arc::new(Admission::new(2, 10));
        let first = admission.take();
        let second = admission.take();
        assert!(first.is_some() && second.is_some() && admission.take().is_none());
        drop(first);
        assert_eq!(admission.take_many(5).len(), 1);
    }

    #[test]
    fn something_new_does_not_overtake_a_backlog() {
        let admission = Arc::new(Admission::new(2, 10));
        admission.raise_backlog();
        assert!(admission.take_unless_backlog().is_none());
        admission.found_empty(admission.backlog());
        assert!(admission.take_unless_backlog().is_some());
    }

    #[test]
    fn who_finds_the_queue_empty_does_not_hide_what_came_since() {
        let admission = Arc::new(Admission::new(2, 10));
        admission.raise_backlog();
        let seen = admission.backlog();
        admission.raise_backlog();
        admission.found_empty(seen);
        assert!(admission.has_backlog());
    }

    #[test]
    fn a_queue_found_empty_is_counted_as_empty() {
        let admission = Admission::new(1, 1);
        assert!(admission.enqueue() && !admission.enqueue());
        admission.found_empty(admission.backlog());
        assert!(admission.enqueue());
    }

    #[test]
    fn the_queue_has_a_bound() {
        let admission = Admission::new(1, 2);
        assert!(admission.enqueue() && admission.enqueue() && !admission.enqueue());
        admission.dequeue(5);
        assert!(admission.enqueue());
    }
}
