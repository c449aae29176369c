//! Query strings: lenient where the reference is, strict where silence would mislead.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::Query;
use http::Uri;
use runcor_core::{Cursor, Order, Timestamp};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ReadError;

use crate::reply::Failure;

/// The most that a page may have.
pub(super) const MAX_LIMIT: usize = 200;
const DEFAULT_LIMIT: usize = 50;

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

    /// Returns a parameter that must be right where it is there.
    pub(super) fn parsed<T: FromStr<Err: Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Failure> {
        let parsed = self.get(name).map(str::parse::<T>).transpose();
        parsed.map_err(|error| Failure::field(name, &error.to_string()))
    }

    /// Returns an instant: ISO 8601, or milliseconds since the Unix epoch.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if let Ok(millis) = text.parse() {
            return Ok(Some(Timestamp::from_millis(millis)));
        }
        let read = IntoDeserializer::<ReadError>::into_deserializer(text);
        Timestamp::deserialize(read).map(Some).map_err(|_| {
            Failure::field(name, "must be an instant such as 2026-11-21T00:00:00Z, or milliseconds")
        })
    }

    /// Returns how many are wanted: 1 to 200, and 50 where nothing is said.
    pub(super) fn limit(&self) -> Result<usize, Failure> {
        match self.get("limit").map(str::parse) {
            None => Ok(DEFAULT_LIMIT),
            Some(Ok(limit @ 1..)) => Ok(usize::min(limit, MAX_LIMIT)),
            Some(_) => Err(Failure::field("limit", "must be a whole number above zero")),
        }
    }

    /// Returns the order, oldest first where nothing is said.
    pub(super) fn order(&self) -> Result<Order, Failure> {
        match self.get("order") {
            None | Some("asc") => Ok(Order::Oldest),
            Some("desc") => Ok(Order::Newest),
            Some(_) => Err(Failure::field("order", "must be asc or desc")),
        }
    }

    /// Returns where the last page ended.
    pub(super) fn cursor(&self) -> Result<Option<Cursor>, Failure> {
        let parsed = self.get("cursor").map(str::parse).transpose();
        parsed.map_err(|_| Failure::field("cursor", "must be a nextCursor of an earlier page"))
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

    #[test]
    fn what_is_asked_for_wrongly_is_named() {
        let query = Parameters::of(&Uri::from_static("/x?limit=0&order=up&cursor=7&t=now&i=x"));
        let named = |failure: Failure| format!("{failure:?}");
        assert!(named(query.limit().unwrap_err()).contains("limit"));
        assert!(named(query.order().unwrap_err()).contains("order"));
        assert!(named(query.cursor().unwrap_err()).contains("cursor"));
        assert!(named(query.instant("t").unwrap_err()).contains("2026-11-21"));
        assert!(query.parsed::<runcor_core::ExecutionId>("i").is_err());
    }

    #[test]
    fn an_instant_is_iso_8601_or_milliseconds() {
        let query = Parameters::of(&Uri::from_static("/x?a=1970-01-01T00:00:01Z&b=1000"));
        let second = Some(Timestamp::from_millis(1_000));
        assert_eq!(query.instant("a").unwrap(), second);
        assert_eq!(query.instant("b").unwrap(), second);
    }
}
