//! Two owners: a stopped process comes back after another one has taken over its work.
//!
//! The lock of the file forbids it, so the campaign takes the lock away, as a
//! network file system might. What is left is the epoch of each execution:
//! nothing that the first one writes afterwards may count.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, timeout};

use crate::api::Api;
use crate::campaign::{Campaign, Life};
use crate::chance::Chance;
use crate::process::Process;

/// How long the second process may take to start; it fails where the first
/// one was stopped in the middle of a transaction.
const START: Duration = Duration::from_secs(20);

impl Campaign {
    /// Stops a life, has another one take its work, and lets the first go on for a while.
    ///
    /// Returns the life that goes on: the second one, or the first where it can't be replaced.
    pub(crate) async fn take_over(&mut self, mut old: Life, chance: &mut Chance) -> Result<Life> {
        old.process.signal("STOP").await?;
        old.listener.abort();
        // Whether the abort was needed or not, nobody listens any more.
        let _ = (&mut old.listener).await;
        let (lock, away) = (self.project.lock(), self.dir.join("lock.away"));
        std::fs::rename(&lock, &away)?;
        self.oracle.known().owners = 2;
        let mut process = self.project.start()?;
        let Some(api) = self.second_life(&mut process).await else {
            process.kill().await?;
            std::fs::rename(&away, &lock)?;
            old.process.signal("CONT").await?;
            return Ok(self.follow(old.process, old.api));
        };
        self.oracle.note("takeover", &"the work has another owner");
        let new = self.follow(process, api);
        let mut requests = vec![self.load_for(&new.api, chance).await];
        old.process.signal("CONT").await?;
        requests.push(self.load_for(&new.api, chance).await);
        old.process.kill().await?;
        self.report.takeovers += 1;
        self.under_way.append(&mut requests);
        Ok(new)
    }

    async fn second_life(&self, process: &mut Process) -> Option<Api> {
        let awake = async {
            let api = Api::new(process.url().await?, Arc::clone(&self.oracle))?;
            api.first_answer().await;
            anyhow::Ok(api)
        };
        timeout(START, awake).await.ok()?.ok()
    }

    async fn load_for(&mut self, api: &Api, chance: &mut Chance) -> tokio::task::JoinSet<()> {
        let time = chance.time(Duration::from_millis(50), Duration::from_millis(1_000));
        self.load.run(api, &self.oracle, Instant::now() + time).await
    }
}
