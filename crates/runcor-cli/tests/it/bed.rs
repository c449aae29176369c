//! A project in a folder of its own, and `runcor dev` as a child that never outlives its test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before a test gives up; nothing should come near it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A flow that any input suits.
pub(crate) const ECHO: &str = "
name: echo
max_retries: 0
steps:
  - { name: note, kind: agent, preamble: Repeat., input: $.input }
";

/// Makes the command, free of what the machine's environment says.
pub(crate) fn runcor(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runcor"));
    for name in
        ["RUNCOR_URL", "AUTH_TOKEN", "RUNCOR_CONFIG", "RUST_LOG", "NO_COLOR", "COLUMNS", "HOOK"]
    {
        command.env_remove(name);
    }
    command.env("RUNCOR_LOCAL_SERVERS", "").current_dir(dir).args(args).stdin(Stdio::null());
    command
}

/// A project in a temporary folder.
pub(crate) struct Project {
    home: TempDir,
}

impl Project {
    /// Makes an empty folder.
    pub(crate) fn empty() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// Makes a project with the mock, a database and a port at which nobody answers.
    pub(crate) fn new() -> Self {
        Self::with("providers: [{ type: mock }]")
    }

    /// Makes a project with more in `runcor.yaml`.
    pub(crate) fn with(more: &str) -> Self {
        let project = Self::empty();
        project.configure(more);
        project.write("flows/echo.yaml", ECHO);
        project
    }

    /// Makes a project that has a flow `bad` too, which fails.
    pub(crate) fn with_a_failing_flow() -> Self {
        let project = Self::new();
        project.write(
            "flows/bad.yaml",
            "name: bad\nsteps:\n  - { name: call, kind: webhook, url: 'http://127.0.0.1:1/', retries: 0 }\n",
        );
        project
    }

    /// Makes a project that has a flow `slow` too: what it calls takes the connection and is silent.
    pub(crate) fn with_a_flow_that_never_ends() -> (Self, TcpListener) {
        let project = Self::with(
            "providers: [{ type: mock }]\nwebhooks: { allowPrivateAddresses: true }\nengine: { drainTimeout: 60000 }",
        );
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        project.write(
            "flows/slow.yaml",
            &format!("name: slow\nsteps:\n  - {{ name: call, kind: webhook, url: '{url}' }}\n"),
        );
        (project, silent)
    }

    /// Writes `runcor.yaml`.
    pub(crate) fn configure(&self, more: &str) {
        let basics = "state: { type: sqlite, path: runcor.db }\n";
        let http = if more.contains("httpServer") {
            ""
        } else {
            "httpServer: { enabled: true, port: 1 }\n"
        };
        self.write("runcor.yaml", &format!("{basics}{http}{more}\n"));
    }

    pub(crate) fn dir(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Writes a file as editors do: another one takes its place.
    pub(crate) fn write(&self, name: &str, text: &str) {
        write(self.dir(), name, text);
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(runcor(self.dir(), args).output().unwrap())
    }

    /// Runs a command with something on its standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut child = runcor(self.dir(), args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }

    /// Runs a command on a terminal where somebody types; `None` where `script` can't make one.
    #[cfg(unix)]
    pub(crate) fn run_on_a_terminal(&self, args: &[&str], typed: &str) -> Option<Ran> {
        let command = runcor(self.dir(), args);
        let words = [command.get_program()].into_iter().chain(command.get_args());
        let words: Vec<_> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        let mut child = Command::new("script")
            .args(["-qec", &words.join(" "), "/dev/null"])
            .current_dir(self.dir())
            .env_remove("RUNCOR_URL")
            .env_remove("AUTH_TOKEN")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        // Kept open to the end: whoever leaves the terminal ends what runs there.
        let mut keyboard = child.stdin.take().unwrap();
        keyboard.write_all(typed.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(keyboard);
        Some(Ran::of(output))
    }

    /// Starts `runcor dev` on a free port.
    pub(crate) fn dev(&self) -> Dev {
        Dev::start(self.dir(), &[])
    }
}

pub(crate) fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let beside = path.with_extension("part");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, path).unwrap();
}

/// What a command said, and with which exit code.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Takes what a command has left.
    pub(crate) fn of(output: Output) -> Self {
        Self {
            exit: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.exit, code, "{self:?}");
        self
    }

    /// Reads the one line of stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Reads the error of `--json`: the last line of stderr.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("{self:?}"));
        error["error"].clone()
    }
}

/// Any child; it is killed when it is dropped.
pub(crate) struct Guarded(pub(crate) Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running `runcor dev --json`; it is killed when it is dropped.
pub(crate) struct Dev {
    child: Child,
    lines: Receiver<Value>,
    errors: Receiver<String>,
    banner: Value,
}

impl Dev {
    /// Starts it in a folder and reads its banner.
    pub(crate) fn start(dir: &Path, more: &[&str]) -> Self {
        let mut args = vec!["dev", "--json", "--port", "0"];
        args.extend(more);
        Self::spawn(runcor(dir, &args))
    }

    /// Starts a command whose first line is a banner.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = each_line(child.stdout.take().unwrap(), |line| {
            serde_json::from_str(&line)
                .unwrap_or_else(|_| json!({ "type": "no JSON", "line": line }))
        });
        let errors = each_line(child.stderr.take().unwrap(), |line| line);
        let mut dev = Self { child, lines, errors, banner: Value::Null };
        dev.banner = match dev.lines.recv_timeout(PATIENCE) {
            Ok(banner) => banner,
            Err(_) => panic!("no banner: {:?}", dev.errors.try_iter().collect::<Vec<_>>()),
        };
        assert_eq!(dev.banner["type"], "started");
        dev
    }

    pub(crate) fn banner(&self) -> &Value {
        &self.banner
    }

    pub(crate) fn url(&self) -> &str {
        self.banner["url"].as_str().unwrap()
    }

    /// Waits for a line for which `wanted` holds.
    #[track_caller]
    pub(crate) fn line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if wanted(&line) => return line,
                Ok(line) => seen.push(line),
                Err(reason) => {
                    let gone = reason == RecvTimeoutError::Disconnected;
                    panic!("gone: {gone}; {seen:?}; {:?}", self.errors())
                }
            }
        }
    }

    /// Waits for a line of this type.
    #[track_caller]
    pub(crate) fn line_of(&self, kind: &str) -> Value {
        self.line(|line| line["type"] == kind)
    }

    /// Returns what stood on stderr so far.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.errors.try_iter().collect()
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a pipe to its end on a thread of its own, so that nobody blocks on a full one.
fn each_line<T: Send + 'static>(
    pipe: impl Read + Send + 'static,
    read: impl Fn(String) -> T + Send + 'static,
) -> Receiver<T> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            let Ok(line) = line else { return };
            // The test may be over; the pipe is read on all the same.
            let _ = sender.send(read(line));
        }
    });
    lines
}

/// Returns an HTTP client.
pub(crate) fn client() -> reqwest::Client {
    // A second installation is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}
