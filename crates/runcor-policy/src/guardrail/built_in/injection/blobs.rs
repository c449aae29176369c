//! Base64 within a text.

use std::ops::Range;

/// The least letters that are worth a look, and the most blobs that get one.
const LEAST: usize = 32;
const MOST: usize = 64;

/// Returns where long runs of letters of Base64 are.
pub(super) fn blobs(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = None;
    for (at, byte) in text.bytes().chain([b' ']).enumerate() {
        match (value(byte), begin) {
            (Some(_), None) => begin = Some(at),
            (None, Some(from)) if byte != b'=' => {
                begin = None;
                if at - from >= LEAST && found.len() < MOST {
                    found.push(from..at);
                }
            }
            _ => {}
        }
    }
    found
}

/// Returns the texts that are in a text as Base64.
pub(super) fn decoded_blobs(text: &str) -> impl Iterator<Item = String> {
    blobs(text).into_iter().filter_map(|range| decoded(text.get(range)?))
}

/// Decodes Base64 of either alphabet; `None` where that gives no text.
pub(super) fn decoded(blob: &str) -> Option<String> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::with_capacity(blob.len()));
    for value in blob.bytes().map_while(value) {
        bits = (bits << 6) | value;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xFF).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

fn value(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}
