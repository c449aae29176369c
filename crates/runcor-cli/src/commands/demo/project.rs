//! The demo's project on a fresh SQLite file, and the model that it uses.

use std::path::{Path, PathBuf};
use std::time::Duration;

use runcor::Project;
use runcor::config::LoadOptions;
use runcor::config::section::{Provider, ProviderType};
use serde_json::Value;

use crate::failure::Failure;
use crate::target::load_project;
use crate::template;

/// Where OpenAI-compatible servers listen by default: Ollama, LM Studio, llama.cpp, vLLM.
const LOCAL_SERVERS: &str = "http://127.0.0.1:11434/v1,http://127.0.0.1:1234/v1,http://127.0.0.1:8080/v1,http://127.0.0.1:8000/v1";

/// The variable that names other ones, separated by commas; when it is empty none is asked.
const LOCAL_SERVERS_VARIABLE: &str = "RUNCOR_LOCAL_SERVERS";

/// How long a local server may take to list its models.
const PROBE_TIMEOUT: Duration = Duration::from_millis(400);

/// Who answers in the demo.
pub(crate) struct Models {
    pub(crate) providers: Vec<Provider>,
    pub(crate) description: String,
}

/// Takes the configured providers, or a local server that answers, or the mock.
pub(crate) async fn choose_models(config: Option<&Path>, mock: bool) -> Result<Models, Failure> {
    if !mock {
        if let Some(project) = load_project(config)?
            && !project.config().providers.is_empty()
        {
            let providers = project.config().providers.clone();
            let names: Vec<_> = providers.iter().map(Provider::registered_name).collect();
            let description = format!("{}, from {}", names.join(", "), project.file().display());
            return Ok(Models { providers, description });
        }
        for url in local_servers() {
            if let Some(model) = first_model(&url).await {
                let description = format!("{model}, from the server at {url}");
                let mut provider = Provider::new(ProviderType::Openai);
                provider.name = Some("local".to_owned());
                provider.base_url = Some(url);
                provider.default_model = Some(model);
                return Ok(Models { providers: vec![provider], description });
            }
        }
    }
    Ok(Models {
        providers: vec![Provider::new(ProviderType::Mock)],
        description: "mock, which quotes what it is asked; no key, no model, no cost".to_owned(),
    })
}

fn local_servers() -> Vec<String> {
    let list = std::env::var(LOCAL_SERVERS_VARIABLE).unwrap_or_else(|_| LOCAL_SERVERS.to_owned());
    let urls = list.split(',').map(|url| url.trim().trim_end_matches('/').to_owned());
    urls.filter(|url| !url.is_empty()).collect()
}

/// Asks a server for its models; `None` when it does not answer as one.
async fn first_model(url: &str) -> Option<String> {
    let client = reqwest::Client::builder().timeout(PROBE_TIMEOUT).no_proxy().build().ok()?;
    let response = client.get(format!("{url}/models")).send().await.ok()?;
    let models: Value = response.error_for_status().ok()?.json().await.ok()?;
    models["data"][0]["id"].as_str().map(str::to_owned)
}

/// The folder of a demo, which goes with it.
pub(crate) struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    /// Names a new one in the system's folder for temporary files.
    pub(crate) fn new(keep: bool) -> Self {
        let name = format!("runcor-demo-{}", uuid::Uuid::now_v7().simple());
        Self { path: std::env::temp_dir().join(name), keep }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // What can't be removed is left to the system.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Writes the project into a new folder and loads it from there.
pub(crate) fn create(folder: &Folder, providers: Vec<Provider>) -> Result<Project, Failure> {
    let folder = folder.path.as_path();
    let files = [
        ("runcor.yaml", include_str!("../../../assets/demo/runcor.yaml").to_owned()),
        ("flows/digest.yaml", include_str!("../../../assets/demo/flows/digest.yaml").to_owned()),
    ];
    template::write(folder, &files, false)?;
    let written = Project::load(&LoadOptions::new(folder, &|_| None))?;
    let mut config = written.config().clone();
    config.providers = providers;
    Ok(Project::new(config, folder))
}
