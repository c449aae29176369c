//! The log of the layer: what happened to the files, in order.

use std::path::Path;

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A file was opened, or the directory (`""`).
    Open {
        fd: i32,
        name: String,
        created: bool,
    },
    Close {
        fd: i32,
    },
    Write {
        fd: i32,
        at: u64,
        bytes: Vec<u8>,
    },
    SetLength {
        fd: i32,
        length: u64,
    },
    /// A flush; one that failed has promised nothing.
    Sync {
        fd: i32,
        failed: bool,
    },
    Unlink {
        name: String,
    },
    Rename {
        from: String,
        to: String,
    },
    /// The process told something.
    Mark(String),
}

/// Reads a log.
pub(crate) fn read(path: &Path) -> Vec<Event> {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = bytes.as_slice();
    let mut events = Vec::new();
    while !rest.is_empty() {
        events.push(event(&mut rest));
    }
    events
}

fn event(rest: &mut &[u8]) -> Event {
    let [kind, flag] = take(rest);
    let name_length = u16::from_le_bytes(take(rest));
    let fd = i32::from_le_bytes(take(rest));
    let at = u64::from_le_bytes(take(rest));
    let length = u32::from_le_bytes(take(rest));
    let name = text(bytes(rest, name_length.into()));
    let data = bytes(rest, usize::try_from(length).unwrap());
    match kind {
        b'O' => Event::Open { fd, name, created: flag != 0 },
        b'C' => Event::Close { fd },
        b'W' => Event::Write { fd, at, bytes: data.to_vec() },
        b'L' => Event::SetLength { fd, length: at },
        b'S' => Event::Sync { fd, failed: flag != 0 },
        b'U' => Event::Unlink { name },
        b'R' => Event::Rename { from: name, to: text(data) },
        b'M' => Event::Mark(text(data)),
        other => panic!("the log has a record {other}"),
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    bytes(rest, N).try_into().unwrap()
}

fn bytes<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (part, after) = rest.split_at(length);
    *rest = after;
    part
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
