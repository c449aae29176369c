//! Numbers of payment cards.

use std::ops::RangeInclusive;

use crate::guardrail::engine::{Detector, Found, Head, More, Place, bytes};

const MIN_DIGITS: usize = 13;
const MAX_DIGITS: usize = 19;
/// The fewest digits in a group but the last, and the most, where a number is written in groups.
const GROUP: RangeInclusive<usize> = 3..=6;

/// Finds 13 to 19 digits with a valid check digit that begin like the numbers
/// of an issuer of cards and are as long, in one piece or in groups with one
/// space or one dash between them.
///
/// Nine of ten order numbers fail for their check digit, and instants, years
/// and parts of account numbers for how they begin.
#[derive(Debug)]
pub(super) struct Card;

impl Detector for Card {
    fn head(&self) -> Head {
        let digit = |byte: u8| byte.is_ascii_digit();
        [bytes(|byte| matches!(byte, b'2'..=b'6')), bytes(digit), bytes(digit)]
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
                if number.length > MAX_DIGITS || (separator.is_some() && group > *GROUP.end()) {
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
                && GROUP.contains(&group)
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
    /// The first four digits.
    head: u32,
    /// The sum if the last digit is doubled, and if it is not.
    sums: (u32, u32),
}

impl Number {
    fn push(&mut self, digit: u8) {
        let digit = u32::from(digit);
        if self.length < 4 {
            self.head = self.head * 10 + digit;
        }
        let doubled = if digit > 4 { 2 * digit - 9 } else { 2 * digit };
        self.sums = (self.sums.1 + doubled, self.sums.0 + digit);
        self.length += 1;
    }

    fn is_card(&self) -> bool {
        self.sums.1.is_multiple_of(10) && self.is_issued()
    }

    /// Returns whether an issuer has numbers that begin so and are so long (ISO/IEC 7812).
    fn is_issued(&self) -> bool {
        let lengths = match self.head {
            4000..=4999 => return matches!(self.length, 13 | 16 | 19),
            2221..=2720 | 5100..=5599 => 16..=16,
            3400..=3499 | 3700..=3799 => 15..=15,
            2200..=2204 | 3528..=3589 => 16..=MAX_DIGITS,
            3000..=3099 | 3600..=3699 | 3800..=3999 => 14..=MAX_DIGITS,
            5000..=5099 | 5600..=6999 => MIN_DIGITS..=MAX_DIGITS,
            _ => return false,
        };
        lengths.contains(&self.length)
    }
}
