//! What a killed process has accepted goes on in the next one.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crate::bed::{PATIENCE, Project};

/// An HTTP server that counts each path by the caller's idempotency key, and answers
/// `/first` at once and `/second` once it was told to.
struct Hooks {
    url: String,
    calls: Receiver<String>,
    counts: Arc<Mutex<HashMap<(String, String), usize>>>,
    open: Arc<Mutex<bool>>,
}

impl Hooks {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, calls) = channel();
        let (counts, open) = (Arc::default(), Arc::default());
        let shared = (Arc::clone(&counts), Arc::clone(&open));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (counts, open, sender) =
                    (Arc::clone(&shared.0), Arc::clone(&shared.1), sender.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &counts, &open, &sender));
            }
        });
        Self { url, calls, counts, open }
    }

    /// Waits for a call of this path.
    fn called(&self, path: &str) {
        while self.calls.recv_timeout(PATIENCE).unwrap() != path {}
    }

    /// Returns how often each key of this path was seen.
    fn counts(&self, path: &str) -> Vec<usize> {
        let counts = self.counts.lock().unwrap();
        counts.iter().filter(|((of, _), _)| of == path).map(|(_, count)| *count).collect()
    }
}

type Counts = Mutex<HashMap<(String, String), usize>>;

fn serve(mut stream: TcpStream, counts: &Counts, open: &Mutex<bool>, calls: &Sender<String>) {
    let Some(head) = head(&mut stream) else { return };
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let key = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("idempotency-key"))
        .map(|(_, key)| key.to_owned())
        .unwrap_or_default();
    *counts.lock().unwrap().entry((path.clone(), key)).or_default() += 1;
    let answers = path == "/first" || *open.lock().unwrap();
    if answers {
        let text =
            "HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"ok\":true}";
        // The caller may have been killed.
        let _ = stream.write_all(text.as_bytes());
    }
    // The test may be over.
    let _ = calls.send(path);
    if !answers {
        // Silent until the caller goes.
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// Reads a whole request and returns its head.
fn head(stream: &mut TcpStream) -> Option<String> {
    let (mut seen, mut part) = (Vec::new(), [0; 4_096]);
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, length)| length.trim().parse().unwrap());
            if body.len() >= length {
                return Some(head.to_owned());
            }
        }
        let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
        seen.extend_from_slice(&part[..count]);
    }
}

fn project(hooks: &Hooks) -> Project {
    let project = Project::with("webhooks: { allowPrivateAddresses: true }");
    let url = &hooks.url;
    project.write(
        "flows/two-steps.yaml",
        &format!(
            "
name: two-steps
steps:
  - {{ name: first, kind: webhook, url: '{url}/first' }}
  - {{ name: second, kind: webhook, url: '{url}/second' }}
"
        ),
    );
    project
}

#[test]
fn a_flow_that_was_killed_between_two_steps_ends_and_no_finished_step_runs_twice() {
    let hooks = Hooks::start();
    let project = project(&hooks);
    let dev = project.dev();
    let mut ids = Vec::new();
    for n in 0..5 {
        let key = format!("order-{n}");
        let args = ["trigger", "two-steps", "--key", &key, "-i", "{}", "--no-wait", "--json"];
        ids.push(project.run(&args).exits(0).json()["execution"]["id"].clone());
        hooks.called("/second");
    }
    dev.kill();
    *hooks.open.lock().unwrap() = true;

    let dev = project.dev();
    assert_eq!(dev.banner()["unfinished"], 5);
    for id in &ids {
        let done = |line: &serde_json::Value| {
            line["type"] == "execution:complete" && line["executionId"] == *id
        };
        // It may have ended before this one looked.
        let now = project.run(&["status", id.as_str().unwrap(), "--json"]).exits(0).json();
        if now["execution"]["state"] != "complete" {
            dev.line(done);
        }
    }
    let list = project.run(&["status", "--state", "complete", "--json"]).exits(0).json();
    assert_eq!(list["executions"].as_array().unwrap().len(), 5);
    assert_eq!(hooks.counts("/first"), [1; 5]);
    // The step that was under way is repeated, with the key by which its receiver knows it.
    assert_eq!(hooks.counts("/second"), [2; 5]);
}

#[test]
fn the_key_of_a_killed_process_is_known_to_the_next() {
    let hooks = Hooks::start();
    let project = project(&hooks);
    let trigger = |wait: &str| {
        let args = ["trigger", "two-steps", "--key", "k", "-i", "{}", wait, "--json"];
        project.run(&args).exits(0).json()["execution"]["id"].clone()
    };
    let dev = project.dev();
    let id = trigger("--no-wait");
    hooks.called("/second");
    dev.kill();
    *hooks.open.lock().unwrap() = true;
    let _dev = project.dev();
    assert_eq!(trigger("--wait"), id);
    assert_eq!(hooks.counts("/first"), [1]);
}

#[test]
fn a_command_alone_finishes_what_a_killed_process_began() {
    let hooks = Hooks::start();
    let project = project(&hooks);
    let dev = project.dev();
    let args = ["trigger", "two-steps", "--key", "k", "-i", "{}", "--no-wait"];
    project.run(&args).exits(0);
    hooks.called("/second");
    dev.kill();
    *hooks.open.lock().unwrap() = true;
    // Looking runs nothing.
    project.run(&["status"]).exits(0);
    assert_eq!(hooks.counts("/second"), [1]);
    let args = ["trigger", "two-steps", "--key", "k", "-i", "{}", "--json"];
    assert_eq!(project.run(&args).exits(0).json()["execution"]["state"], "complete");
    assert_eq!(hooks.counts("/first"), [1]);
}
