//! What the server answers, and how it goes wrong on the way.

use std::time::Duration;

use serde_json::{Value, json};

/// One answer of [`VendorServer`](super::VendorServer).
///
/// The constructors make answers that are in order, or the usual errors; the
/// methods break them. Positions count bytes or events of the body.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Where each event ends in the body.
    pub(super) events: Vec<usize>,
    /// Whether the body is sent in chunks, as vendors stream.
    pub(super) is_stream: bool,
    pub(super) piece: usize,
    pub(super) pause: Duration,
    pub(super) ending: Ending,
}

/// How the answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// As it should.
    Proper,
    /// No byte is ever sent.
    Hang,
    /// The connection is reset before any byte.
    Reset,
    /// After so many bytes of the body nothing more comes.
    Stall(usize),
    /// After so many bytes of the body the connection closes.
    Cut(usize),
}

impl Reply {
    /// Makes an answer of any kind.
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
            events: Vec::new(),
            is_stream: false,
            piece: usize::MAX,
            pause: Duration::ZERO,
            ending: Ending::Proper,
        }
    }

    /// Makes a JSON answer; with status 200 and an error inside it is the kind
    /// of success that isn't one.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// Makes a plain text answer, as proxies give it.
    #[must_use]
    pub fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain", body)
    }

    /// Makes an event stream of the given data, one event each.
    #[must_use]
    pub fn events<T: AsRef<str>>(data: impl IntoIterator<Item = T>) -> Self {
        let text: String =
            data.into_iter().map(|data| format!("data: {}\n\n", data.as_ref())).collect();
        Self::event_stream(text)
    }

    /// Makes an event stream of text that is written as it is, well-formed or not.
    #[must_use]
    pub fn event_stream(text: impl Into<Vec<u8>>) -> Self {
        let mut reply = Self::new(200, "text/event-stream", text);
        let ends = (1..=reply.body.len()).filter(|at| {
            let text = reply.body.get(..*at).unwrap_or_default();
            text.ends_with(b"\n\n") || text.ends_with(b"\n\r\n")
        });
        reply.events = ends.collect();
        reply.is_stream = true;
        reply
    }

    /// Makes an error in the shape that vendors share.
    #[must_use]
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "error": { "message": message } }))
    }

    /// Makes HTTP 429 with `Retry-After`: seconds, or an HTTP date.
    #[must_use]
    pub fn rate_limited(retry_after: &str) -> Self {
        Self::error(429, "rate limit exceeded").with_header("retry-after", retry_after)
    }

    /// Makes HTTP 529, by which Anthropic says that it is overloaded.
    #[must_use]
    pub fn overloaded() -> Self {
        let error = json!({ "type": "overloaded_error", "message": "Overloaded" });
        Self::json(529, &json!({ "type": "error", "error": error }))
    }

    /// Makes an answer that is larger than anybody wants.
    #[must_use]
    pub fn huge(bytes: usize) -> Self {
        let mut body = b"{\"choices\":\"".to_vec();
        body.resize(bytes.max(body.len()), b'x');
        Self::new(200, "application/json", body)
    }

    /// Never sends anything; ends when the client goes away.
    #[must_use]
    pub fn hang() -> Self {
        Self { ending: Ending::Hang, ..Self::text(200, "") }
    }

    /// Resets the connection after the request.
    #[must_use]
    pub fn reset() -> Self {
        Self { ending: Ending::Reset, ..Self::text(200, "") }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends the body in pieces of so many bytes, each in its own packet, which
    /// splits events and characters.
    #[must_use]
    pub fn in_pieces_of(mut self, bytes: usize) -> Self {
        self.piece = bytes.max(1);
        self
    }

    /// Waits between two pieces: a slow trickle.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Closes the connection after so many bytes of the body.
    #[must_use]
    pub fn cut_after_bytes(mut self, bytes: usize) -> Self {
        self.ending = Ending::Cut(bytes);
        self
    }

    /// Closes the connection after so many events.
    #[must_use]
    pub fn cut_after_events(self, events: usize) -> Self {
        let bytes = self.end_of(events);
        self.cut_after_bytes(bytes)
    }

    /// Sends nothing more after so many events, and keeps the connection open.
    #[must_use]
    pub fn stall_after_events(mut self, events: usize) -> Self {
        self.ending = Ending::Stall(self.end_of(events));
        self
    }

    /// Sends one event twice, the first being number 0.
    #[must_use]
    pub fn duplicate_event(mut self, number: usize) -> Self {
        let (from, to) = (self.end_of(number), self.end_of(number + 1));
        let event = self.body.get(from..to).unwrap_or_default().to_vec();
        self.insert(to, &event);
        self
    }

    /// Puts a line that is no part of any event before an event.
    #[must_use]
    pub fn garbage_before_event(mut self, number: usize) -> Self {
        let at = self.end_of(number);
        self.insert(at, b"this is not an event\n");
        self
    }

    fn end_of(&self, events: usize) -> usize {
        match events {
            0 => 0,
            events => self.events.get(events - 1).copied().unwrap_or(self.body.len()),
        }
    }

    fn insert(&mut self, at: usize, bytes: &[u8]) {
        self.body.splice(at..at, bytes.iter().copied());
        for end in self.events.iter_mut().filter(|end| **end > at) {
            *end += bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_events_of_either_line_ending() {
        for end in ["\n\n", "\r\n\r\n"] {
            let reply = Reply::event_stream(["data: 1", "data: 22", ""].join(end));
            assert_eq!(reply.events.len(), 2);
            let cut = reply.clone().cut_after_events(1);
            assert_eq!(cut.ending, Ending::Cut(7 + end.len()));
            assert_eq!(reply.clone().cut_after_events(9).ending, Ending::Cut(reply.body.len()));
            let twice = reply.duplicate_event(1);
            assert_eq!(twice.body, ["data: 1", "data: 22", "data: 22", ""].join(end).into_bytes());
        }
    }
}
