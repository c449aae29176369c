//! A socket that hyper reads and writes while a route may watch whether the client left.
//!
//! A client may end its side once it has asked (`printf … | nc -N`), and still
//! wants its answer: so the end of what it sends does not end the connection.
//! An event stream has no other sign that its client is gone, and asks here.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::net::TcpStream;

/// How much is read at once.
const PIECE: usize = 8 * 1024;

/// One shared socket, as hyper wants it.
pub(crate) struct Socket(Arc<TcpStream>);

/// Tells whether the client is still there.
#[derive(Debug, Clone)]
pub(crate) struct Peer(Arc<TcpStream>);

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(Arc::new(stream))
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer(Arc::clone(&self.0))
    }
}

impl Peer {
    /// Returns the socket once nobody else uses it.
    pub(crate) fn into_stream(self) -> Option<TcpStream> {
        Arc::into_inner(self.0)
    }

    /// Returns once the client sends no more; never when it has sent something unasked.
    pub(crate) async fn gone(&self) {
        if matches!(self.0.peek(&mut [0]).await, Ok(1..)) {
            std::future::pending().await
        }
    }
}

impl Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut piece = [0; PIECE];
        let room = buf.remaining().min(PIECE);
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(piece.get_mut(..room).unwrap_or_default()) {
                Ok(read) => {
                    buf.put_slice(piece.get(..read).unwrap_or_default());
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Socket {
    fn poll_written(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match write(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_written(cx, |stream| stream.try_write(buf))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Does nothing: the connection is ended by whoever takes the socket back.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_written(cx, |stream| stream.try_write_vectored(bufs))
    }
}
