//! The bytes of the stream: comments, events, gaps.

use std::io::Write;

use bytes::Bytes;
use runcor_core::EventRecord;

/// Why events are missing.
#[derive(Clone, Copy)]
pub(super) enum GapReason {
    /// The client was too slow.
    Lagged,
    /// History no longer has them.
    Forgotten,
    /// The client's last event is none of this history, so nobody knows how many are missing.
    UnknownId,
}

/// A comment, which clients ignore and proxies see as life.
pub(super) fn comment(text: &str) -> Bytes {
    Bytes::from(format!(": {text}\n\n"))
}

/// Appends a message that says how many events are missing.
pub(super) fn gap(out: &mut Vec<u8>, missed: u64, reason: GapReason) {
    let reason = match reason {
        GapReason::Lagged => "lagged",
        GapReason::Forgotten => "forgotten",
        GapReason::UnknownId => "unknown_id",
    };
    let message =
        format!("data: {{\"type\":\"gap\",\"missed\":{missed},\"reason\":\"{reason}\"}}\n\n");
    out.extend_from_slice(message.as_bytes());
}

/// Appends an event with its sequence number as `id`; one that is not JSON is left out, not fatal.
pub(super) fn push_event(out: &mut Vec<u8>, record: &EventRecord) {
    let start = out.len();
    let written = write!(out, "id: {}\ndata: ", record.seq)
        .map_err(serde_json::Error::io)
        .and_then(|()| serde_json::to_writer(&mut *out, &record.event));
    match written {
        Ok(()) => out.extend_from_slice(b"\n\n"),
        Err(error) => {
            out.truncate(start);
            tracing::warn!(seq = record.seq, %error, "an event can't be written as JSON");
        }
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::{Event, FlowChange, FlowName};

    use super::*;

    #[test]
    fn an_event_is_one_unnamed_message_with_its_number() {
        let name = FlowName::new("hello").unwrap();
        let record = EventRecord { seq: 7, event: Event::FlowRegistered(FlowChange { name }) };
        let mut out = Vec::new();
        push_event(&mut out, &record);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "id: 7\ndata: {\"type\":\"flow:registered\",\"name\":\"hello\"}\n\n");
    }

    #[test]
    fn a_gap_says_how_many_and_why() {
        let mut out = Vec::new();
        gap(&mut out, 3, GapReason::Lagged);
        let expected = b"data: {\"type\":\"gap\",\"missed\":3,\"reason\":\"lagged\"}\n\n";
        assert_eq!(out, expected);
    }
}
