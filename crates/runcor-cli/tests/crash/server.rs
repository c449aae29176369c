//! The server that webhooks and model calls of the killed process arrive at.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// The header `Idempotency-Key`.
    pub(crate) key: Option<String>,
    pub(crate) body: Value,
}

/// What is answered, and when.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// How long the answer is held back, after the effect.
    pub(crate) delay: Duration,
    /// Closes the connection instead of answering.
    pub(crate) hangs_up: bool,
}

/// Who answers.
pub(crate) trait Answers: Send + Sync + 'static {
    /// Answers a request that has just arrived.
    fn answer(&self, request: &Request) -> Reply;
    /// A request that was answered late is over, answered or not.
    fn over(&self, request: &Request);
}

/// An HTTP server on loopback.
pub(crate) struct Server {
    url: String,
    open: watch::Sender<usize>,
}

impl Server {
    /// Starts it on a free port.
    pub(crate) async fn start(answers: Arc<impl Answers>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let open = watch::Sender::new(0);
        tokio::spawn(accept(listener, answers, open.clone()));
        Ok(Self { url, open })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns once everything that a dead process has sent was seen.
    ///
    /// Connections are accepted in the order in which they were made, so ours
    /// comes last; and those of the dead are closed by its death.
    pub(crate) async fn settle(&self) -> io::Result<()> {
        let address = self.url.trim_start_matches("http://");
        let mut probe = TcpStream::connect(address).await?;
        let text = "POST /probe HTTP/1.1\r\ncontent-length: 0\r\n\r\n";
        probe.write_all(text.as_bytes()).await?;
        probe.read_u8().await?;
        drop(probe);
        // The sender lives in what we hold, so waiting can't fail.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
        Ok(())
    }
}

async fn accept(listener: TcpListener, answers: Arc<impl Answers>, open: watch::Sender<usize>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        open.send_modify(|open| *open += 1);
        let (answers, open) = (Arc::clone(&answers), open.clone());
        tokio::spawn(async move {
            // A client that was killed leaves in any way it likes.
            let _ = serve(socket, &*answers).await;
            open.send_modify(|open| *open -= 1);
        });
    }
}

async fn serve(mut socket: TcpStream, answers: &impl Answers) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut bytes = Vec::new();
    while let Some(request) = read(&mut socket, &mut bytes).await? {
        let reply = answers.answer(&request);
        let stayed = stays(&mut socket, &mut bytes, reply.delay).await;
        answers.over(&request);
        if !stayed? || reply.hangs_up {
            return Ok(());
        }
        let body = reply.body.to_string();
        let head = format!(
            "HTTP/1.1 {} Scripted\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            reply.status,
            body.len()
        );
        socket.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
    }
    Ok(())
}

/// Waits; returns whether the client is still there.
async fn stays(socket: &mut TcpStream, bytes: &mut Vec<u8>, delay: Duration) -> io::Result<bool> {
    if delay.is_zero() {
        return Ok(true);
    }
    let end = tokio::time::Instant::now() + delay;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(end) => return Ok(true),
            read = socket.read_buf(bytes) => {
                if read? == 0 {
                    return Ok(false);
                }
            }
        }
    }
}

/// Reads one request; none where the client has left.
async fn read(socket: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
    let header = |wanted: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        let mut values = lines.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        values.next().map(|(_, value)| value.trim().to_owned())
    };
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < end + length {
        if socket.read_buf(bytes).await? == 0 {
            return Ok(None);
        }
    }
    let body = bytes.get(end..end + length).unwrap_or_default();
    let request = Request {
        path: head.split(' ').nth(1).unwrap_or_default().to_owned(),
        key: header("idempotency-key"),
        body: serde_json::from_slice(body).unwrap_or_default(),
    };
    bytes.drain(..end + length);
    Ok(Some(request))
}
