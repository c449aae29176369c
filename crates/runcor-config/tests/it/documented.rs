//! The documented examples, the defaults, and the schema of the file.

use runcor_config::section::{OnOrphanedExecution, ProviderType, RoutingStrategy, StateType};
use runcor_config::{Config, schema};
use runcor_core::Schema;
use serde_json::{Value, json};

use super::{config, parse, problems};

/// The configuration reference of the documentation, whole.
pub(crate) const REFERENCE: &str = r#"
engine:
  concurrency: 100
  drainTimeout: 10000
  retentionPeriod: 3600
providers:
  - type: anthropic
    apiKey: ${ANTHROPIC_KEY}
    baseUrl: https://api.anthropic.com
    priority: 1
    models: [claude-sonnet-4-20250514]
    costPerToken:
      input: 0.003
      output: 0.015
routing:
  strategy: priority
  maxFallbackAttempts: 2
  failureThreshold: 5
  cooldownMs: 30000
connections:
  - name: gmail
    preset: gmail
    url: ${GMAIL_MCP_URL:-https://gmail.example/mcp}
  - name: custom-api
    transport: sse
    url: https://api.example.com/mcp
    headers:
      Authorization: "Bearer ${API_TOKEN:-none}"
costs:
  warningThreshold: 0.8
  defaultTokenEstimate: 1000
  maxLedgerEntries: 100000
  budgets:
    perRequest:
      limit: 0.50
      enforcement: hard
    perUser:
      limit: 10.00
      enforcement: hard
      window:
        type: daily
    perFlow:
      limit: 50.00
      enforcement: soft
    global:
      limit: 1000.00
      enforcement: hard
telemetry:
  serviceName: my-app
  serviceVersion: 1.0.0
  memorySpans: false
policy:
  rateLimits:
    - name: per-user
      scope: user
      limit: 100
      windowMs: 3600000
      behavior: reject
  accessPolicies:
    - identity: "*"
      allowedOperations: [trigger, resume]
  tenants:
    - tenantId: customer-a
      allowedFlows: [customer-a-flow]
evaluation:
  evaluators:
    - type: length
      config:
        minLength: 50
        maxLength: 2000
  autoFlagScoreThreshold: 0.3
server:
  enabled: true
  name: my-app
  version: 1.0.0
httpServer:
  enabled: true
  port: 3000
  hostname: 127.0.0.1
scheduler:
  defaultTimezone: America/New_York
  flows:
    daily-report:
      cron: "0 8 * * *"
      timezone: America/New_York
state:
  type: sqlite
  path: ./data/runcor.db
discernment:
  enabled: true
  autonomy: recommend
  schedule: daily
  lookbackPeriod: 604800
  gracePeriod: 86400
objectives:
  - name: customer-support
    description: "Reduce support ticket volume"
  - name: operational-visibility
    description: "Daily business metric visibility"
"#;

/// The sections of the reference that this version carries out.
fn reference_of_this_version() -> String {
    let mut keep = true;
    let built = ["engine:", "providers:", "routing:", "httpServer:", "state:"];
    let lines = REFERENCE.lines().filter(|line| {
        if line.starts_with(char::is_alphabetic) {
            keep = built.contains(line);
        }
        keep
    });
    lines.collect::<Vec<_>>().join("\n")
}

const ROUTING: &str = "
providers:
- type: anthropic
  apiKey: ${ANTHROPIC_KEY}
  priority: 1
  models: [claude-sonnet-4-20250514]
- type: openai
  apiKey: ${OPENAI_KEY:-k}
  priority: 2
  models: [gpt-4o]
- type: google
  apiKey: ${GOOGLE_KEY:-k}
  priority: 3
  models: [gemini-2.0-flash]
routing:
  strategy: lowest-cost
";

fn as_json(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn the_documented_sections_of_this_version_load_unchanged() {
    let loaded = parse(&reference_of_this_version()).unwrap();
    let provider = &loaded.config.providers[0];
    assert_eq!(provider.kind, ProviderType::Anthropic);
    assert_eq!(provider.registered_name(), "anthropic");
    assert_eq!(provider.model(), Some("claude-sonnet-4-20250514"));
    assert_eq!(loaded.config.routing.max_fallback_attempts, Some(2));
    assert_eq!(loaded.config.state.kind, StateType::Sqlite);
    assert!(loaded.config.http_server.enabled);
    assert_eq!(config(ROUTING).routing.strategy, RoutingStrategy::LowestCost);
}

#[test]
fn the_whole_reference_has_no_mistake_but_the_sections_to_come() {
    let problems = problems(REFERENCE);
    assert_eq!(problems.len(), 6, "{problems:#?}");
    assert!(problems.iter().all(|problem| problem.contains("not part of this version yet")));
}

#[test]
fn a_price_that_looks_like_one_for_a_thousand_tokens_is_a_warning() {
    let warnings = parse(&reference_of_this_version()).unwrap().warnings;
    let paths: Vec<_> = warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(paths, ["providers[0].costPerToken.input", "providers[0].costPerToken.output"]);
    assert!(warnings[0].message.contains("costPerMillionTokens"));
    assert_eq!((warnings[0].line, warnings[0].column), (13, 14));
    let fine = "providers: [{type: mock, costPerMillionTokens: {input: 3, output: 15}}]";
    let loaded = parse(fine).unwrap();
    assert!(loaded.warnings.is_empty());
    assert_eq!(loaded.config.providers[0].price().unwrap().output_picos, 15_000_000);
}

#[test]
fn a_path_without_sqlite_is_a_warning() {
    let warnings = parse("state: {path: ./x.db}").unwrap().warnings;
    assert_eq!(warnings[0].path, "state.path");
    assert_eq!(warnings[0].to_string().lines().count(), 1);
}

#[test]
fn an_empty_file_is_the_default() {
    let default = Config::default().to_masked_json();
    for text in ["", "# only a comment\n", "---\n", "\u{feff}", "~", "{}", "\n\n"] {
        assert_eq!(config(text).to_masked_json(), default, "{text:?}");
    }
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let config = Config::default();
    assert_eq!(config.engine.concurrency, 100);
    assert_eq!(config.engine.drain_timeout, 10_000);
    assert_eq!(config.engine.retention_period, 3_600);
    assert_eq!(config.routing.failure_threshold, 5);
    assert_eq!(config.routing.cooldown_ms, 30_000);
    assert_eq!(config.state.kind, StateType::Memory);
    assert_eq!(config.flows.dir, "flows");
    assert!(!config.http_server.enabled);
    assert_eq!(config.http_server.port, 3000);
    assert_eq!(config.http_server.hostname, "127.0.0.1");
    assert!(config.http_server.cors.is_none() && !config.http_server.allow_unauthenticated);
    assert_eq!(config.http_server.body_limit, 1_048_576);
    assert!(config.providers.is_empty());
}

#[test]
fn what_to_do_with_orphans_can_be_chosen() {
    let config = config("engine: {onOrphanedExecution: fail}");
    assert_eq!(config.engine.on_orphaned_execution, Some(OnOrphanedExecution::Fail));
}

#[test]
fn the_documented_examples_satisfy_the_schema_as_they_stand_in_the_file() {
    let schema = Schema::compile(&schema()).unwrap();
    let webhooks = "webhooks: {allowPrivateAddresses: [printer.lan], allowedHosts: [a.example]}";
    for text in [REFERENCE, ROUTING, webhooks, "engine: {concurrency: '${N}'}", "{}"] {
        schema.check(&as_json(text)).unwrap();
    }
    for text in ["engine: {concurrency: 'x'}", "nope: 1", "providers: [{}]", "engine: null"] {
        assert!(schema.check(&as_json(text)).is_err(), "{text}");
    }
}

#[test]
fn the_schema_describes_every_key_for_people() {
    fn undescribed(schema: &Value, path: &str, list: &mut Vec<String>) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            if property.get("description").is_none() {
                list.push(format!("{path}.{key}"));
            }
        }
    }
    let schema = schema();
    assert_eq!(schema["title"], "runcor.yaml");
    let mut list = Vec::new();
    undescribed(&schema, "", &mut list);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        undescribed(definition, name, &mut list);
    }
    assert!(list.is_empty(), "{list:?}");
    assert_eq!(schema["properties"]["engine"]["default"]["concurrency"], json!(100));
}
