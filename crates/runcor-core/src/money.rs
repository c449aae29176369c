//! Money: whole nano-dollars, never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};

use serde::{Deserialize, Serialize};

use crate::model::Usage;

/// An amount of US dollars in billionths of a dollar.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(i64);

const NANOS_PER_DOLLAR: i64 = 1_000_000_000;

impl Money {
    /// No money at all.
    pub const ZERO: Self = Self(0);

    /// Makes an amount from nano-dollars.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Returns the amount in nano-dollars.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Returns the amount in dollars, for the JSON shapes that show a float.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "shown to people; the exact value stays an integer"
    )]
    pub fn as_dollars(self) -> f64 {
        self.0 as f64 / NANOS_PER_DOLLAR as f64
    }

    /// Rounds a number of dollars to the nearest nano-dollar; not a number becomes zero.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, which is what we want"
    )]
    pub fn from_dollars(dollars: f64) -> Self {
        Self((dollars * 1e9).round() as i64)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Writes dollars with at least two and at most nine decimals: `$0.0042`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let unit = NANOS_PER_DOLLAR.unsigned_abs();
        let decimals = format!("{:09}", nanos % unit);
        let shown = decimals.trim_end_matches('0');
        write!(f, "{sign}${}.{shown:0<2}", nanos / unit)
    }
}

/// What one model charges, in pico-dollars (10⁻¹² dollars) for a token.
///
/// Pico-dollars keep published prices exact: 0.15 dollars for a million
/// tokens is 150,000 pico-dollars for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenPrice {
    /// Price of one input token.
    pub input_picos: i64,
    /// Price of one output token.
    pub output_picos: i64,
    /// Price of one input token that the vendor reads from its cache; as any other when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_picos: Option<i64>,
    /// Price of one output token of reasoning; as any other when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_picos: Option<i64>,
    /// What is charged instead for requests with a long input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongPrice>,
}

/// What one model charges for every token of a request whose input is long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LongPrice {
    /// The most input tokens that do not make a request long, cached ones included.
    pub above: u64,
    /// Price of one input token.
    pub input_picos: i64,
    /// Price of one output token.
    pub output_picos: i64,
    /// Price of one input token that the vendor reads from its cache; as any other when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_picos: Option<i64>,
}

impl TokenPrice {
    /// Makes a price from dollars for one token, as `costPerToken` gives it.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, which is what we want"
    )]
    pub fn per_token(input_dollars: f64, output_dollars: f64) -> Self {
        let picos = |dollars: f64| (dollars * 1e12).round() as i64;
        Self {
            input_picos: picos(input_dollars),
            output_picos: picos(output_dollars),
            ..Self::default()
        }
    }

    /// Returns what `usage` costs, rounded up to the next nano-dollar.
    ///
    /// Cached and reasoning tokens are parts of the input and the output; a
    /// vendor that reports more of them than of the whole is not believed.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Money {
        if let Some(long) = self.long.filter(|long| usage.prompt_tokens > long.above) {
            let LongPrice { input_picos, output_picos, cached_picos, .. } = long;
            let price = Self { input_picos, output_picos, cached_picos, ..Self::default() };
            return price.cost(usage);
        }
        let tokens = |price: i64, count: u64| i128::from(price.max(0)) * i128::from(count);
        let parts = |price: i64, part_price: Option<i64>, whole: u64, part: u64| {
            let part = part.min(whole);
            tokens(price, whole - part) + tokens(part_price.unwrap_or(price), part)
        };
        let input =
            parts(self.input_picos, self.cached_picos, usage.prompt_tokens, usage.cached_tokens);
        let output = parts(
            self.output_picos,
            self.reasoning_picos,
            usage.completion_tokens,
            usage.reasoning_tokens,
        );
        Money(i64::try_from((input + output + 999).div_euclid(1000)).unwrap_or(i64::MAX))
    }

    /// Returns the sum of both prices, by which the cheapest provider is found.
    #[must_use]
    pub fn combined_picos(&self) -> i64 {
        self.input_picos.saturating_add(self.output_picos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_shown_with_two_to_nine_decimals() {
        assert_eq!(Money::ZERO.to_string(), "$0.00");
        assert_eq!(Money::from_dollars(0.0042).to_string(), "$0.0042");
        assert_eq!(Money::from_nanos(-1_500_000_000).to_string(), "-$1.50");
        assert_eq!(Money::from_nanos(1).to_string(), "$0.000000001");
    }

    #[test]
    fn rates_of_the_contract_give_the_cost_of_the_contract() {
        let price = TokenPrice::per_token(0.003, 0.015);
        let usage = Usage { prompt_tokens: 100, completion_tokens: 50, ..Usage::default() };
        assert_eq!(price.cost(&usage), Money::from_dollars(1.05));
    }

    #[test]
    fn published_prices_stay_exact_and_round_up_to_a_nano_dollar() {
        let price = TokenPrice::per_token(0.15 / 1e6, 0.60 / 1e6);
        assert_eq!(price.input_picos, 150_000);
        let one = Usage { prompt_tokens: 1, ..Usage::default() };
        assert_eq!(price.cost(&one), Money::from_nanos(150));
        let tiny = TokenPrice { input_picos: 1, ..TokenPrice::default() };
        assert_eq!(tiny.cost(&one), Money::from_nanos(1));
    }

    #[test]
    fn cached_and_reasoning_tokens_have_prices_of_their_own_and_are_parts_of_the_whole() {
        let price = TokenPrice {
            input_picos: 1_000,
            output_picos: 2_000,
            cached_picos: Some(100_000),
            reasoning_picos: Some(3_000),
            long: None,
        };
        let usage = Usage {
            prompt_tokens: 10,
            cached_tokens: 4,
            completion_tokens: 5,
            reasoning_tokens: 9,
            ..Usage::default()
        };
        assert_eq!(price.cost(&usage), Money::from_nanos(6 + 400 + 15));
    }

    #[test]
    fn every_token_of_a_long_request_has_the_price_of_long_requests() {
        let long = LongPrice {
            above: 10,
            input_picos: 5_000,
            output_picos: 7_000,
            cached_picos: Some(1_000),
        };
        let price = TokenPrice { long: Some(long), ..TokenPrice::default() };
        let usage = |prompt_tokens| Usage {
            prompt_tokens,
            cached_tokens: 1,
            completion_tokens: 2,
            ..Usage::default()
        };
        assert_eq!(price.cost(&usage(10)), Money::ZERO);
        assert_eq!(price.cost(&usage(11)), Money::from_nanos(50 + 1 + 14));
    }
}
