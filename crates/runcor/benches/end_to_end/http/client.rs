//! A light client: prepared requests over plain TCP, on a thread of its own.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::load::{FLOW, key};

/// A load to put on a server.
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    /// The number of the first key.
    pub(crate) first: u64,
    /// How long requests are sent.
    pub(crate) time: Duration,
}

impl Load {
    /// Puts the load on, and returns how long every answer took.
    pub(crate) async fn run(self, connections: u64) -> Vec<Duration> {
        let (done, times) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let tokio = Builder::new_current_thread().enable_all().build().expect("a runtime");
            // It is received: the other end waits for it.
            let _ = done.send(tokio.block_on(self.all(connections)));
        });
        let times = times.await.expect("the clients come to an end");
        thread.join().expect("the clients do not panic");
        times
    }

    async fn all(self, connections: u64) -> Vec<Duration> {
        let until = Instant::now() + self.time;
        let tasks: Vec<_> = (0..connections)
            .map(|n| {
                let first = self.first + (n << 24);
                tokio::spawn(connection(self.address, first, until))
            })
            .collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await.expect("no client panics"));
        }
        times
    }
}

async fn connection(address: SocketAddr, first: u64, until: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket option");
    let mut request = Request::new(address);
    let mut answer = Vec::with_capacity(4096);
    let mut times = Vec::with_capacity(4096);
    let mut n = first;
    loop {
        let began = Instant::now();
        if began >= until {
            return times;
        }
        stream.write_all(request.with_key(n)).await.expect("a request");
        read_answer(&mut stream, &mut answer).await;
        assert!(answer.starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(&answer));
        times.push(began.elapsed());
        n += 1;
    }
}

/// A prepared request; only its key changes.
struct Request {
    bytes: Vec<u8>,
    key: Range<usize>,
}

impl Request {
    fn new(address: SocketAddr) -> Self {
        let body = format!(r#"{{"idempotencyKey":"{}","input":null}}"#, key(0));
        let text = format!(
            "POST /v1/flows/{FLOW}/trigger HTTP/1.1\r\nhost: {address}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let start = text.find(&key(0)).expect("the key stands in the body");
        Self { key: start..start + key(0).len(), bytes: text.into_bytes() }
    }

    fn with_key(&mut self, n: u64) -> &[u8] {
        if let Some(place) = self.bytes.get_mut(self.key.clone()) {
            place.copy_from_slice(key(n).as_bytes());
        }
        &self.bytes
    }
}

async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) {
    answer.clear();
    let mut length = None;
    while length.is_none_or(|length| answer.len() < length) {
        let read = stream.read_buf(answer).await.expect("an answer");
        assert!(read > 0, "the server closed the connection");
        length = length.or_else(|| length_of(answer));
    }
}

/// Returns the length of head and body, once the head is there.
fn length_of(answer: &[u8]) -> Option<usize> {
    let head = find(answer, b"\r\n\r\n")? + 4;
    let name = b"content-length: ";
    let digits = answer.get(find(answer, name)? + name.len()..head)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    let body: usize = std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()?;
    Some(head + body)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
