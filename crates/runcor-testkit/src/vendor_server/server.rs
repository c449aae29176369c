//! The server: accepts, records, and gives the next reply.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::connection::write;
use super::openai;
use super::reply::Reply;
use super::request::RecordedRequest;

/// The most requests that are remembered; older ones are forgotten.
const MAX_RECORDED: usize = 10_000;

/// A scripted HTTP server on loopback; it stops when it is dropped.
#[derive(Debug)]
pub struct VendorServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    answers_itself: bool,
    script: Mutex<VecDeque<Reply>>,
    recorded: Mutex<VecDeque<RecordedRequest>>,
    departures: watch::Sender<usize>,
}

impl VendorServer {
    /// Starts a server that gives enqueued replies, and HTTP 500 when there are none.
    ///
    /// # Errors
    /// Fails when loopback has no free port.
    pub async fn start() -> io::Result<Self> {
        Self::with(false).await
    }

    /// Starts a server that answers every chat completion as OpenAI would,
    /// streamed or whole, in text or after a schema, unless a reply is enqueued.
    ///
    /// # Errors
    /// Fails when loopback has no free port.
    pub async fn openai_compatible() -> io::Result<Self> {
        Self::with(true).await
    }

    async fn with(answers_itself: bool) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            answers_itself,
            script: Mutex::default(),
            recorded: Mutex::default(),
            departures: watch::Sender::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self { address, shared, accepting })
    }

    /// Returns the server's address, to which a provider's `baseUrl` may point.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Appends a reply to the script; each is given once.
    pub fn enqueue(&self, reply: Reply) -> &Self {
        self.shared.script.lock().push_back(reply);
        self
    }

    /// Returns what the server was asked so far.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.recorded.lock().iter().cloned().collect()
    }

    /// Returns when at least `count` clients have left before their reply's end.
    ///
    /// So a test can see that a dropped call cancels its request.
    pub async fn departures(&self, count: usize) {
        let mut departures = self.shared.departures.subscribe();
        // The sender lives in what we hold, so waiting can't fail.
        let _ = departures.wait_for(|seen| *seen >= count).await;
    }
}

impl Drop for VendorServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves until it is aborted; the connections end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if let Ok((socket, _)) = listener.accept().await {
            connections.spawn(serve(socket, Arc::clone(&shared)));
        }
    }
}

async fn serve(mut socket: TcpStream, shared: Arc<Shared>) {
    let Ok(Some(request)) = RecordedRequest::read(&mut socket).await else { return };
    let reply = shared.next_reply(&request);
    shared.record(request);
    if let Ok(true) = write(&mut socket, &reply).await {
        shared.departures.send_modify(|count| *count += 1);
    }
}

impl Shared {
    fn next_reply(&self, request: &RecordedRequest) -> Reply {
        let scripted = self.script.lock().pop_front();
        scripted.unwrap_or_else(|| {
            if self.answers_itself {
                openai::reply(request)
            } else {
                Reply::error(500, "the vendor server has no reply enqueued")
            }
        })
    }

    fn record(&self, request: RecordedRequest) {
        let mut recorded = self.recorded.lock();
        if recorded.len() == MAX_RECORDED {
            recorded.pop_front();
        }
        recorded.push_back(request);
    }
}
