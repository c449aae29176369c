//! Numbers of bank accounts.

use crate::guardrail::engine::{Detector, Found, Head, More, Place, bytes};

/// How long the numbers of each country are (ISO 13616, the SWIFT registry).
const LENGTHS: [(&[u8; 2], usize); 88] = [
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];

/// Finds account numbers of their country's length with valid check digits,
/// in capitals or not, in one piece or in groups of four with a space or a dash between them.
#[derive(Debug)]
pub(super) struct Iban;

impl Detector for Iban {
    fn head(&self) -> Head {
        let letter = |byte: u8| byte.is_ascii_alphabetic();
        [bytes(letter), bytes(letter), bytes(|byte| byte.is_ascii_digit())]
    }

    fn look(&self, place: &Place<'_>) -> Result<Option<Found>, More> {
        if !place.begins_word() {
            return Ok(None);
        }
        let Some(length) = length(place)? else { return Ok(None) };
        let (mut at, mut taken) = (0, 0);
        let (mut head, mut rest, mut was_separator) = (0, 0, false);
        while taken < length {
            let Some(byte) = place.at(at)? else { return Ok(None) };
            // Prose has its spaces elsewhere.
            if matches!(byte, b' ' | b'-') && at > 0 && taken % 4 == 0 && !was_separator {
                (at, was_separator) = (at + 1, true);
                continue;
            }
            let Some(value) = value(byte) else { return Ok(None) };
            was_separator = false;
            let sum = if taken < 4 { &mut head } else { &mut rest };
            *sum = append(*sum, value);
            (at, taken) = (at + 1, taken + 1);
        }
        // The country and the check digits count last.
        let shifted = rest * 1_000_000 % 97;
        let is_valid = (shifted + head) % 97 == 1 && !place.is_word_at(at)?;
        Ok(is_valid.then(|| Found::whole(at)))
    }

    fn longest(&self) -> Option<usize> {
        Some(2 * 34 + 1)
    }

    fn label(&self, _: usize) -> &str {
        "iban"
    }
}

/// Returns how long the number is whose country's letters and check digits are here.
fn length(place: &Place<'_>) -> Result<Option<usize>, More> {
    let letter = |at| place.at(at).map(|byte| byte.unwrap_or(0).to_ascii_uppercase());
    let country = [letter(0)?, letter(1)?];
    let Some((_, length)) = LENGTHS.iter().find(|(code, _)| **code == country) else {
        return Ok(None);
    };
    let is_checked = place.is_digit_at(2)? && place.is_digit_at(3)?;
    Ok(is_checked.then_some(*length))
}

fn value(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(36)
}

/// Appends a value of one or two decimal digits to a number modulo 97.
fn append(sum: u32, value: u32) -> u32 {
    (sum * if value > 9 { 100 } else { 10 } + value) % 97
}
