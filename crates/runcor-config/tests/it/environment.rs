//! Variables: filled in after parsing, in every kind of setting, never shown.

use runcor_config::section::ProviderType;
use secrecy::ExposeSecret as _;

use super::{config, problems};

#[test]
fn numbers_and_truth_values_come_from_the_environment() {
    let config = config(
        "engine: {concurrency: '${N}', maxQueued: '${N}'}\n\
         httpServer: {enabled: '${FLAG}', port: '30${N}', cors: '${FLAG}'}\n\
         providers: [{type: mock, costPerToken: {input: '${PRICE}', output: 0}}]\n\
         state: {durability: '${D:-normal}'}",
    );
    assert_eq!(config.engine.concurrency, 7);
    assert_eq!(config.engine.max_queued, Some(7));
    assert!(config.http_server.enabled);
    assert_eq!(config.http_server.port, 307);
    assert_eq!(config.providers[0].price().unwrap().input_picos, 3_000_000);
}

#[test]
fn a_quoted_number_without_placeholder_stays_a_text() {
    assert_eq!(
        problems("engine: {concurrency: '7'}"),
        ["1:23 engine.concurrency: expected a whole number, found text"]
    );
}

#[test]
fn a_text_stays_a_text_even_when_the_value_looks_like_a_number() {
    assert_eq!(config("flows: {dir: '${N}'}").flows.dir, "7");
}

#[test]
fn a_value_never_becomes_yaml_nor_a_further_placeholder() {
    let env =
        |name: &str| (name == "EVIL").then(|| "x\nengine: {concurrency: 1} # ${N}".to_owned());
    let loaded = runcor_config::parse("flows:\n  dir: ${EVIL}\n", &env).unwrap();
    assert_eq!(loaded.config.flows.dir, "x\nengine: {concurrency: 1} # ${N}");
    assert_eq!(loaded.config.engine.concurrency, 100);
}

#[test]
fn all_missing_variables_are_reported_with_field_variable_and_place() {
    let problems = problems(
        "providers:\n- type: openai\n  apiKey: ${KEY_A}\n  baseUrl: https://${HOST}/${PATH_B}\n",
    );
    assert_eq!(problems.len(), 3);
    assert!(problems[0].starts_with("3:11 providers[0].apiKey: the environment variable KEY_A"));
    assert!(problems[1].starts_with("4:12 providers[0].baseUrl: the environment variable HOST"));
    assert!(problems[2].starts_with("4:12 providers[0].baseUrl: the environment variable PATH_B"));
}

#[test]
fn keys_and_comments_are_not_filled_in() {
    assert_eq!(problems("'${N}': 1"), ["1:1 ${N}: there is no key \"${N}\" here"]);
    config("# ${NOBODY}\nengine: {}");
}

#[test]
fn the_value_of_a_variable_never_appears_in_an_error() {
    for text in [
        "engine: {concurrency: '${NOT_A_NUMBER}'}",
        "state: {type: '${NOT_A_NUMBER}'}",
        "httpServer: {enabled: '${NOT_A_NUMBER}'}",
        "providers: '${NOT_A_NUMBER}'",
        "providers: [{type: '${NOT_A_NUMBER}', baseUrl: '${NOT_A_NUMBER}'}]",
        "providers: [{type: mock, name: '${NOT_A_NUMBER}'}, {type: mock, name: '${NOT_A_NUMBER}'}]",
        "httpServer: {port: '${NOT_A_NUMBER}', cors: {origin: 1}}",
        "${NOT_A_NUMBER}",
    ] {
        let error = super::parse(text).unwrap_err();
        let shown = format!(
            "{error} {error:?} {:?}",
            runcor_core::Error::from(super::parse(text).unwrap_err())
        );
        assert!(!shown.contains("hush"), "{shown}");
    }
}

#[test]
fn a_variable_that_is_set_but_empty_is_used_and_refused_where_a_value_is_needed() {
    assert_eq!(config("httpServer: {basePath: '${EMPTY:-/x}'}").http_server.base_path, "");
    assert_eq!(
        problems("providers: [{type: openai, apiKey: '${EMPTY}'}]"),
        ["1:36 providers[0].apiKey: must not be empty; give a value or remove the key"]
    );
}

#[test]
fn an_enormous_value_can_not_be_filled_in_over_and_over() {
    let env = |_: &str| Some("x".repeat(1_000_000));
    let text = format!("webhooks: {{allowedHosts: [{}]}}", "'${BIG}', ".repeat(50));
    let error = runcor_config::parse(&text, &env).unwrap_err();
    assert!(error.problems()[0].message.contains("too large"), "{error}");
}

#[test]
fn keys_addresses_and_the_token_fall_back_to_well_known_variables() {
    let env = |name: &str| {
        let value = match name {
            "OPENAI_API_KEY" => "from-vendor",
            "OPENAI_BASE_URL" => "http://proxy",
            "GEMINI_API_KEY" => "gem",
            "AUTH_TOKEN" => "tok",
            "GOOGLE_API_KEY" => "",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let text = "providers: [{type: openai}, {type: google}, {type: mock}]";
    let config = runcor_config::parse(text, &env).unwrap().config;
    let keys: Vec<_> = config
        .providers
        .iter()
        .map(|provider| provider.api_key.as_ref().map(|key| key.expose_secret().to_owned()))
        .collect();
    assert_eq!(keys, [Some("from-vendor".into()), Some("gem".into()), None]);
    assert_eq!(config.providers[0].base_url.as_deref(), Some("http://proxy"));
    assert_eq!(config.providers[2].kind, ProviderType::Mock);
    assert_eq!(config.http_server.auth_token.unwrap().expose_secret(), "tok");

    let text = "providers: [{type: openai, apiKey: mine}]\nhttpServer: {authToken: own}";
    let config = runcor_config::parse(text, &env).unwrap().config;
    assert_eq!(config.providers[0].api_key.as_ref().unwrap().expose_secret(), "mine");
    assert_eq!(config.http_server.auth_token.unwrap().expose_secret(), "own");
}
