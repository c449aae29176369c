//! One connection, from its first byte to a close that the client gets to see.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::config::HttpConfig;
use crate::gate::Gate;
use crate::socket::Socket;
use crate::stall::StallGuard;

/// How long the rest of a refused request is read before the connection is cut.
const LINGER: Duration = Duration::from_secs(2);
/// What a connection gets that finds no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
content-type: application/json\r\ncontent-length: 115\r\nretry-after: 1\r\nconnection: close\r\n\r\n\
{\"error\":{\"code\":\"TOO_MANY_CONNECTIONS\",\"message\":\"the server has no place for another connection\",\"details\":null}}";

/// Serves connections, all in the same way.
pub(crate) struct Connections {
    gate: Arc<Gate>,
    http: http1::Builder,
    write_timeout: Duration,
    /// Asks connections to end after the request under way.
    stop: CancellationToken,
    /// Ends connections at once.
    kill: CancellationToken,
}

impl Connections {
    pub(crate) fn new(
        gate: Gate,
        config: &HttpConfig,
        stop: CancellationToken,
        kill: CancellationToken,
    ) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .half_close(true)
            .header_read_timeout(config.header_timeout)
            .max_header_size(config.max_header_bytes)
            .max_buf_size(config.max_header_bytes.max(64 * 1024));
        Self { gate: Arc::new(gate), http, write_timeout: config.write_timeout, stop, kill }
    }

    /// Serves one connection to its end.
    pub(crate) async fn serve(&self, stream: TcpStream) {
        // Without it small answers wait for acknowledgements of earlier ones.
        let _ = stream.set_nodelay(true);
        let socket = Socket::new(stream);
        let peer = socket.peer();
        let service = service_fn(|request: Request<Incoming>| {
            let (gate, peer) = (Arc::clone(&self.gate), peer.clone());
            Box::pin(async move { Ok::<Response, Infallible>(gate.respond(request, peer).await) })
        });
        let io = StallGuard::new(socket, self.write_timeout);
        let mut connection = self.http.serve_connection(io, service);
        // Children, so that connections do not meet at one lock.
        let (stop, kill) = (self.stop.child_token(), self.kill.child_token());
        let mut stopped = pin!(stop.cancelled());
        let mut stopping = false;
        loop {
            tokio::select! {
                biased;
                () = kill.cancelled() => return,
                () = &mut stopped, if !stopping => {
                    stopping = true;
                    std::pin::Pin::new(&mut connection).graceful_shutdown();
                }
                ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    break;
                }
            }
        }
        drop(connection);
        let Some(stream) = peer.into_stream() else { return };
        tokio::select! {
            () = stop.cancelled() => {}
            () = linger(stream) => {}
        }
    }

    /// Tells a client that there is no place for it.
    pub(crate) async fn refuse(&self, mut stream: TcpStream) {
        let tell = async {
            if stream.write_all(NO_PLACE).await.is_ok() {
                linger(stream).await;
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tell => {}
            () = tokio::time::sleep(2 * LINGER) => {}
        }
    }
}

/// Closes a connection so that the client can read its answer.
///
/// Closing a socket with unread bytes resets it, and the answer (such as a 413
/// to a long body) is lost. So we end our side, and read on for a while.
async fn linger(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut waste = [0; 4096];
    let drain = async { while matches!(stream.read(&mut waste).await, Ok(n) if n > 0) {} };
    // It is over in any case, in time or not.
    let _ = tokio::time::timeout(LINGER, drain).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_is_well_formed() {
        let text = std::str::from_utf8(NO_PLACE).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["code"], "TOO_MANY_CONNECTIONS");
    }
}
