//! Cuts a body into lines for the SSE parser, and bounds what the parser must hold.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use super::fault::Fault;

/// The most bytes that one event may have.
const MAX_EVENT: usize = 4 << 20;
/// The most bytes that a whole stream may have; its framing is most of it.
const MAX_STREAM: usize = 256 << 20;

/// A body in pieces of at most one line.
///
/// The parser reports a bad line before the good events that came with it in
/// the same piece, so with a line a piece the outcome does not depend on how
/// the network cut the body. At the end comes an empty line, for vendors who
/// forget it after their last event.
pub(crate) struct Lines<S> {
    body: S,
    rest: Bytes,
    ended: Arc<AtomicBool>,
    line: usize,
    after_cr: bool,
    event: usize,
    total: usize,
}

impl<S> Lines<S> {
    /// Wraps `body`; `ended` is set when the body has come to its proper end.
    pub(crate) fn new(body: S, ended: Arc<AtomicBool>) -> Self {
        Self { body, rest: Bytes::new(), ended, line: 0, after_cr: false, event: 0, total: 0 }
    }

    fn next_line(&mut self) -> Result<Bytes, Fault> {
        let end = self.rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let piece = self.rest.split_to(end.map_or(self.rest.len(), |at| at + 1));
        self.total += piece.len();
        self.event += piece.len();
        let second_half = piece.as_ref() == b"\n" && self.after_cr;
        if end.is_some() && !second_half {
            if self.line + piece.len() == 1 {
                self.event = 0;
            }
            self.line = 0;
        } else if end.is_none() {
            self.line += piece.len();
        }
        self.after_cr = piece.last() == Some(&b'\r');
        if self.event > MAX_EVENT {
            return Err(Fault::too_large(MAX_EVENT));
        }
        if self.total > MAX_STREAM { Err(Fault::too_large(MAX_STREAM)) } else { Ok(piece) }
    }
}

impl<S: Stream<Item = Result<Bytes, Fault>> + Unpin> Stream for Lines<S> {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if !self.rest.is_empty() {
                return Poll::Ready(Some(self.next_line()));
            }
            if self.ended.load(Ordering::Relaxed) {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(fault)) => return Poll::Ready(Some(Err(fault))),
                None => {
                    self.ended.store(true, Ordering::Relaxed);
                    self.rest = Bytes::from_static(b"\n\n");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    async fn outcome(line: &str, times: usize) -> Result<usize, Fault> {
        let line = Bytes::copy_from_slice(line.as_bytes());
        let body = stream::repeat_with(move || Ok(line.clone())).take(times);
        let mut lines = Lines::new(Box::pin(body), Arc::default());
        let mut count = 0;
        while let Some(piece) = lines.next().await {
            count += piece?.len();
        }
        Ok(count)
    }

    #[tokio::test]
    async fn an_event_without_end_is_refused_and_many_small_ones_are_not() {
        let endless = "x".repeat(1 << 16);
        assert!(outcome(&endless, 100).await.is_err());
        let one_event = format!("data: {endless}\r\n");
        assert!(outcome(&one_event, 100).await.is_err());
        let events = format!("data: {endless}\r\n\r\n");
        assert_eq!(outcome(&events, 100).await.unwrap(), events.len() * 100 + 2);
    }
}
