//! The data file of published prices.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use runcor_core::{LongPrice, Timestamp, TokenPrice};
use serde::Deserialize;

use super::book::price_per_million;

/// The prices, by vendor and model; empty if the file can't be read, which a test rules out.
static PUBLISHED: LazyLock<Arc<Published>> = LazyLock::new(|| {
    let file = serde_json::from_str(include_str!("prices.json"));
    Arc::new(file.map(Published::of).unwrap_or_default())
});

/// Returns the published prices.
pub(super) fn published() -> Arc<Published> {
    Arc::clone(&PUBLISHED)
}

/// Published prices, ready to be looked up.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// Providers whose models cost nothing.
    free: Vec<String>,
    /// The models that runcor asks a vendor for where nobody names one.
    defaults: HashMap<String, String>,
    models: HashMap<String, HashMap<String, Listed>>,
}

/// The price of one model.
#[derive(Debug, Clone, Copy)]
struct Listed {
    price: TokenPrice,
    /// The price that is announced, and when it begins.
    then: Option<(Timestamp, TokenPrice)>,
}

impl Published {
    fn of(file: File) -> Self {
        let mut models: HashMap<_, HashMap<_, _>> = HashMap::new();
        for entry in file.models {
            let listed = entry.listed();
            let of_vendor = models.entry(entry.vendor).or_default();
            for name in entry.aliases.into_iter().chain([entry.model]) {
                of_vendor.insert(name, listed);
            }
        }
        Self { free: file.free, defaults: file.defaults, models }
    }

    /// Returns whether the models of a provider of that name cost nothing.
    pub(super) fn is_free(&self, provider: &str) -> bool {
        self.free.iter().any(|free| free == provider)
    }

    /// Returns the model that runcor asks a vendor for where nobody names one.
    pub(super) fn default_model(&self, vendor: &str) -> Option<&str> {
        self.defaults.get(vendor).map(String::as_str)
    }

    /// Returns the price of a model at `now`: of this vendor, or of any where none is known.
    pub(super) fn price(
        &self,
        vendor: Option<&str>,
        model: &str,
        now: Timestamp,
    ) -> Option<TokenPrice> {
        let listed = match vendor {
            Some(vendor) => self.models.get(vendor)?.get(model),
            None => self.models.values().find_map(|models| models.get(model)),
        }?;
        Some(listed.at(now))
    }
}

impl Listed {
    fn at(self, now: Timestamp) -> TokenPrice {
        self.then.filter(|(from, _)| now >= *from).map_or(self.price, |(_, price)| price)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    free: Vec<String>,
    defaults: HashMap<String, String>,
    models: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    vendor: String,
    model: String,
    #[serde(default)]
    aliases: Vec<String>,
    input: f64,
    output: f64,
    cached_input: Option<f64>,
    reasoning: Option<f64>,
    long: Option<Long>,
    then: Option<Then>,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "asOf")]
    _as_of: Option<String>,
    #[serde(rename = "note")]
    _note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Long {
    above: u64,
    input: f64,
    output: f64,
    cached_input: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Then {
    /// The first day, UTC.
    from: String,
    input: f64,
    output: f64,
    cached_input: Option<f64>,
}

impl Entry {
    fn listed(&self) -> Listed {
        let long = self.long.as_ref().map(Long::price);
        let price = price_per_million(self.input, self.output, self.cached_input, self.reasoning);
        let then = self.then.as_ref().and_then(Then::price);
        Listed { price: TokenPrice { long, ..price }, then }
    }
}

impl Long {
    fn price(&self) -> LongPrice {
        let price = price_per_million(self.input, self.output, self.cached_input, None);
        let TokenPrice { input_picos, output_picos, cached_picos, .. } = price;
        LongPrice { above: self.above, input_picos, output_picos, cached_picos }
    }
}

impl Then {
    fn price(&self) -> Option<(Timestamp, TokenPrice)> {
        let midnight = serde_json::Value::String(format!("{}T00:00:00Z", self.from));
        let from = serde_json::from_value(midnight).ok()?;
        Some((from, price_per_million(self.input, self.output, self.cached_input, None)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn file() -> File {
        serde_json::from_str(include_str!("prices.json")).unwrap()
    }

    #[test]
    fn the_file_is_sound() {
        let mut seen = HashSet::new();
        for entry in file().models {
            let name = entry.model.clone();
            assert!(seen.insert(name.clone()), "{name} twice");
            assert!(entry._source.starts_with("https://"), "{name} has no source");
            assert!(entry.input > 0.0 && entry.output >= entry.input, "{name} looks wrong");
            assert!(entry.cached_input.is_none_or(|cached| cached < entry.input), "{name}");
            assert!(entry.then.as_ref().is_none_or(|then| then.price().is_some()), "{name}");
            // The ceiling of a request presumes that long ones are not cheaper.
            let long = entry.long.as_ref();
            assert!(long.is_none_or(|long| long.input >= entry.input), "{name}");
            assert!(long.is_none_or(|long| long.output >= entry.output), "{name}");
        }
        assert!(seen.len() > 50);
    }

    #[test]
    fn the_models_that_answer_by_default_are_those_of_the_providers_and_have_a_price() {
        for (vendor, model) in [
            ("anthropic", runcor_providers::AnthropicConfig::default().default_model),
            ("openai", runcor_providers::OpenAiConfig::default().default_model),
            ("google", runcor_providers::GoogleConfig::default().default_model),
        ] {
            let (book, now) = (published(), Timestamp::from_millis(0));
            assert_eq!(book.default_model(vendor), Some(model.as_str()));
            assert!(book.price(Some(vendor), &model, now).is_some(), "{model}");
        }
    }
}
