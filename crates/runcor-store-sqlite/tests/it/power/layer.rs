//! The layer in `layer.c`: built once, put under a process, spoken to from inside it.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the layer of this process looks, where there is one.
const DIRECTORY: &str = "RUNCOR_LAYER_DIR";
const LOG: &str = "RUNCOR_LAYER_LOG";
/// The how-many-eth process it is over these files.
const NUMBER: &str = "RUNCOR_LAYER_NUMBER";

/// Runs the test named `test` of this binary again, over the files in `dir` and under the layer.
///
/// Panics with what the process said where its test fails.
pub(crate) fn run(test: &str, number: usize, dir: &Path, log: &Path, env: &[(&str, String)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("LD_PRELOAD", library())
        .env(DIRECTORY, dir)
        .env(LOG, log)
        .env(NUMBER, number.to_string())
        .envs(env.iter().map(|(key, value)| (key, value)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test} under the layer: {}\n{said}", output.status);
    assert!(said.contains("1 passed"), "there is no test {test}\n{said}");
}

/// Builds the layer, unless that was done before.
fn library() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/power/layer.c");
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let built = home.join(format!("power-layer-{:016x}.so", super::random::hash(LAYER)));
    if !built.exists() {
        let fresh = tempfile::Builder::new().suffix(".so").tempfile_in(home).unwrap();
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let mut command = Command::new(compiler);
        command.args(["-shared", "-fPIC", "-O1", "-pthread", "-o"]).arg(fresh.path()).arg(source);
        assert!(command.status().unwrap().success(), "the layer does not compile");
        fresh.persist(&built).unwrap();
    }
    built
}

const LAYER: &[u8] = include_bytes!("layer.c");

/// The layer under this very process.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    dir: PathBuf,
}

impl Layer {
    /// Returns the layer, where this process was started with one.
    pub(crate) fn here() -> Option<Self> {
        std::env::var_os(DIRECTORY).map(|dir| Self { dir: dir.into() })
    }

    /// Returns how many processes have worked on the files before this one.
    pub(crate) fn number(&self) -> usize {
        std::env::var(NUMBER).unwrap().parse().unwrap()
    }

    /// Returns where the database of the process is.
    pub(crate) fn database(&self) -> PathBuf {
        self.dir.join("runcor.db")
    }

    /// Writes a line into the log.
    pub(crate) fn mark(&self, text: &str) {
        self.write("marks", text);
    }

    /// Fails `count` calls on a file with `error`, after `skip` that go well.
    pub(crate) fn fail(&self, call: &str, file: &str, error: i32, skip: usize, count: usize) {
        self.write("control", &format!("fail {call} {file} {error} {skip} {count}"));
    }

    /// Lets all calls go well again.
    pub(crate) fn clear(&self) {
        self.write("control", "clear");
    }

    /// Holds the next flush of a file until it is released.
    pub(crate) fn hold(&self, file: &str) {
        self.write("control", &format!("hold {file}"));
    }

    /// Waits until a flush is held; blocks the thread.
    pub(crate) fn wait_until_held(&self) {
        let mut control = OpenOptions::new().read(true).open(self.dir.join("control")).unwrap();
        let _ = control.read(&mut [0]).unwrap();
    }

    /// Lets the held flush go on.
    pub(crate) fn release(&self) {
        self.write("control", "release");
    }

    fn write(&self, file: &str, text: &str) {
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create(true).open(self.dir.join(file)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}
