//! The campaign: one database, many lives of the process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};

use crate::api::Api;
use crate::chance::Chance;
use crate::evidence::Evidence;
use crate::listener::listen;
use crate::load::Load;
use crate::options::Options;
use crate::oracle::Oracle;
use crate::outside::Outside;
use crate::process::{LEASE, Process, Project};
use crate::report::{Report, progress};
use crate::server::Server;

/// How long anything may take that has to come; nothing should come near it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What belongs to all cycles.
pub(crate) struct Campaign {
    pub(crate) seed: u64,
    pub(crate) dir: PathBuf,
    pub(crate) project: Project,
    pub(crate) oracle: Arc<Oracle>,
    pub(crate) report: Report,
    pub(crate) load: Load,
    server: Server,
    /// One in so many lives is stopped for a while.
    halts: u64,
    /// Whether some of these lose their work to another process meanwhile.
    takes_over: bool,
    /// Requests that nobody waits for until the process is killed.
    pub(crate) under_way: Vec<JoinSet<()>>,
}

/// A process that answers.
pub(crate) struct Life {
    pub(crate) process: Process,
    pub(crate) api: Api,
    pub(crate) listener: JoinHandle<()>,
}

impl Campaign {
    /// Makes the folder, the project and the outside world.
    pub(crate) async fn prepare(options: &Options, seed: u64) -> Result<Self> {
        let dir = options.dir.join(seed.to_string());
        let oracle = Arc::new(Oracle::new(seed, Evidence::begin(&dir)?));
        let dir = dir.canonicalize()?;
        let server = Server::start(Arc::new(Outside::new(seed, Arc::clone(&oracle)))).await?;
        let project = Project::write(options, &dir, server.url())?;
        let (load, report) = (Load::new(seed, options.rate), Report::new(seed));
        let halts = if options.stop || options.takeover { 2 } else { 10 };
        Ok(Self {
            seed,
            dir,
            project,
            oracle,
            report,
            load,
            server,
            halts,
            takes_over: options.takeover,
            under_way: Vec::new(),
        })
    }

