//! A server under test, and the clients that talk to it.

use std::net::SocketAddr;
use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use runcor_http::{HttpConfig, HttpParts, Server, ServerHandle};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fake::Fake;

/// Long enough for a machine under load; only a hanging server needs it whole.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a free port over a fake runtime.
pub(crate) struct Site {
    pub(crate) fake: Arc<Fake>,
    pub(crate) handle: ServerHandle,
    pub(crate) client: Client,
}

/// Settings for a free port.
pub(crate) fn config() -> HttpConfig {
    HttpConfig { port: 0, ..HttpConfig::default() }
}

pub(crate) fn client() -> Client {
    static TLS: Once = Once::new();
    TLS.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

impl Site {
    pub(crate) async fn open() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: HttpConfig) -> Self {
        let fake = Fake::new();
        let parts = HttpParts::new(fake.clone());
        let handle = Server::bind(config, parts).await.unwrap().start();
        Self { fake, handle, client: client() }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.handle.local_addr()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.addr()))
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).body(body).send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::DELETE, path).send().await.unwrap()).await
    }

    /// Opens a bare connection.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr()).await.unwrap()
    }

    /// Sends bytes and returns all that comes until the server closes.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        rest(&mut stream).await
    }
}

pub(crate) async fn answer(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text:?}")))
}

/// Reads until the server closes; a reset counts as a close.
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes));
    let _ = read.await.expect("the server did not close");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads until the text contains `wanted`.
pub(crate) async fn until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut text = String::new();
    let read = async {
        let mut buffer = [0; 4096];
        while !text.contains(wanted) {
            let n = stream.read(&mut buffer).await.unwrap();
            assert!(n > 0, "closed before {wanted:?} came: {text:?}");
            text.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("no {wanted:?}"));
    text
}

/// Gives the code of an error body, checking its shape.
pub(crate) fn code(body: &Value) -> &str {
    let error = body["error"].as_object().unwrap_or_else(|| panic!("no error: {body}"));
    let keys: Vec<_> = error.keys().map(String::as_str).collect();
    assert_eq!(keys, ["code", "message", "details"]);
    assert!(!error["message"].as_str().unwrap().is_empty());
    error["code"].as_str().unwrap()
}
