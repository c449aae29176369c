//! A project: a folder with `runcor.yaml` and flows written as YAML.

mod check;
mod evaluation;
mod governance;
#[cfg(feature = "http")]
mod http;
mod providers;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use runcor_config::section::{AllowPrivate, Durability, OnOrphanedExecution, StateType};
use runcor_config::{Config, LoadOptions, Warning};
use runcor_core::{Flow, FlowName, Result, Runtime};
use runcor_engine::{EngineConfig, OrphanPolicy};
use runcor_pipeline::{Problem, SafeHttp, WebhookPolicy, load_dir, pipeline_flow};
use runcor_router::{Hedge, Registration, Router};

use crate::builder::{Builder, Runcor};

pub use check::ProjectCheck;
pub use providers::connect_provider;

/// A loaded `runcor.yaml` and the folder that it stands in.
#[derive(Debug, Clone)]
pub struct Project {
    config: Config,
    warnings: Vec<Warning>,
    file: PathBuf,
    dir: PathBuf,
    /// The flows that files gave when they were last read; a reload takes away no others.
    known: Arc<Mutex<BTreeSet<FlowName>>>,
}

/// The flows of a project, and what is wrong with the files that give none.
#[derive(Debug)]
pub struct ProjectFlows {
    /// The flows, in the order of their files.
    pub flows: Vec<Flow>,
    /// The mistakes of files.
    pub problems: Vec<Problem>,
}

/// What a reload has changed.
#[derive(Debug)]
pub struct Reloaded {
    /// The flows that there are now.
    pub flows: Vec<FlowName>,
    /// The flows that are gone; what they have accepted still runs.
    pub removed: Vec<FlowName>,
    /// The mistakes of flow files.
    pub problems: Vec<Problem>,
    /// The sections of `runcor.yaml` whose changes take a restart.
    pub needs_restart: Vec<&'static str>,
}

impl Project {
    /// Finds and loads `runcor.yaml`.
    ///
    /// # Errors
    /// `CONFIG_NOT_FOUND`, or `CONFIG_INVALID` with every mistake and its place.
    pub fn load(options: &LoadOptions<'_>) -> Result<Self> {
        let loaded = runcor_config::load(options)?;
        let file = loaded.path.unwrap_or_else(|| options.cwd.join("runcor.yaml"));
        let dir = file.parent().map_or_else(|| options.cwd.clone(), Path::to_path_buf);
        Ok(Self { warnings: loaded.warnings, file, ..Self::new(loaded.config, dir) })
    }

    /// Makes a project of a configuration made in code, in the folder `dir`.
    #[must_use]
    pub fn new(config: Config, dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        let file = dir.join("runcor.yaml");
        Self { config, warnings: Vec::new(), file, dir, known: Arc::default() }
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns what is allowed in the file but probably not meant.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns the configuration file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the folder of the flow files.
    #[must_use]
    pub fn flows_dir(&self) -> PathBuf {
        self.dir.join(&self.config.flows.dir)
    }

    /// Returns the database file, unless executions are kept in memory.
    #[must_use]
    pub fn database(&self) -> Option<PathBuf> {
        match self.config.state.kind {
            StateType::Memory => None,
            StateType::Sqlite => self.config.state.path.as_ref().map(|path| self.dir.join(path)),
        }
    }

    /// Reads the flow files; a missing folder has no flows.
    ///
    /// # Errors
    /// `INVALID_CONFIG` when the HTTP client of webhooks can't be made.
    pub fn read_flows(&self) -> Result<ProjectFlows> {
        let dir = self.flows_dir();
        if !dir.exists() {
            self.known.lock().clear();
            return Ok(ProjectFlows { flows: Vec::new(), problems: Vec::new() });
        }
        let http = SafeHttp::new(self.webhook_policy())?;
        let (loaded, problems) = load_dir(&dir);
        let flows: Vec<Flow> =
            loaded.into_iter().map(|file| pipeline_flow(file.spec, &http)).collect();
        *self.known.lock() = flows.iter().map(|flow| flow.info.name.clone()).collect();
        Ok(ProjectFlows { flows, problems })
    }

    /// Connects the providers.
    ///
    /// # Errors
    /// As [`connect_provider`].
    pub fn providers(&self) -> Result<Vec<Registration>> {
        self.config.providers.iter().map(connect_provider).collect()
    }

    /// Applies this project's providers, routing and flows to a runtime that was started
    /// from `before`, an earlier state of the same project. What runs goes on.
    ///
    /// Flows of broken files stay as they were, and so do flows that no file gave.
    /// The answer tells what changed, and which settings take a restart.
    ///
    /// # Errors
    /// As [`start`](Self::start); the runtime stays as it was then.
    pub fn reload(&self, runcor: &Runcor, before: &Self) -> Result<Reloaded> {
        let read = self.read_flows()?;
        runcor.set_providers(self.providers()?, self.routes())?;
        let broken = !read.problems.is_empty();
        let names: Vec<_> = read.flows.iter().map(|flow| flow.info.name.clone()).collect();
        for flow in read.flows {
            runcor.register_or_replace(flow)?;
        }
        let mut removed = Vec::new();
        let were_known = before.known.lock().clone();
        for known in runcor.flows() {
            if names.contains(&known.name) || !were_known.contains(&known.name) {
                continue;
            }
            if broken {
                // A file that can't be read may be the one that has this flow.
                self.known.lock().insert(known.name);
            } else {
                runcor.unregister(known.name.as_str())?;
                removed.push(known.name);
            }
        }
        let needs_restart = self.settings_that_need_a_restart(before);
        Ok(Reloaded { flows: names, removed, problems: read.problems, needs_restart })
    }

    fn settings_that_need_a_restart(&self, before: &Self) -> Vec<&'static str> {
        let (new, old) = (&self.config, &before.config);
        let mut sections = Vec::new();
        if new.engine != old.engine {
            sections.push("engine");
        }
        if new.state != old.state {
            sections.push("state");
        }
        for section in ["costs", "policy", "evaluation", "memory"] {
            if new.to_masked_json().get(section) != old.to_masked_json().get(section) {
                sections.push(section);
            }
        }
        if new.to_masked_json().get("httpServer") != old.to_masked_json().get("httpServer") {
            sections.push("httpServer");
        }
        sections
    }

