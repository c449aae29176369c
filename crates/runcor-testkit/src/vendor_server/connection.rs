//! Writes one reply, in order or not.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::reply::{Ending, Reply};

/// Writes `reply`; returns whether the client left before its end.
pub(super) async fn write(socket: &mut TcpStream, reply: &Reply) -> io::Result<bool> {
    match reply.ending {
        Ending::Hang => return wait_for_departure(socket).await,
        Ending::Reset => {
            socket.set_zero_linger()?;
            return Ok(false);
        }
        Ending::Proper | Ending::Stall(_) | Ending::Cut(_) => {}
    }
    let left = body(socket, reply).await;
    let left = match left {
        Ok(()) => false,
        Err(error) if is_departure(&error) => true,
        Err(error) => return Err(error),
    };
    match reply.ending {
        Ending::Stall(_) if !left => wait_for_departure(socket).await,
        _ => Ok(left),
    }
}

async fn body(socket: &mut TcpStream, reply: &Reply) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.write_all(head(reply).as_bytes()).await?;
    let sent = match reply.ending {
        Ending::Cut(bytes) | Ending::Stall(bytes) => bytes.min(reply.body.len()),
        Ending::Proper | Ending::Hang | Ending::Reset => reply.body.len(),
    };
    for piece in reply.body.get(..sent).unwrap_or_default().chunks(reply.piece) {
        if reply.is_stream {
            let size = format!("{:x}\r\n", piece.len());
            socket.write_all(&[size.as_bytes(), piece, b"\r\n"].concat()).await?;
        } else {
            socket.write_all(piece).await?;
        }
        socket.flush().await?;
        if !reply.pause.is_zero() {
            tokio::time::sleep(reply.pause).await;
        }
    }
    if reply.is_stream && reply.ending == Ending::Proper {
        socket.write_all(b"0\r\n\r\n").await?;
    }
    Ok(())
}

fn head(reply: &Reply) -> String {
    let mut head = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // Streams are chunked, as vendors do it; all else tells its length.
    if reply.is_stream {
        head.push_str("transfer-encoding: chunked\r\n");
    } else {
        head.push_str(&format!("content-length: {}\r\n", reply.body.len()));
    }
    head + "\r\n"
}

/// Waits until the client closes the connection.
async fn wait_for_departure(socket: &mut TcpStream) -> io::Result<bool> {
    let mut scrap = [0; 256];
    loop {
        match socket.read(&mut scrap).await {
            Ok(0) => return Ok(true),
            Ok(_) => {}
            Err(error) if is_departure(&error) => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}

fn is_departure(error: &io::Error) -> bool {
    let kinds = [
        io::ErrorKind::BrokenPipe,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::NotConnected,
    ];
    kinds.contains(&error.kind())
}
