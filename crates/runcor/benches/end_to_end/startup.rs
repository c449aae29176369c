//! The binary: how soon it answers, and how much memory it takes while idle.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::load::{micros, percentile};
use crate::options::{Options, directory};
use crate::report::{Aim, Report};

/// How long a start may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// The names of the figures.
const START: &str = "runcor dev, start to first answer, median";
const MEMORY: &str = "runcor dev, resident memory while idle";

pub(crate) fn measure(options: &Options, report: &mut Report) {
    match binary(options).and_then(|binary| Starts::measure(&binary, options.size(5, 20))) {
        Ok(mut starts) => starts.tell(report),
        Err(reason) => {
            report.skip(START, &reason);
            report.skip(MEMORY, &reason);
        }
    }
}

/// Finds the release build of the binary; a full run brings it up to date first.
fn binary(options: &Options) -> Result<PathBuf, String> {
    let name = format!("runcor{}", std::env::consts::EXE_SUFFIX);
    let bench = std::env::current_exe().map_err(|error| error.to_string())?;
    // target/release/deps/end_to_end-… stands two levels below the binary.
    let release = bench.ancestors().nth(2).ok_or("the bench is in no target directory")?;
    let binary = release.join(name);
    if !options.is_quick() || !binary.is_file() {
        build()?;
    }
    if binary.is_file() { Ok(binary) } else { Err(format!("there is no {}", binary.display())) }
}

fn build() -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let args = ["build", "--release", "-p", "runcor-cli", "--locked", "--quiet"];
    let built = Command::new(cargo).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match built {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => {
            Err("runcor-cli can't be built; try cargo build --release -p runcor-cli".to_owned())
        }
        Err(error) => Err(format!("cargo can't be run: {error}")),
    }
}

/// What some starts of the binary took.
struct Starts {
    times: Vec<Duration>,
    /// In MiB, where the system tells.
    memory: Option<f64>,
    /// What the dynamic linker and `--version` alone take.
    bare: Vec<Duration>,
}

impl Starts {
    fn measure(binary: &Path, count: u32) -> Result<Self, String> {
        let dir = directory();
        let mut starts = Self { times: Vec::new(), memory: None, bare: Vec::new() };
        for n in 0..count {
            let project = dir.path().join(format!("project-{n}"));
            make_project(binary, dir.path(), &project)?;
            starts.bare.push(bare(binary)?);
            starts.start(binary, &project, n + 1 == count)?;
        }
        Ok(starts)
    }

    /// Starts the binary once; the last time it is left alone for a while, and its memory read.
    fn start(&mut self, binary: &Path, project: &Path, is_last: bool) -> Result<(), String> {
        let port = free_port()?;
        let began = Instant::now();
        let mut child = command(binary, project)
            .args(["dev", "--port", &port.to_string()])
            .spawn()
            .map_err(|error| error.to_string())?;
        let answered = wait_for_answer(&mut child, port, began);
        if is_last && answered.is_ok() {
            std::thread::sleep(Duration::from_secs(2));
            self.memory = resident_mib(child.id());
        }
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
        self.times.push(answered?);
        Ok(())
    }

    fn tell(&mut self, report: &mut Report) {
        let note = "a fresh project of `runcor init` each time; from the start of the process to \
                    the last byte of the answer to GET /v1/health";
        let median = micros(percentile(&mut self.times, 0.5)) / 1e3;
        report.figure(START, median, "ms", Aim::AtMost(40.0), note);
        let bare = micros(percentile(&mut self.bare, 0.5)) / 1e3;
        let note = "what starting and ending any process takes here is in it";
        report.figure("runcor --version, median", bare, "ms", Aim::None, note);
        match self.memory {
            Some(memory) => {
                let note = "VmRSS two seconds after the first answer";
                report.figure(MEMORY, memory, "MiB", Aim::AtMost(25.0), note);
            }
            None => report.skip(MEMORY, "this system has no /proc"),
        }
    }
}

fn command(binary: &Path, dir: &Path) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RUNCOR_") || name == "AUTH_TOKEN" {
            command.env_remove(name);
        }
    }
    command
}

fn make_project(binary: &Path, dir: &Path, project: &Path) -> Result<(), String> {
    let name = project.file_name().unwrap_or_default();
    let made = command(binary, dir).arg("init").arg(name).status();
    match made {
        Ok(status) if status.success() && project.is_dir() => Ok(()),
        Ok(status) => Err(format!("runcor init ended with {status}")),
        Err(error) => Err(format!("runcor can't be run: {error}")),
    }
}

fn bare(binary: &Path) -> Result<Duration, String> {
    let began = Instant::now();
    let status = command(binary, Path::new(".")).arg("--version").status();
    status.map(|_| began.elapsed()).map_err(|error| error.to_string())
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| error.to_string())
}

fn wait_for_answer(child: &mut Child, port: u16, began: Instant) -> Result<Duration, String> {
    while began.elapsed() < PATIENCE {
        if asks_in_vain(port) {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("runcor dev ended with {status}"));
            }
            std::thread::sleep(Duration::from_micros(200));
        } else {
            return Ok(began.elapsed());
        }
    }
    Err(format!("runcor dev did not answer within {} s", PATIENCE.as_secs()))
}

fn asks_in_vain(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return true };
    let request =
        format!("GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    let asked =
        stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    asked.is_err() || !answer.starts_with("HTTP/1.1 200")
}

/// Returns how much memory a process has, where the system tells.
pub(crate) fn resident_mib(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}
