//! The log of outside effects: what a bank, a model or a webhook would have seen.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use crate::points::append;

/// The log of one trial; it lies in a file, so that it outlives every process.
#[derive(Debug, Clone)]
pub(crate) struct Effects {
    file: PathBuf,
}

impl Effects {
    pub(crate) fn of(dir: &Path) -> Self {
        Self { file: dir.join("effects") }
    }

    /// Notes an effect under the key that the outside got.
    pub(crate) fn note(&self, key: &str) {
        append(&self.file, key);
    }

    /// Returns how often each effect was caused.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        let mut counts = BTreeMap::new();
        for key in text.lines() {
            *counts.entry(key.to_owned()).or_insert(0) += 1;
        }
        counts
    }
}

/// Serves webhooks for the life of the test process and returns their port; each
/// call is noted in the effects of the trial whose folder stands in the address.
pub(crate) fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A child that dies in the middle is what the test is about.
            let _ = answer(stream);
        }
    });
    port
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut dir, mut key, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("POST ") {
            dir = rest.split(' ').next().unwrap_or_default().to_owned();
        }
        if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "idempotency-key" => value.clone_into(&mut key),
                "content-length" => length = value.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if dir.is_empty() {
        // The child died before it had said anything.
        return Ok(());
    }
    Effects::of(Path::new(&dir)).note(&key);
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"ok\":true}";
    stream.write_all(answer.as_bytes())
}
