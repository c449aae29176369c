//! The price book: who charges what for a model.

use std::collections::HashMap;
use std::sync::Arc;

use runcor_core::{Timestamp, TokenPrice};

use super::data::{Published, published};
use super::names::{without_date, without_vendor};

/// Prices by model: those that were set, and behind them those that vendors publish.
///
/// A name is looked up as it is, then without the vendor before it, and then
/// without the date at its end; nothing is guessed beyond that.
///
/// ```
/// use runcor_core::Timestamp;
/// use runcor_cost::{PriceBook, price_per_million};
///
/// let now = Timestamp::from_millis(1_795_000_000_000);
/// let book = PriceBook::published()
///     .with_price("llama3.2", price_per_million(0.0, 0.0, None, None));
/// let price = book.price("anthropic", "claude-sonnet-4-5-20250929", now).unwrap();
/// assert_eq!((price.input_picos, price.output_picos), (3_000_000, 15_000_000));
/// assert!(book.price("my-server", "llama3.2", now).is_some());
/// assert!(book.price("my-server", "llama9", now).is_none());
/// ```
#[derive(Debug, Clone, Default)]
pub struct PriceBook {
    published: Option<Arc<Published>>,
    set: HashMap<String, TokenPrice>,
    providers: HashMap<String, Provider>,
}

#[derive(Debug, Clone)]
struct Provider {
    vendor: Vendor,
    default_model: Option<String>,
}

/// Whose prices hold for a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vendor {
    /// Anthropic's.
    Anthropic,
    /// OpenAI's.
    OpenAi,
    /// Google's.
    Google,
    /// Nobody's: it runs on one's own machines, or is no model at all.
    Free,
    /// Those of whoever publishes a price for the model, if anybody does.
    Any,
}

impl Vendor {
    fn as_listed(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("anthropic"),
            Self::OpenAi => Some("openai"),
            Self::Google => Some("google"),
            Self::Free | Self::Any => None,
        }
    }
}

impl PriceBook {
    /// Makes a book without any price.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Makes a book of the prices that vendors publish, as of this version of runcor.
    #[must_use]
    pub fn published() -> Self {
        Self { published: Some(published()), ..Self::default() }
    }

    /// Sets the price of a model, or of `provider/model`.
    #[must_use]
    pub fn with_price(mut self, model: impl Into<String>, price: TokenPrice) -> Self {
        self.set.insert(model.into(), price);
        self
    }

    /// Says whose prices hold for a registered provider, and which model answers
    /// there where a request names none.
    ///
    /// Providers of which nothing is said are taken for the vendor whose name they have.
    #[must_use]
    pub fn with_provider(
        mut self,
        name: impl Into<String>,
        vendor: Vendor,
        default_model: Option<String>,
    ) -> Self {
        self.providers.insert(name.into(), Provider { vendor, default_model });
        self
    }

    /// Returns the model that answers where a request names none, if that is
    /// known: as it was said, or as runcor's own providers have it.
    #[must_use]
    pub fn default_model(&self, provider: &str) -> Option<&str> {
        let known = self.providers.get(provider);
        let said = known.and_then(|known| known.default_model.as_deref());
        said.or_else(|| {
            let vendor = known.map_or_else(|| named(provider), |known| known.vendor.as_listed());
            self.published.as_ref()?.default_model(vendor?)
        })
    }

    /// Returns the price of a model at a registered provider; `None` where nobody knows it.
    #[must_use]
    pub fn price(&self, provider: &str, model: &str, now: Timestamp) -> Option<TokenPrice> {
        let plain = without_vendor(model);
        let dateless = without_date(plain);
        let mut names = [Some(model), Some(plain), dateless].into_iter().flatten();
        names.find_map(|name| self.price_set(provider, name)).or_else(|| {
            let known = self.providers.get(provider).map(|provider| provider.vendor);
            let published = self.published.as_ref();
            let is_free = match known {
                Some(vendor) => vendor == Vendor::Free,
                None => published.is_some_and(|published| published.is_free(provider)),
            };
            if is_free {
                return Some(TokenPrice::default());
            }
            let vendor = known.map_or_else(|| named(provider), Vendor::as_listed);
            let mut names = [Some(plain), dateless].into_iter().flatten();
            names.find_map(|name| published?.price(vendor, name, now))
        })
    }

    fn price_set(&self, provider: &str, name: &str) -> Option<TokenPrice> {
        if self.set.is_empty() {
            return None;
        }
        let exact = self.set.get(&format!("{provider}/{name}"));
        exact.or_else(|| self.set.get(name)).copied()
    }
}

/// Returns the vendor whose name a provider has.
fn named(provider: &str) -> Option<&'static str> {
    ["anthropic", "openai", "google"].into_iter().find(|vendor| *vendor == provider)
}

