//! The whole file as one struct.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::load::Env;
use crate::section::{
    Connection, Costs, Discernment, Engine, Evaluation, Flows, HttpServer, McpServer, Memory,
    Objective, Policy, Provider, Routing, Scheduler, State, Telemetry, Webhooks,
};

/// The configuration of runcor.
///
/// Every text may contain `${NAME}` or `${NAME:-default}`, which are filled in
/// from the environment; `$${` stands for a plain `${`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(title = "runcor.yaml", rename = "Config")]
pub struct Config {
    /// How much runs at once, how long records stay.
    pub engine: Engine,
    /// The model vendors and their accounts.
    pub providers: Vec<Provider>,
    /// Which provider answers, and when one is left alone.
    pub routing: Routing,
    /// Where the flow files lie.
    pub flows: Flows,
    /// Which addresses the webhook steps of flows may call.
    pub webhooks: Webhooks,
    /// Where executions are kept.
    pub state: State,
    /// How much flows may remember.
    pub memory: Memory,
    /// Where the HTTP server listens and whom it serves.
    pub http_server: HttpServer,
    /// The MCP servers whose tools flows use. Not part of this version yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<Connection>,
    /// The ledger of model calls, its budgets and its prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub costs: Option<Costs>,
    /// How the engine names itself in traces. Not part of this version yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<Telemetry>,
    /// Who may do what, how often, and what may go in and out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// How results are judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluation>,
    /// Flows served as MCP tools. Not part of this version yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<McpServer>,
    /// When flows start by themselves. Not part of this version yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<Scheduler>,
    /// Whether flows are worth running. Not part of this version yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discernment: Option<Discernment>,
    /// What flows are run for. Not part of this version yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<Objective>,
}

/// Sections that the file may have but that nothing carries out yet.
pub(crate) const NOT_BUILT: &[&str] =
    &["connections", "telemetry", "server", "scheduler", "discernment", "objectives"];

impl Config {
    /// Returns the configuration with defaults filled in and secrets masked.
    ///
    /// ```
    /// let text = "httpServer: { authToken: hunter2 }";
    /// let shown = runcor_config::parse(text, &|_| None)?.config.to_masked_json();
    /// assert_eq!(shown["httpServer"]["authToken"], "***");
    /// # Ok::<(), runcor_config::Error>(())
    /// ```
    #[must_use]
    pub fn to_masked_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// Returns the same as YAML that can be loaded again.
    #[must_use]
    pub fn to_masked_yaml(&self) -> String {
        let mut shown = self.to_masked_json();
        escape_placeholders(&mut shown);
        serde_saphyr::to_string(&shown).unwrap_or_default()
    }

    /// Fills in what vendors and the server take from well-known variables.
    pub(crate) fn fall_back_to(&mut self, env: Env<'_>) {
        for provider in &mut self.providers {
            if provider.api_key.is_none() {
                provider.api_key = key_variables(provider.kind.as_str())
                    .iter()
                    .find_map(|name| set(env, name))
                    .map(SecretString::from);
            }
            if provider.base_url.is_none() {
                provider.base_url =
                    base_url_variable(provider.kind.as_str()).and_then(|name| set(env, name));
            }
        }
        if self.http_server.auth_token.is_none() {
            self.http_server.auth_token = set(env, "AUTH_TOKEN").map(SecretString::from);
        }
    }
}

/// Returns the value of a variable that is there and not empty.
pub(crate) fn set(env: Env<'_>, name: &str) -> Option<String> {
    env(name).filter(|value| !value.is_empty())
}

/// Returns the variables from which a type of provider takes its key; none where it needs no key.
pub(crate) fn key_variables(kind: &str) -> &'static [&'static str] {
    match kind {
        "anthropic" => &["ANTHROPIC_API_KEY"],
        "openai" => &["OPENAI_API_KEY"],
        "google" => &["GOOGLE_API_KEY", "GEMINI_API_KEY"],
        _ => &[],
    }
}

/// Returns the variable from which a type of provider takes its address.
pub(crate) fn base_url_variable(kind: &str) -> Option<&'static str> {
    match kind {
        "anthropic" => Some("ANTHROPIC_BASE_URL"),
        "openai" => Some("OPENAI_BASE_URL"),
        _ => None,
    }
}

/// Writes `$${` for `${`, so that the text is read as it is.
fn escape_placeholders(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("${") => *text = text.replace("${", "$${"),
        Value::Array(items) => items.iter_mut().for_each(escape_placeholders),
        Value::Object(fields) => fields.values_mut().for_each(escape_placeholders),
        _ => {}
    }
}
