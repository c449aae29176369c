//! The writer thread and the handle through which the store talks to it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use runcor_core::StoreError;
use tokio::sync::{Semaphore, oneshot};

use crate::drain::Desk;
use crate::job::{Job, Message, Reply};
use crate::lock::OwnerLock;

/// How many jobs may wait. Beyond it, callers wait for a place without blocking a thread.
const QUEUE: usize = 4096;
/// Room for messages that are no jobs.
const SPARE: usize = 16;
/// How long the queue is empty before the writer looks after the log.
const IDLE: Duration = Duration::from_millis(100);

/// The handle of the writer thread; dropping it stops the thread and waits for it.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Sender<Message>,
    places: Arc<Semaphore>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread, which keeps `lock` until its end.
    pub(crate) fn start(desk: Desk, lock: OwnerLock) -> Result<Self, StoreError> {
        let (queue, jobs) = bounded(QUEUE + SPARE);
        let thread = thread::Builder::new()
            .name("runcor-sqlite".to_owned())
            .spawn(move || {
                work(desk, &jobs);
                drop(lock);
            })
            .map_err(|error| StoreError::Unavailable {
                message: format!("can't start the writer thread: {error}"),
            })?;
        let places = Arc::new(Semaphore::new(QUEUE));
        Ok(Self { queue, places, thread: Mutex::new(Some(thread)) })
    }

    /// Has a job done and returns its answer.
    pub(crate) async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StoreError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let message = Message::Job(job(reply), place);
        // It can't be full: the places are fewer than the queue is long.
        self.queue.try_send(message).map_err(|_| self.gone())?;
        match answer.await {
            Ok(answer) => answer.into_result(),
            Err(_) => Err(self.gone()),
        }
    }

    fn gone(&self) -> StoreError {
        if self.places.is_closed() {
            return StoreError::Closed;
        }
        StoreError::Unavailable { message: "the writer has ended; restart the engine".to_owned() }
    }

    /// Tells the thread to finish and returns it, unless that was done before.
    pub(crate) fn stop(&self) -> Option<JoinHandle<()>> {
        self.places.close();
        // Where it fails the thread has ended already, or is told already.
        let _ = self.queue.try_send(Message::Stop);
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(thread) = self.stop() {
            let _ = thread.join();
        }
    }
}

fn work(mut desk: Desk, messages: &Receiver<Message>) {
    let mut stops = false;
    while let Some(first) = next(&mut desk, messages, &mut stops) {
        desk.serve(first, || take(messages.try_recv(), &mut stops));
    }
    desk.close();
}

/// Returns the next job; `None` once the thread shall end and nothing is queued.
fn next(desk: &mut Desk, messages: &Receiver<Message>, stops: &mut bool) -> Option<Job> {
    loop {
        let received = match messages.try_recv() {
            Err(TryRecvError::Empty) if !*stops => wait(desk, messages),
            received => received,
        };
        match received {
            Ok(Message::Stop) => *stops = true,
            Err(TryRecvError::Empty) if !*stops => {}
            received => return take(received, stops),
        }
    }
}

fn wait(desk: &mut Desk, messages: &Receiver<Message>) -> Result<Message, TryRecvError> {
    if !desk.has_chores() {
        return messages.recv().map_err(|_| TryRecvError::Disconnected);
    }
    messages.recv_timeout(IDLE).map_err(|error| match error {
        RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        RecvTimeoutError::Timeout => {
            desk.do_chores();
            TryRecvError::Empty
        }
    })
}

fn take(received: Result<Message, TryRecvError>, stops: &mut bool) -> Option<Job> {
    match received {
        Ok(Message::Job(job, _place)) => Some(job),
        Ok(Message::Stop) => {
            *stops = true;
            None
        }
        Err(_) => None,
    }
}