    /// Runs the cycles; ends early with the first violation.
    pub(crate) async fn run(&mut self, cycles: u64) -> Result<()> {
        for cycle in 1..=cycles {
            self.oracle.begin(cycle);
            self.cycle(cycle).await?;
            self.server.settle().await?;
            self.report.cycles = cycle;
            if (cycle.is_multiple_of(10) && cycle <= 100) || cycle.is_multiple_of(100) {
                self.verify().await?;
            }
            progress(cycle, cycles, &self.oracle);
            if self.is_broken() {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(crate) fn is_broken(&self) -> bool {
        !self.oracle.known().violations.is_empty()
    }

    /// Has the database checked as the dead process has left it.
    pub(crate) async fn verify(&mut self) -> Result<()> {
        if !self.project.database().exists() {
            return Ok(());
        }
        for finding in self.project.verify().await? {
            self.oracle.broken("R7", None, format!("runcor verify finds {finding}"));
        }
        self.report.verified += 1;
        Ok(())
    }

    /// One life of the process, from its start to its death.
    async fn cycle(&mut self, cycle: u64) -> Result<()> {
        let mut chance = Chance::new(self.seed, "cycle", cycle);
        // Recovery is where it hurts, so some die young.
        let longest = if chance.one_in(8) { 120 } else { 2_000 };
        let span = chance.time(Duration::from_millis(20), Duration::from_millis(longest));
        let born = Instant::now();
        let mut process = self.project.start()?;
        let Some(api) = self.wake(&mut process, born, born + span).await? else {
            self.report.kills.starting += 1;
            return process.kill().await;
        };
        let life = self.follow(process, api);
        self.live(life, born + span, &mut chance).await
    }

    /// Waits for the first answer, until `end`.
    async fn wake(
        &mut self,
        process: &mut Process,
        born: Instant,
        end: Instant,
    ) -> Result<Option<Api>> {
        let awake = async {
            let api = Api::new(process.url().await?, Arc::clone(&self.oracle))?;
            api.first_answer().await;
            Ok(api)
        };
        match timeout_at(end, awake).await {
            Err(_) => Ok(None),
            Ok(Err(error)) => {
                self.oracle.broken("R1", None, format!("it does not start any more: {error:#}"));
                Err(error)
            }
            Ok(Ok(api)) => {
                self.report.recoveries.push(born.elapsed());
                Ok(Some(api))
            }
        }
    }

    pub(crate) fn follow(&self, process: Process, api: Api) -> Life {
        let listener = tokio::spawn(listen(api.clone(), Arc::clone(&self.oracle)));
        Life { process, api, listener }
    }

    /// Starts the last process, which is not killed.
    pub(crate) async fn last_life(&mut self) -> Result<Life> {
        let born = Instant::now();
        let mut process = self.project.start()?;
        match self.wake(&mut process, born, born + PATIENCE).await? {
            Some(api) => Ok(self.follow(process, api)),
            None => bail!("the process gave no answer within {PATIENCE:?} of its start"),
        }
    }

    /// Puts load on the process until its end.
    async fn live(&mut self, mut life: Life, end: Instant, chance: &mut Chance) -> Result<()> {
        let (halts, visits, stops) =
            (chance.one_in(self.halts), chance.one_in(10), chance.one_in(12));
        let now = Instant::now();
        let middle = now + end.saturating_duration_since(now) / 2;
        let requests = self.load.run(&life.api, &self.oracle, middle).await;
        self.under_way.push(requests);
        if halts && (self.takes_over || chance.one_in(4)) {
            life = self.take_over(life, chance).await?;
        } else if halts {
            self.halt(&life.process, chance).await?;
        }
        if visits {
            self.second().await;
        }
        let requests = self.load.run(&life.api, &self.oracle, end).await;
        self.under_way.push(requests);
        if let Some(status) = life.process.ended()? {
            let what = format!("the process ended by itself with {status}; see stderr.log");
            self.oracle.broken("R1", None, what);
        }
        if stops {
            life.process.signal("TERM").await?;
            tokio::time::sleep(chance.time(Duration::ZERO, Duration::from_millis(400))).await;
        }
        self.report.kills.at(stops, life.api.asked(), &self.oracle);
        life.process.kill().await?;
        let gone = async {
            for mut requests in self.under_way.drain(..) {
                while requests.join_next().await.is_some() {}
            }
            life.listener.await
        };
        match timeout(PATIENCE, gone).await {
            Ok(ended) => Ok(ended?),
            Err(_) => bail!("requests to a killed process did not end"),
        }
    }

    /// Stops the process as a host does that has no time for it, and lets it go on.
    async fn halt(&mut self, process: &Process, chance: &mut Chance) -> Result<()> {
        let is_long = chance.one_in(2);
        let (from, to) =
            if is_long { (LEASE * 11 / 10, LEASE * 5 / 2) } else { (LEASE / 50, LEASE) };
        process.signal("STOP").await?;
        self.oracle.note("stop", &if is_long { "past the lease" } else { "for a while" });
        // What is stopped keeps its file.
        self.second().await;
        tokio::time::sleep(chance.time(from, to)).await;
        process.signal("CONT").await?;
        self.report.halts += 1;
        self.report.long_halts += u64::from(is_long);
        Ok(())
    }

    /// Starts a second process on the same file, which has to refuse.
    async fn second(&mut self) {
        let problem = match timeout(PATIENCE, self.project.start_second()).await {
            Ok(Ok(error)) if is_refusal(&error) => None,
            Ok(Ok(error)) => Some(error.to_string()),
            Ok(Err(error)) => Some(format!("{error:#}")),
            Err(_) => Some("it is still there".to_owned()),
        };
        self.report.refusals += u64::from(problem.is_none());
        if let Some(what) = problem {
            let what = format!("a second process on the same file: {what}");
            self.oracle.broken("R2", None, what);
        }
    }
}

/// Returns whether an error says that the file is somebody else's, and whose.
fn is_refusal(error: &Value) -> bool {
    let says = error["message"].as_str().unwrap_or_default();
    error["code"] == "STORAGE_LOCKED" && says.contains("in use by process")
}
