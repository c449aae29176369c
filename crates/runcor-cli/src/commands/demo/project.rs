//! The demo's project on a fresh SQLite file, and the model that it uses.

use std::path::Path;
use std::time::Duration;

use runcor::Project;
use runcor::config::LoadOptions;
use runcor::config::section::{Provider, ProviderType};
use serde_json::Value;

use crate::failure::Failure;
use crate::target::load_project;
use crate::template;

/// Where OpenAI-compatible servers listen by default.
const LOCAL_SERVERS: &[(&str, &str)] = &[
    ("Ollama", "http://127.0.0.1:11434/v1"),
    ("LM Studio", "http://127.0.0.1:1234/v1"),
    ("llama.cpp", "http://127.0.0.1:8080/v1"),
    ("vLLM", "http://127.0.0.1:8000/v1"),
];

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
        for (name, url) in LOCAL_SERVERS {
            if let Some(model) = first_model(url).await {
                let mut provider = Provider::new(ProviderType::Openai);
                provider.name = Some("local".to_owned());
                provider.base_url = Some((*url).to_owned());
                provider.default_model = Some(model.clone());
                let description = format!("{model}, from the server at {url} ({name})");
                return Ok(Models { providers: vec![provider], description });
            }
        }
    }
    Ok(Models {
        providers: vec![Provider::new(ProviderType::Mock)],
        description: "mock, which quotes what it is asked; no key, no model, no cost".to_owned(),
    })
}

/// Asks a server for its models; `None` when it does not answer as one.
async fn first_model(url: &str) -> Option<String> {
    let client = reqwest::Client::builder().timeout(PROBE_TIMEOUT).no_proxy().build().ok()?;
    let response = client.get(format!("{url}/models")).send().await.ok()?;
    let models: Value = response.error_for_status().ok()?.json().await.ok()?;
    models["data"][0]["id"].as_str().map(str::to_owned)
}

/// Writes the project into a new folder and loads it from there.
pub(crate) fn create(providers: Vec<Provider>) -> Result<Project, Failure> {
    let folder =
        std::env::temp_dir().join(format!("runcor-demo-{}", uuid::Uuid::now_v7().simple()));
    let files = [
        ("runcor.yaml", include_str!("../../../assets/demo/runcor.yaml").to_owned()),
        ("flows/digest.yaml", include_str!("../../../assets/demo/flows/digest.yaml").to_owned()),
    ];
    template::write(&folder, &files, false)?;
    let written = Project::load(&LoadOptions::new(&folder, &|_| None))?;
    let mut config = written.config().clone();
    config.providers = providers;
    Ok(Project::new(config, folder))
}
