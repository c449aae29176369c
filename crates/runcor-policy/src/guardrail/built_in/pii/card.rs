//! Numbers of payment cards.

use crate::guardrail::engine::{ByteSet, Detector, Found, More, Place, bytes};

const MIN_DIGITS: usize = 13;
const MAX_DIGITS: usize = 19;
/// The most digits in a group, where a number is written in groups.
const MAX_GROUP: usize = 6;

/// Finds 13 to 19 digits that begin with 2 to 6 and have a valid check digit,
/// in one piece or in groups with one space or one dash between them.
///
/// Every issuer of payment cards has numbers that begin so; instants in
/// milliseconds and most order numbers do not.
#[derive(Debug)]
pub(super) struct Card;

impl Detector for Card {
    fn starts(&self) -> ByteSet {
        bytes(|byte| matches!(byte, b'2'..=b'6'))
    }

    fn look(&self, place: &Place<'_>) -> Result<Option<Found>, More> {
        if !place.begins_word() || place.before == Some('.') {
            return Ok(None);
        }
        let mut number = Number::default();
        let (mut at, mut end, mut separator, mut group) = (0, None, None, 0);
        loop {
            let here = place.at(at)?;
            if let Some(digit) = here.filter(u8::is_ascii_digit) {
                number.push(digit - b'0');
                (at, group) = (at + 1, group + 1);
                if number.length > MAX_DIGITS || (separator.is_some() && group > MAX_GROUP) {
                    break;
                }
                continue;
            }
            if here.is_some_and(|byte| byte.is_ascii_alphabetic()) {
                break;
            }
            if number.is_card() {
                end = Some(at);
            }
            let goes_on = here.is_some_and(|byte| matches!(byte, b' ' | b'-'))
                && separator.is_none_or(|known| here == Some(known))
                && (separator.is_some() || group <= MAX_GROUP)
                && number.length < MAX_DIGITS
                && place.is_digit_at(at + 1)?;
            if !goes_on {
                break;
            }
            (separator, group, at) = (here, 0, at + 1);
        }
        Ok(end.map(Found::whole))
    }

    fn longest(&self) -> Option<usize> {
        Some(2 * MAX_DIGITS + 1)
    }

    fn label(&self, _: usize) -> &str {
        "card"
    }
}

/// Digits as they come, with the sums of both ways to double every second of them.
#[derive(Debug, Default)]
struct Number {
    length: usize,
    /// The sum if the last digit is doubled, and if it is not.
    sums: (u32, u32),
}

impl Number {
    fn push(&mut self, digit: u8) {
        let digit = u32::from(digit);
        let doubled = if digit > 4 { 2 * digit - 9 } else { 2 * digit };
        self.sums = (self.sums.1 + doubled, self.sums.0 + digit);
        self.length += 1;
    }

    fn is_card(&self) -> bool {
        (MIN_DIGITS..=MAX_DIGITS).contains(&self.length) && self.sums.1.is_multiple_of(10)
    }
}