    /// Starts the runtime with the project's store and providers, without its flows.
    ///
    /// # Errors
    /// `INVALID_CONFIG`, `DUPLICATE_PROVIDER`, `PROVIDER_AUTH_ERROR` (a key is
    /// missing), `STORAGE_…` when the store can't be opened.
    pub async fn start(&self) -> Result<Runcor> {
        let mut builder = Builder::default().limits(self.limits()).router(self.routes());
        builder = self.govern(builder)?;
        for provider in self.providers()? {
            builder = builder.registration(provider);
        }
        if let Some(path) = self.database() {
            builder = self.open_store(builder, &path)?;
        }
        let runcor = builder.start().await?;
        self.add_evaluators(&runcor)?;
        Ok(runcor)
    }

    #[cfg(feature = "store-sqlite")]
    fn open_store(&self, builder: Builder, path: &Path) -> Result<Builder> {
        use runcor_store_sqlite::{SqliteConfig, SqliteStore};

        let durability = match self.config.state.durability {
            Durability::Full => runcor_store_sqlite::Durability::Full,
            Durability::Normal => runcor_store_sqlite::Durability::Normal,
            Durability::Memory => runcor_store_sqlite::Durability::Memory,
        };
        let config = SqliteConfig { durability, ..SqliteConfig::default() };
        Ok(builder.store(SqliteStore::open(path, config)?))
    }

    #[cfg(not(feature = "store-sqlite"))]
    fn open_store(&self, _builder: Builder, path: &Path) -> Result<Builder> {
        let durability: Durability = self.config.state.durability;
        let message = format!(
            "state.type sqlite ({}, durability {durability:?}) needs the feature store-sqlite, which this build lacks",
            path.display()
        );
        Err(runcor_core::Error::new(runcor_core::ErrorCode::InvalidConfig, message))
    }

    fn limits(&self) -> EngineConfig {
        let engine = &self.config.engine;
        let default = EngineConfig::default();
        let wide = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        EngineConfig {
            concurrency: wide(engine.concurrency),
            max_queued: engine.max_queued.map_or(default.max_queued, wide),
            drain_timeout: Duration::from_millis(engine.drain_timeout),
            retention: Duration::from_secs(engine.retention_period),
            on_orphan: engine.on_orphaned_execution.map_or(default.on_orphan, orphan_policy),
            max_bytes: engine.max_store_bytes,
            max_ledger_entries: Some(self.max_ledger_entries()),
            max_evaluations: self.max_evaluations().or(default.max_evaluations),
            lease: Duration::from_millis(engine.lease),
            ..default
        }
    }

    fn routes(&self) -> runcor_router::RouterBuilder {
        let routing = &self.config.routing;
        let wide = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let mut routes = Router::builder()
            .strategy(routing.strategy.into())
            .failure_threshold(routing.failure_threshold)
            .cooldown(Duration::from_millis(routing.cooldown_ms));
        if let Some(attempts) = routing.max_fallback_attempts {
            routes = routes.max_fallback_attempts(wide(attempts));
        }
        if let Some(millis) = routing.timeout_ms {
            routes = routes.timeout(Duration::from_millis(millis));
        }
        if let Some(hedge) = &routing.hedge {
            let at_least = Duration::from_millis(hedge.at_least_ms);
            let max_extra = wide(hedge.max_extra);
            routes = routes.hedge(Hedge { after: hedge.percentile, at_least, max_extra });
        }
        routing.aliases.iter().fold(routes, |routes, (name, models)| routes.alias(name, models))
    }

    fn max_ledger_entries(&self) -> u64 {
        u64::from(self.config.costs.clone().unwrap_or_default().max_ledger_entries)
    }

    fn max_evaluations(&self) -> Option<u64> {
        self.config.evaluation.as_ref()?.max_evaluations
    }

    fn webhook_policy(&self) -> WebhookPolicy {
        let webhooks = &self.config.webhooks;
        let (allow_private, private_hosts) = match &webhooks.allow_private_addresses {
            AllowPrivate::All(all) => (*all, Vec::new()),
            AllowPrivate::Hosts(hosts) => (false, hosts.clone()),
        };
        WebhookPolicy {
            allow_private,
            private_hosts,
            allowed_hosts: webhooks.allowed_hosts.clone(),
        }
    }
}

fn orphan_policy(choice: OnOrphanedExecution) -> OrphanPolicy {
    match choice {
        OnOrphanedExecution::Requeue => OrphanPolicy::Requeue,
        OnOrphanedExecution::Fail => OrphanPolicy::Fail,
        OnOrphanedExecution::Ignore => OrphanPolicy::Ignore,
    }
}

/// The error of a provider whose client this build lacks.
#[cfg(not(all(
    feature = "provider-openai",
    feature = "provider-anthropic",
    feature = "provider-google"
)))]
fn feature_missing(kind: &str) -> runcor_core::Error {
    let message =
        format!("provider type {kind} needs a feature `provider-…` that this build lacks");
    runcor_core::Error::new(runcor_core::ErrorCode::InvalidConfig, message)
}
