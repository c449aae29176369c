//! The project of the trial, and its `runcor dev`, which writes its log to a file.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::{Guarded, PATIENCE, Project, runcor};

/// The card number that customers write.
pub(super) const CARD_OF_CUSTOMERS: &str = "4111 1111 1111 1111";

/// Makes the project: two providers, a budget, a guardrail, a tenant and an evaluator.
pub(super) fn project(first: &str, second: &str, budget: &str) -> Project {
    let project = Project::empty();
    let price = "costPerMillionTokens: { input: 10, output: 30 }";
    project.write(
        "runcor.yaml",
        &format!(
            "
state: {{ type: sqlite, path: runcor.db }}
httpServer: {{ enabled: true, port: 1 }}
engine: {{ concurrency: 16 }}
providers:
  - {{ type: openai, name: first, apiKey: k, baseUrl: '{first}', priority: 1, models: [trial-1], {price} }}
  - {{ type: openai, name: second, apiKey: k, baseUrl: '{second}', priority: 2, models: [trial-1], {price} }}
costs:
  reservationTimeoutMs: 5000
  budgets:
    global: {budget}
policy:
  guardrails:
    - name: no-cards
      type: pii
      kinds: [card]
      phases: [modelRequest, modelResponse, output]
      mode: transform
  tenants:
    - {{ tenantId: acme, allowedFlows: [support] }}
evaluation:
  autoFlagScoreThreshold: 0.3
  evaluators:
    - {{ type: length, name: long-enough, config: {{ minLength: 60 }} }}
"
        ),
    );
    for name in ["support", "refund"] {
        project.write(
            &format!("flows/{name}.yaml"),
            &format!(
                "
name: {name}
max_retries: 0
steps:
  - {{ name: answer, kind: agent, preamble: Answer politely., input: $.input, max_tokens: 600 }}
"
            ),
        );
    }
    project
}

/// A running `runcor dev`; it is killed when it is dropped, and a failed test shows its log.
pub(super) struct Office {
    _child: Guarded,
    log: PathBuf,
    url: String,
}

impl Office {
    /// Starts it; each start has a log of its own.
    pub(super) fn open(project: &Project, log: &str) -> Self {
        let log = project.path(log);
        let file = File::create(&log).unwrap();
        let child = runcor(project.dir(), &["dev", "--json", "--port", "0"])
            .stdout(Stdio::from(file.try_clone().unwrap()))
            .stderr(Stdio::from(file))
            .spawn()
            .unwrap();
        let mut office = Self { _child: Guarded(child), log, url: String::new() };
        office.url = wait("runcor dev starts", || {
            let said = office.said();
            let banner = said.lines().find(|line| line.contains(r#""type":"started""#))?;
            let banner: Value = serde_json::from_str(banner).ok()?;
            Some(format!("{}/v1", banner["url"].as_str()?))
        });
        office
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns its log.
    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it as a crash does, and returns its log.
    pub(super) fn kill(self) -> String {
        let log = self.log.clone();
        drop(self);
        std::fs::read_to_string(log).unwrap()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.said();
            let lines: Vec<_> = said.lines().collect();
            eprintln!("the end of {}:", self.log.display());
            for line in &lines[lines.len().saturating_sub(60)..] {
                eprintln!("{line}");
            }
        }
    }
}

/// Looks again and again until there is what is looked for.
#[track_caller]
pub(super) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
