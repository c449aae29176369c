//! Mail addresses.

use crate::guardrail::engine::{Detector, Found, Head, More, Place, bytes};

const MAX_LOCAL: usize = 64;
/// The longest address, which is also the longest that is told apart.
const MAX_LENGTH: usize = 250;

/// Finds `name@host.example`.
#[derive(Debug)]
pub(super) struct Mail;

impl Detector for Mail {
    fn head(&self) -> Head {
        let any = || bytes(|_| true);
        [bytes(|byte| is_local(byte) || (0xC3..=0xC9).contains(&byte)), any(), any()]
    }

    /// Before the first `@` only the word that it is in, and else the last one, which may go on.
    fn earliest(&self, text: &[u8], ended: bool) -> usize {
        let end = match text.iter().position(|byte| *byte == b'@') {
            Some(at) => at,
            None if ended => return text.len(),
            None => text.len(),
        };
        let before = text.get(..end).unwrap_or_default();
        let is_word = |byte: &u8| is_local(*byte) || !byte.is_ascii();
        before.iter().rposition(|byte| !is_word(byte)).map_or(0, |last| last + 1)
    }

    fn look(&self, place: &Place<'_>) -> Result<Option<Found>, More> {
        if place.before.is_some_and(is_local_char) {
            return Ok(None);
        }
        let mut at = 0;
        loop {
            match place.at(at)? {
                Some(byte) if is_local(byte) => at += 1,
                // A Latin letter beyond ASCII has two bytes.
                Some(0xC3..=0xC9) => at += 2,
                Some(b'@') if at > 0 => break,
                _ => return Ok(None),
            }
            if at > MAX_LOCAL {
                return Ok(None);
            }
        }
        Ok(host(place, at + 1)?.map(Found::whole))
    }

    fn longest(&self) -> Option<usize> {
        Some(MAX_LENGTH + 2)
    }

    fn label(&self, _: usize) -> &str {
        "mail"
    }
}

/// Returns where the host that begins at `begin` ends: after its last label
/// that can be a top-level domain.
fn host(place: &Place<'_>, begin: usize) -> Result<Option<usize>, More> {
    let (mut at, mut label, mut end) = (begin, begin, None);
    loop {
        let here = place.at(at)?.filter(|_| at < MAX_LENGTH);
        if here.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            at += 1;
            continue;
        }
        let text = place.text.get(label..at).unwrap_or_default();
        if label > begin && text.len() >= 2 && text.iter().all(u8::is_ascii_alphabetic) {
            end = Some(at);
        }
        if here != Some(b'.') || text.is_empty() {
            return Ok(end);
        }
        (at, label) = (at + 1, at + 1);
    }
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte)
}

fn is_local_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_local) || ('\u{c0}'..='\u{27f}').contains(&c)
}