/// Makes a price from dollars for a million tokens, as vendors publish it.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is what we want")]
pub fn price_per_million(
    input: f64,
    output: f64,
    cached_input: Option<f64>,
    reasoning: Option<f64>,
) -> TokenPrice {
    let picos = |dollars: f64| (dollars * 1e6).round() as i64;
    TokenPrice {
        input_picos: picos(input),
        output_picos: picos(output),
        cached_picos: cached_input.map(picos),
        reasoning_picos: reasoning.map(picos),
        long: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn input(book: &PriceBook, provider: &str, model: &str) -> Option<i64> {
        book.price(provider, model, NOW).map(|price| price.input_picos)
    }

    #[test]
    fn a_name_is_exact_or_dated_or_has_its_vendor_before_it() {
        let book = PriceBook::published();
        assert_eq!(input(&book, "openai", "gpt-4o"), Some(2_500_000));
        assert_eq!(input(&book, "openai", "gpt-4o-2024-08-06"), Some(2_500_000));
        assert_eq!(input(&book, "openai", "gpt-4o-2024-05-13"), Some(5_000_000));
        assert_eq!(input(&book, "openrouter", "openai/gpt-4o"), Some(2_500_000));
        assert_eq!(input(&book, "openai", "gpt-4o-turbo"), None);
        assert_eq!(input(&book, "openai", "gpt-4"), None);
        assert_eq!(input(&book, "openai", ""), None);
    }

    #[test]
    fn a_vendor_does_not_charge_the_prices_of_another() {
        let book = PriceBook::published().with_provider("main", Vendor::Google, None);
        assert_eq!(input(&book, "main", "gpt-4o"), None);
        assert_eq!(input(&book, "anthropic", "gpt-4o"), None);
        assert!(input(&book, "main", "models/gemini-2.5-pro").is_some());
    }

    #[test]
    fn what_runs_on_ones_own_machines_costs_nothing() {
        let book = PriceBook::published().with_provider("local", Vendor::Free, None);
        assert_eq!(input(&book, "local", "whatever"), Some(0));
        assert_eq!(input(&book, "mock", ""), Some(0));
        assert_eq!(input(&book, "ollama", "llama3.2"), Some(0));
        assert_eq!(input(&PriceBook::empty(), "mock", ""), None);
        let vendor = PriceBook::published().with_provider("mock", Vendor::OpenAi, None);
        assert_eq!(input(&vendor, "mock", "llama"), None);
    }

    #[test]
    fn a_vendor_has_a_default_model_and_a_server_of_ones_own_has_not() {
        let book = PriceBook::published()
            .with_provider("main", Vendor::Anthropic, None)
            .with_provider("small", Vendor::Anthropic, Some("claude-haiku-5-5".to_owned()))
            .with_provider("openai", Vendor::Any, None);
        assert_eq!(book.default_model("main"), Some("claude-sonnet-4-6"));
        assert_eq!(book.default_model("small"), Some("claude-haiku-5-5"));
        assert_eq!(book.default_model("google"), Some("gemini-3.5-flash-lite"));
        assert_eq!(book.default_model("openai"), None);
        assert_eq!(PriceBook::empty().default_model("google"), None);
    }

    #[test]
    fn what_was_set_goes_before_what_is_published() {
        let price = |dollars| price_per_million(dollars, dollars, None, None);
        let book = PriceBook::published()
            .with_price("gpt-4o", price(1.0))
            .with_price("azure/gpt-4o", price(2.0));
        assert_eq!(input(&book, "openai", "gpt-4o"), Some(1_000_000));
        assert_eq!(input(&book, "openai", "gpt-4o-2024-05-13"), Some(1_000_000));
        assert_eq!(input(&book, "azure", "gpt-4o"), Some(2_000_000));
    }

    #[test]
    fn an_announced_price_begins_on_its_day() {
        let book = PriceBook::published();
        let at = |text: &str| serde_json::from_value(serde_json::json!(text)).unwrap();
        let price = |now| book.price("google", "gemini-3.8-flash", now).unwrap().input_picos;
        assert_eq!(price(at("2026-12-31T23:59:59.999Z")), 750_000);
        assert_eq!(price(at("2027-01-01T00:00:00Z")), 1_500_000);
    }

    #[test]
    fn published_dollars_become_exact_pico_dollars() {
        let price = price_per_million(0.15, 0.6, Some(0.075), Some(0.7));
        assert_eq!((price.input_picos, price.output_picos), (150_000, 600_000));
        assert_eq!((price.cached_picos, price.reasoning_picos), (Some(75_000), Some(700_000)));
    }
}
