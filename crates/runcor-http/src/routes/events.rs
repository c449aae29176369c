//! The stream of events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::query::Parameters;
use crate::access::Access;
use crate::reply::{Failure, NOSNIFF};
use crate::socket::Peer;
use crate::sse::{EventStream, Filter};

/// Sent by browsers when they connect again.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Asks reverse proxies not to hold events back.
const NO_BUFFERING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// `GET /v1/events`: everything from now on, or from after the given event.
pub(super) async fn stream(
    access: Access,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let query = Parameters::of(&uri);
    let after = last_event_of(&headers, &query)?;
    let filter = Filter::new(query.get("type"), query.get("executionId"));
    access.judge_read(None).await?;
    let app = &access.app;
    let place = Arc::clone(&app.streams)
        .try_acquire_owned()
        .map_err(|_| Failure::too_many_streams(app.config.max_event_streams))?;
    let events = EventStream::open(access, filter, after, place);
    let events = stream::unfold(events, async |mut events| {
        let chunk = events.next_chunk().await?;
        Some((Ok::<_, Infallible>(chunk), events))
    });
    let gone = async move {
        match &peer {
            Some(Extension(peer)) => peer.gone().await,
            None => std::future::pending().await,
        }
    };
    let body = events.take_until(gone);
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
    headers.insert(NO_BUFFERING.0, NO_BUFFERING.1);
    headers.insert(NOSNIFF.0, NOSNIFF.1);
    Ok(response)
}

/// The header is newer than the query: a browser repeats the query of its first request.
fn last_event_of(headers: &HeaderMap, query: &Parameters) -> Result<Option<u64>, Failure> {
    let header = match headers.get(LAST_EVENT_ID).map(HeaderValue::to_str) {
        None => None,
        Some(Ok(text)) => Some(text),
        Some(Err(_)) => return Err(wrong_id()),
    };
    match header.filter(|text| !text.is_empty()).or_else(|| query.get("lastEventId")) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| wrong_id()),
    }
}

fn wrong_id() -> Failure {
    Failure::field("lastEventId", "must be the id of an event")
}
