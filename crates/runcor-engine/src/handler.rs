//! A handler's future that keeps its panics to itself, also those of its beginning and its drop.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use runcor_core::{FlowContext, FlowError, FlowHandler, FlowOutcome};

type Run<'a> = Pin<Box<dyn Future<Output = Result<FlowOutcome, FlowError>> + Send + 'a>>;

/// The text of a panic.
pub(crate) struct Panicked(pub(crate) String);

/// One run of a handler.
pub(crate) struct Handler<'a> {
    /// Absent once it has ended.
    run: Option<Run<'a>>,
    /// Why it never began.
    failed: Option<Panicked>,
}

impl<'a> Handler<'a> {
    /// Asks a handler to run.
    pub(crate) fn begin(handler: &'a dyn FlowHandler, ctx: FlowContext) -> Self {
        match guard(|| handler.run(ctx)) {
            Ok(run) => Self { run: Some(run), failed: None },
            Err(panicked) => Self { run: None, failed: Some(panicked) },
        }
    }
}

impl Future for Handler<'_> {
    type Output = Result<Result<FlowOutcome, FlowError>, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(panicked) = self.failed.take() {
            return Poll::Ready(Err(panicked));
        }
        let Some(run) = self.run.as_mut() else { return Poll::Pending };
        match guard(|| run.as_mut().poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(outcome)) => Poll::Ready(Ok(outcome)),
            Err(panicked) => Poll::Ready(Err(panicked)),
        }
    }
}

impl Drop for Handler<'_> {
    fn drop(&mut self) {
        let run = self.run.take();
        if let Err(Panicked(text)) = guard(|| drop(run)) {
            tracing::warn!(panic = %text, "a handler panicked while it was dropped");
        }
    }
}

fn guard<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Panicked(text_of(&*panic)))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").chars().take(500).collect()
}
