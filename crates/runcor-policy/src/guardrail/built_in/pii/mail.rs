//! Mail addresses.

use crate::guardrail::engine::{ByteSet, Detector, Found, More, Place, bytes};

const MAX_LOCAL: usize = 64;
/// The longest address, which is also the longest that is told apart.
const MAX_LENGTH: usize = 250;

/// Finds `name@host.example`.
#[derive(Debug)]
pub(super) struct Mail;

impl Detector for Mail {
    fn starts(&self) -> ByteSet {
        bytes(|byte| is_local(byte) || (0xC3..=0xC9).contains(&byte))
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
