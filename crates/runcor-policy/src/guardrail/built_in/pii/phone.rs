//! Telephone numbers.

use crate::guardrail::engine::{Detector, Found, Head, More, Place, bytes};

const MIN_DIGITS: usize = 8;
const MAX_DIGITS: usize = 15;

/// Finds `+` with 8 to 15 digits, and North American numbers in groups.
///
/// It is cautious: digits in a row are no telephone number, nor are those with
/// dots between them, which versions and addresses look like.
#[derive(Debug)]
pub(super) struct Phone;

impl Detector for Phone {
    fn head(&self) -> Head {
        let divider = |byte: u8| b" -.()".contains(&byte);
        [
            bytes(|byte| matches!(byte, b'+' | b'(' | b'2'..=b'9')),
            bytes(|byte| byte.is_ascii_digit()),
            bytes(|byte| byte.is_ascii_digit() || divider(byte)),
        ]
    }

    fn look(&self, place: &Place<'_>) -> Result<Option<Found>, More> {
        if !place.begins_word() || matches!(place.before, Some('+' | '-' | '.' | '/')) {
            return Ok(None);
        }
        let end = match place.at(0)? {
            Some(b'+') => international(place)?,
            _ => american(place)?,
        };
        Ok(end.map(Found::whole))
    }

    fn longest(&self) -> Option<usize> {
        Some(4 * MAX_DIGITS + 2)
    }

    fn label(&self, _: usize) -> &str {
        "phone"
    }
}

/// `+44 (0)20 7946-0958`: digits in groups, each in brackets or not.
fn international(place: &Place<'_>) -> Result<Option<usize>, More> {
    if !matches!(place.at(1)?, Some(b'1'..=b'9')) {
        return Ok(None);
    }
    let (mut at, mut digits, mut end) = (1, 0, None);
    while digits <= MAX_DIGITS {
        if place.is_digit_at(at)? {
            (at, digits) = (at + 1, digits + 1);
            continue;
        }
        if place.is_word_at(at)? {
            break;
        }
        if (MIN_DIGITS..=MAX_DIGITS).contains(&digits) {
            end = Some(at);
        }
        let Some(next) = next_group(place, at)? else { break };
        at = next;
    }
    Ok(end)
}

/// Returns where the next group of digits begins: behind a bracket, a space, a dash, or a dot.
fn next_group(place: &Place<'_>, mut at: usize) -> Result<Option<usize>, More> {
    let begin = at;
    for signs in [&b")"[..], b" -.", b"("] {
        if place.at(at)?.is_some_and(|byte| signs.contains(&byte)) {
            at += 1;
        }
    }
    Ok((at > begin && place.is_digit_at(at)?).then_some(at))
}

/// `(212) 555-0123` or `212-555-0123`.
fn american(place: &Place<'_>) -> Result<Option<usize>, More> {
    let shapes: [&[u8]; 3] = [b"(N##) N##-####", b"(N##)N##-####", b"N##-N##-####"];
    for shape in shapes {
        if fits(place, shape)? {
            return Ok(Some(shape.len()));
        }
    }
    Ok(None)
}

fn fits(place: &Place<'_>, shape: &[u8]) -> Result<bool, More> {
    for (at, sign) in shape.iter().enumerate() {
        let here = place.at(at)?;
        let fits = match sign {
            b'N' => matches!(here, Some(b'2'..=b'9')),
            b'#' => here.is_some_and(|byte| byte.is_ascii_digit()),
            _ => here == Some(*sign),
        };
        if !fits {
            return Ok(false);
        }
    }
    let goes_on = place.is_word_at(shape.len())?
        || (place.at(shape.len())? == Some(b'-') && place.is_digit_at(shape.len() + 1)?);
    Ok(!goes_on)
}
