//! Request bodies: read within a size and a time, then taken apart field by field.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use serde_json::{Map, Value};

use crate::app::App;
use crate::reply::Failure;

/// The fields of a JSON object that a request brought.
pub(crate) struct Fields(Map<String, Value>);

/// Reads a request body that must be a JSON object; an empty one counts as `{}`.
pub(crate) async fn read_fields(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<Fields, Failure> {
    let bytes = read(headers, body, app.config.body_limit, app.config.body_timeout).await?;
    parse(&bytes).map(Fields)
}

async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, Failure> {
    if announced(headers).is_some_and(|length| length > limit as u64) {
        return Err(Failure::too_large(limit));
    }
    tokio::time::timeout(patience, collect(body, limit)).await.unwrap_or(Err(Failure::too_slow()))
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Gathers a body and gives up at the first byte over the limit.
async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Failure> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Failure::invalid_json("the request body ended early or is framed wrongly")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len().max(rest.len()) + data.len() > limit {
            return Err(Failure::too_large(limit));
        }
        if rest.is_empty() && first.is_empty() {
            // Nearly every body comes in one piece, which needs no copy.
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

fn parse(bytes: &[u8]) -> Result<Map<String, Value>, Failure> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Failure::not_an_object()),
        Err(error) => Err(Failure::invalid_json(format!("the request body is not JSON: {error}"))),
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Object(fields.0)
    }
}

impl Fields {
    /// Refuses fields that are none of `known`.
    pub(crate) fn refuse_others(&self, known: &[&str]) -> Result<(), Failure> {
        match self.0.keys().find(|field| !known.contains(&field.as_str())) {
            Some(field) => {
                Err(Failure::field(field, &format!("unknown; known are {}", known.join(", "))))
            }
            None => Ok(()),
        }
    }

    /// Takes a field as it is; `null` differs from an absent one.
    pub(crate) fn take(&mut self, field: &str) -> Option<Value> {
        self.0.get_mut(field).map(Value::take)
    }

    /// Takes a field that is a string, null or absent.
    pub(crate) fn take_string(&mut self, field: &str) -> Result<Option<String>, Failure> {
        match self.take(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Failure::field(field, "must be a string")),
        }
    }

    /// Refuses a field that is something else than a string, null or absent.
    pub(crate) fn must_be_string(&self, field: &str) -> Result<(), Failure> {
        match self.0.get(field) {
            None | Some(Value::Null | Value::String(_)) => Ok(()),
            Some(_) => Err(Failure::field(field, "must be a string")),
        }
    }

    /// Takes a field that is an object, null or absent.
    pub(crate) fn take_object(&mut self, field: &str) -> Result<Option<Value>, Failure> {
        match self.take(field) {
            None | Some(Value::Null) => Ok(None),
            Some(object @ Value::Object(_)) => Ok(Some(object)),
            Some(_) => Err(Failure::field(field, "must be an object")),
        }
    }

    /// Takes a field that is a number of milliseconds, null or absent.
    pub(crate) fn take_millis(&mut self, field: &str) -> Result<Option<Duration>, Failure> {
        match self.take(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => match number.as_u64() {
                Some(millis) => Ok(Some(Duration::from_millis(millis))),
                None => Err(Failure::field(field, "must be a whole number of milliseconds")),
            },
            Some(_) => Err(Failure::field(field, "must be a number of milliseconds")),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, stream};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn how_a_body_is_cut_makes_no_difference(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..10),
            limit in 0_usize..120,
        ) {
            let whole = pieces.concat();
            let body = stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
            let got = collect(Body::from_stream(body), limit).now_or_never().unwrap();
            match got {
                Ok(bytes) => prop_assert!(bytes == whole && whole.len() <= limit),
                Err(_) => prop_assert!(whole.len() > limit),
            }
        }
    }

    fn pieces(pieces: &[&'static str]) -> Body {
        let all: Vec<_> =
            pieces.iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from(*piece))).collect();
        Body::from_stream(stream::iter(all))
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_joined_up_to_the_limit() {
        let whole = collect(pieces(&["ab", "c", "def"]), 6).await.unwrap();
        assert_eq!(&whole[..], b"abcdef");
        assert!(collect(pieces(&["ab", "c", "def"]), 5).await.is_err());
        assert!(collect(pieces(&["abc"]), 2).await.is_err());
        assert!(collect(pieces(&[]), 0).await.unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let result = read(&HeaderMap::new(), body, 10, Duration::from_secs(30)).await;
        assert!(format!("{:?}", result.unwrap_err()).contains("REQUEST_TIMEOUT"));
    }

    #[test]
    fn only_objects_are_accepted_and_nothing_counts_as_an_empty_one() {
        assert!(parse(b"").unwrap().is_empty());
        assert!(parse(b" \n").unwrap().is_empty());
        assert_eq!(parse(br#"{"a":1}"#).unwrap().len(), 1);
        for bad in ["null", "1", "[]", "\"x\""] {
            let error = format!("{:?}", parse(bad.as_bytes()).unwrap_err());
            assert!(error.contains("VALIDATION_ERROR"), "{bad}");
        }
        let deep = "[".repeat(100_000);
        for bad in ["{", "{'a':1}", "{\"a\":1}x", "\u{0}", &deep] {
            let error = format!("{:?}", parse(bad.as_bytes()).unwrap_err());
            assert!(error.contains("INVALID_JSON"), "{error}");
        }
    }

    #[test]
    fn a_field_of_another_type_is_named() {
        let mut fields = Fields(parse(br#"{"s":1,"o":[],"m":-1,"n":null}"#).unwrap());
        assert!(format!("{:?}", fields.take_string("s").unwrap_err()).contains("\"s\""));
        assert!(fields.take_object("o").is_err());
        assert!(fields.take_millis("m").is_err());
        assert_eq!(fields.take("n"), Some(Value::Null));
        assert_eq!(fields.take("absent"), None);
    }
}
