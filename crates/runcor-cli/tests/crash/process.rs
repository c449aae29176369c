//! The process that is killed: `runcor dev` on the campaign's one database.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::flows::FLOWS;
use crate::options::Options;

/// How long a process owns its executions without a sign of life.
pub(crate) const LEASE: Duration = Duration::from_secs(1);

/// A project folder, and the program that runs it.
pub(crate) struct Project {
    binary: PathBuf,
    dir: PathBuf,
}

impl Project {
    /// Writes the project; `url` is where its webhooks and its model are.
    pub(crate) fn write(options: &Options, dir: &Path, url: &str) -> Result<Self> {
        let (durability, lease) = (&options.durability, LEASE.as_millis());
        let config = format!(
            "
state: {{ type: sqlite, path: runcor.db, durability: {durability} }}
engine: {{ retentionPeriod: 0, drainTimeout: 300, lease: {lease} }}
providers: [{{ type: openai, baseUrl: '{url}/v1', apiKey: none, models: [scripted] }}]
routing: {{ failureThreshold: 1000000 }}
webhooks: {{ allowPrivateAddresses: true }}
httpServer: {{ enabled: true, port: 0 }}
"
        );
        std::fs::write(dir.join("runcor.yaml"), config)?;
        std::fs::create_dir_all(dir.join("flows"))?;
        for flow in &FLOWS {
            std::fs::write(dir.join(format!("flows/{}.yaml", flow.name)), flow.file(url))?;
        }
        let binary = options.binary.canonicalize();
        let binary = binary.with_context(|| format!("no {}", options.binary.display()))?;
        Ok(Self { binary, dir: dir.to_path_buf() })
    }

    /// Returns the database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.dir.join("runcor.db")
    }

    /// Returns the lock of the database.
    pub(crate) fn lock(&self) -> PathBuf {
        self.dir.join("runcor.db.lock")
    }

    /// Starts the process.
    pub(crate) fn start(&self) -> Result<Process> {
        let mut child = self.dev().stderr(self.log()?).spawn()?;
        let stdout = child.stdout.take().context("the process has no output")?;
        Ok(Process { child, stdout: Some(BufReader::new(stdout)) })
    }

    /// Starts a second process on the same file, and returns why it refused.
    pub(crate) async fn start_second(&self) -> Result<Value> {
        let output = self.dev().stderr(Stdio::piped()).output().await?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() != Some(1) {
            bail!("a second process ended with {}: {errors}", output.status);
        }
        let last = errors.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(last).unwrap_or_default();
        Ok(error["error"].clone())
    }

    /// Has the database checked against the rules, and returns what was found.
    pub(crate) async fn verify(&self) -> Result<Vec<Value>> {
        let mut command = self.runcor(&["verify", "runcor.db", "--json"]);
        let output = command.stderr(Stdio::piped()).output().await?;
        let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            format!("verify says {:?}", String::from_utf8_lossy(&output.stderr))
        })?;
        let findings = report["findings"].as_array().context("verify names no findings")?;
        if report["sound"] != output.status.success()
            || findings.is_empty() != (report["sound"] == true)
        {
            bail!("verify ended with {} and says {report}", output.status);
        }
        Ok(findings.clone())
    }

    fn dev(&self) -> Command {
        self.runcor(&["dev", "--json"])
    }

    fn runcor(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        for name in ["RUNCOR_URL", "AUTH_TOKEN", "RUNCOR_CONFIG", "RUST_LOG"] {
            command.env_remove(name);
        }
        command.current_dir(&self.dir).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// What all processes say on stderr goes into one file.
    fn log(&self) -> Result<File> {
        let path = self.dir.join("stderr.log");
        Ok(OpenOptions::new().create(true).append(true).open(path)?)
    }
}

/// One life of the process.
pub(crate) struct Process {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Waits for the first line and returns the address of the API.
    ///
    /// Dropping the future loses nothing, for then the process is killed.
    pub(crate) async fn url(&mut self) -> Result<String> {
        let mut stdout = self.stdout.take().context("the banner was read before")?;
        let mut line = String::new();
        stdout.read_line(&mut line).await?;
        let banner: Value = serde_json::from_str(&line)
            .with_context(|| format!("it did not start, see stderr.log; it said {line:?}"))?;
        tokio::spawn(async move {
            // Its events are read from the API; the pipe must only never be full.
            let _ = tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await;
        });
        Ok(banner["url"].as_str().context("it has no API")?.to_owned())
    }

    /// Kills it, and returns once it is gone.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Returns how it has ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end.
    pub(crate) async fn end(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// Sends it a signal.
    pub(crate) async fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.id().context("it has ended")?.to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &id]).status().await?;
        if !status.success() {
            bail!("kill -{name} {id} ended with {status}");
        }
        Ok(())
    }
}
