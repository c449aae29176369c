//! Whom a command talks to: a running runcor, or the project of this folder.

use std::path::Path;

use runcor::Project;
use runcor::config::LoadOptions;
use runcor::execution::{Decision, Fork};
use serde_json::Value;

use crate::args::Connect;
use crate::console::Console;
use crate::discovery;
use crate::failure::Failure;
use crate::local::Local;
use crate::remote::Remote;

/// Whom a command talks to.
pub(crate) enum Target {
    Remote(Remote),
    Local(Box<Local>),
}

/// What to run.
pub(crate) struct TriggerRequest {
    pub(crate) flow: String,
    pub(crate) key: String,
    pub(crate) input: Value,
    pub(crate) user: Option<String>,
    pub(crate) tenant: Option<String>,
}

/// On whose behalf a trigger is when nobody says so.
pub(crate) const USUAL_USER: &str = "cli";

/// What to list.
pub(crate) struct ListQuery {
    pub(crate) state: Option<String>,
    pub(crate) flow: Option<String>,
    pub(crate) limit: usize,
}

impl Target {
    /// Finds a running runcor, or starts the project of this folder.
    pub(crate) async fn find(
        connect: &Connect,
        config: Option<&Path>,
        with_flows: bool,
        console: &Console,
    ) -> Result<Self, Failure> {
        if let Some(url) = &connect.url {
            return Ok(Self::Remote(remote(url, connect.token.clone(), connect)?));
        }
        match load_project(config)? {
            Some(project) => Self::of_project(&project, connect, with_flows, console).await,
            None => Self::without_project(connect).await,
        }
    }

    async fn without_project(connect: &Connect) -> Result<Self, Failure> {
        let remote = remote("http://127.0.0.1:3000", connect.token.clone(), connect)?;
        if remote.answers().await {
            return Ok(Self::Remote(remote));
        }
        let message = format!(
            "no runcor runs at {}, and there is no runcor.yaml here; start one with `runcor dev`, or make a project with `runcor init`",
            remote.url()
        );
        Err(Failure::new("CONFIG_NOT_FOUND", message))
    }

    /// Who answers at the configured address may run another project. So with a database it
    /// is asked only when its own runcor left no address, and yet somebody has the database.
    async fn of_project(
        project: &Project,
        connect: &Connect,
        with_flows: bool,
        console: &Console,
    ) -> Result<Self, Failure> {
        let token = || connect.token.clone().or_else(|| project.auth_token());
        let configured = remote(&address(project), token(), connect)?;
        if project.database().is_none() {
            if configured.answers().await {
                return Ok(Self::Remote(configured));
            }
            if !with_flows {
                console.warn("executions are in memory here (state.type), and none outlives the process that ran it");
            }
        } else if let Some(url) = discovery::noted(project) {
            let noted = remote(&url, token(), connect)?;
            if noted.answers().await {
                return Ok(Self::Remote(noted));
            }
        }
        match Local::start(project, connect, with_flows, console).await {
            Ok(local) => Ok(Self::Local(Box::new(local))),
            Err(failure) if failure.code == "STORAGE_LOCKED" => {
                if configured.answers().await {
                    return Ok(Self::Remote(configured));
                }
                let message = format!("{}; or pass its address with --url", failure.message);
                Err(Failure { message, ..failure })
            }
            Err(failure) => Err(failure),
        }
    }

    /// Ends what was started for this command.
    pub(crate) async fn leave(self) -> Result<(), Failure> {
        match self {
            Self::Remote(_) => Ok(()),
            Self::Local(local) => local.stop().await,
        }
    }

    /// Returns the API, which a project that runs here serves to this command alone.
    pub(crate) async fn api(&self) -> Result<&Remote, Failure> {
        match self {
            Self::Remote(remote) => Ok(remote),
            Self::Local(local) => local.api().await,
        }
    }

    pub(crate) fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    pub(crate) async fn trigger(&self, request: TriggerRequest) -> Result<Value, Failure> {
        match self {
            Self::Remote(remote) => remote.trigger(request).await,
            Self::Local(local) => local.trigger(request).await,
        }
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Value, Failure> {
        match self {
            Self::Remote(remote) => remote.get(id).await,
            Self::Local(local) => local.get(id).await,
        }
    }

    pub(crate) async fn list(&self, query: &ListQuery) -> Result<Vec<Value>, Failure> {
        match self {
            Self::Remote(remote) => remote.list(query).await,
            Self::Local(local) => local.list(query).await,
        }
    }

    pub(crate) async fn resume(&self, id: &str, data: Option<Value>) -> Result<Value, Failure> {
        match self {
            Self::Remote(remote) => remote.resume(id, data).await,
            Self::Local(local) => local.resume(id, data).await,
        }
    }

    pub(crate) async fn cancel(&self, id: &str, reason: Option<String>) -> Result<Value, Failure> {
        match self {
            Self::Remote(remote) => remote.cancel(id, reason).await,
            Self::Local(local) => local.cancel(id, reason).await,
        }
    }

    pub(crate) async fn decide(&self, id: &str, decision: Decision) -> Result<Value, Failure> {
        match self {
            Self::Remote(remote) => remote.decide(id, &decision).await,
            Self::Local(local) => local.decide(id, decision).await,
        }
    }

    pub(crate) async fn fork(&self, id: &str, fork: Fork) -> Result<Value, Failure> {
        match self {
            Self::Remote(remote) => remote.fork(id, fork).await,
            Self::Local(local) => local.fork(id, fork).await,
        }
    }

    pub(crate) async fn timeline(&self, id: &str) -> Result<Value, Failure> {
        match self {
            Self::Remote(remote) => remote.timeline(id).await,
            Self::Local(local) => local.timeline(id).await,
        }
    }

    pub(crate) async fn journal_value(&self, id: &str, path: &str) -> Result<Value, Failure> {
        match self {
            Self::Remote(remote) => remote.journal_value(id, path).await,
            Self::Local(local) => local.journal_value(id, path).await,
        }
    }

    /// Returns the trouble that the store is in: `code`, `message`, `since`; null when it has none.
    pub(crate) async fn trouble(&self) -> Result<Value, Failure> {
        match self {
            Self::Remote(remote) => remote.trouble().await,
            Self::Local(local) => local.trouble(),
        }
    }
}

/// Loads the project of this folder; `None` when there is none and none was named.
/// Returns what the file of a project has that is allowed and probably not meant, each with its place.
pub(crate) fn warnings_of(project: &Project) -> Vec<String> {
    let file = project.file().file_name().unwrap_or_default().display();
    project.warnings().iter().map(|warning| format!("{file}:{warning}")).collect()
}

pub(crate) fn load_project(config: Option<&Path>) -> Result<Option<Project>, Failure> {
    let mut options = LoadOptions::from_process()?;
    options.path = config.map(Path::to_path_buf);
    match Project::load(&options) {
        Ok(project) => Ok(Some(project)),
        Err(error)
            if error.code() == runcor::ErrorCode::ConfigNotFound
                && config.is_none()
                && std::env::var_os("RUNCOR_CONFIG").is_none() =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn remote(url: &str, token: Option<String>, connect: &Connect) -> Result<Remote, Failure> {
    Remote::new(url, token)?.on_behalf_of(connect.user.as_deref(), connect.tenant.as_deref())
}

fn address(project: &Project) -> String {
    let http = project.http_config();
    let host = match http.hostname.as_str() {
        "0.0.0.0" | "::" | "[::]" => "127.0.0.1",
        host => host,
    };
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    format!("http://{host}:{}{}", http.port, http.base_path)
}
