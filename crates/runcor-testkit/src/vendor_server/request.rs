//! What the server was asked.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The most bytes of a request's head.
const MAX_HEAD: usize = 64 << 10;
/// The most bytes of a request's body.
const MAX_BODY: usize = 64 << 20;

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers with lower-case names, in their order.
    pub headers: Vec<(String, String)>,
    /// The body, null where it is not JSON.
    pub body: Value,
}

impl RecordedRequest {
    /// Returns a header's value by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Reads a request; none where the client left before the end of one.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if bytes.len() > MAX_HEAD || from.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        };
        let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
        let mut request = Self::parse_head(&head);
        let length = request.header("content-length").and_then(|length| length.parse().ok());
        let length = length.unwrap_or(0).min(MAX_BODY);
        while bytes.len() < end + length {
            if from.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        }
        let body = bytes.get(end..end + length).unwrap_or_default();
        request.body = serde_json::from_slice(body).unwrap_or_default();
        Ok(Some(request))
    }

    fn parse_head(head: &str) -> Self {
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (method, path) = (word(), word());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        Self { method, path, headers: headers.collect(), body: Value::Null }
    }
}
