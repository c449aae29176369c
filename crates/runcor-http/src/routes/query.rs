//! Query strings: lenient where the reference is, strict where silence would mislead.

use std::str::FromStr;

use axum::extract::Query;
use http::Uri;

/// The parameters of a request, in order.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads the query of a request; one that can't be read counts as empty.
    pub(super) fn of(uri: &Uri) -> Self {
        if uri.query().is_none() {
            return Self(Vec::new());
        }
        Self(Query::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default())
    }

    /// Returns a parameter that is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns a number, or `None` when it is absent or no natural number.
    pub(super) fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_empty_ones_are_absent() {
        let query = Parameters::of(&Uri::from_static("/x?a=b%20c&e=&n=5&m=-1&a=second"));
        assert_eq!(query.get("a"), Some("b c"));
        assert_eq!(query.get("e"), None);
        assert_eq!(query.number::<usize>("n"), Some(5));
        assert_eq!(query.number::<usize>("m"), None);
        assert_eq!(Parameters::of(&Uri::from_static("/x")).get("a"), None);
    }
}
