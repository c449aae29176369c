//! Social security numbers of the USA.

use crate::guardrail::engine::{Detector, Found, Head, More, Place, bytes};

const LENGTH: usize = 11;

/// Finds `123-45-6789`, with dashes or spaces, unless the number is one that is never given out.
#[derive(Debug)]
pub(super) struct Ssn;

impl Detector for Ssn {
    fn head(&self) -> Head {
        let digit = |byte: u8| byte.is_ascii_digit();
        [bytes(|byte| matches!(byte, b'0'..=b'8')), bytes(digit), bytes(digit)]
    }

    fn look(&self, place: &Place<'_>) -> Result<Option<Found>, More> {
        if !place.begins_word() || matches!(place.before, Some('-' | '.' | '+')) {
            return Ok(None);
        }
        let mut separator = None;
        for at in 0..LENGTH {
            let here = place.at(at)?;
            let fits = match at {
                3 => {
                    separator = here;
                    matches!(here, Some(b' ' | b'-'))
                }
                6 => here == separator,
                _ => here.is_some_and(|byte| byte.is_ascii_digit()),
            };
            if !fits {
                return Ok(None);
            }
        }
        let goes_on = place.is_word_at(LENGTH)?
            || (place.at(LENGTH)? == separator && place.is_digit_at(LENGTH + 1)?);
        let is_given_out = place.text.get(..LENGTH).is_some_and(is_given_out);
        Ok((!goes_on && is_given_out).then(|| Found::whole(LENGTH)))
    }

    fn longest(&self) -> Option<usize> {
        Some(LENGTH + 2)
    }

    fn label(&self, _: usize) -> &str {
        "ssn"
    }
}

fn is_given_out(number: &[u8]) -> bool {
    let parts = (number.get(..3), number.get(4..6), number.get(7..));
    parts.0 != Some(b"000")
        && parts.0 != Some(b"666")
        && parts.1 != Some(b"00")
        && parts.2 != Some(b"0000")
}
