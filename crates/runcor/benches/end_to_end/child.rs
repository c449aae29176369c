//! The bench as its own child process: one that is killed, or whose memory is its own.
//!
//! The parent calls the bench with `child TASK DIR NUMBER`; what the child
//! found is one line of JSON on its stdout.

mod tasks;

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child as Process, Command, Stdio};

use serde_json::Value;

/// The first argument of a child.
const CHILD: &str = "child";

/// A child process; it is killed when it is dropped.
pub(crate) struct Child {
    process: Process,
}

impl Child {
    /// Starts a child.
    pub(crate) fn start(task: &str, dir: &Path, number: u64) -> Self {
        let bench = std::env::current_exe().expect("the bench has a path");
        let process = Command::new(bench)
            .args([CHILD, task])
            .arg(dir)
            .arg(number.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the bench starts once more");
        Self { process }
    }

    /// Waits for what the child found.
    pub(crate) fn told(&mut self) -> Value {
        let mut line = String::new();
        let output = self.process.stdout.as_mut().expect("the child has an output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("a child that did not fail")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Does the work of a child, if this process is one.
pub(crate) fn work(args: &[String]) -> bool {
    let [first, task, dir, number] = args else { return false };
    if first != CHILD {
        return false;
    }
    tasks::work(task, Path::new(dir), number.parse().expect("a number"));
    true
}

/// Tells the parent, and waits to be killed.
fn tell_and_wait(found: &Value) -> ! {
    let _ = writeln!(io::stdout(), "{found}");
    loop {
        std::thread::park();
    }
}
