//! Secrets are kept and never shown.

use super::config;

const TEXT: &str = "
providers:
  - type: anthropic
    apiKey: ${ANTHROPIC_KEY}
httpServer:
  authToken: hush-token
  tokens:
    - token: hush-too
      tenant: acme
";

#[test]
fn secrets_are_masked_wherever_a_configuration_is_shown() {
    let config = config(TEXT);
    let shown = [
        format!("{config:?}"),
        config.to_masked_yaml(),
        config.to_masked_json().to_string(),
        serde_json::to_string(&config).unwrap(),
    ];
    for text in shown {
        assert!(!text.contains("hush"), "{text}");
    }
    assert_eq!(config.to_masked_json()["providers"][0]["apiKey"], "***");
    assert_eq!(config.to_masked_json()["httpServer"]["authToken"], "***");
    assert_eq!(config.to_masked_json()["httpServer"]["tokens"][0]["token"], "***");
    assert_eq!(config.to_masked_json()["httpServer"]["tokens"][0]["tenant"], "acme");
}

#[test]
fn secrets_of_connections_are_masked_by_value_not_by_name() {
    let connection: runcor_config::section::Connection = serde_json::from_str(
        r#"{"name": "n", "headers": {"Authorization": "hush"}, "env": {"TOKEN": "hush"}}"#,
    )
    .unwrap();
    let shown = serde_json::to_string(&connection).unwrap();
    assert!(shown.contains(r#""Authorization":"***""#) && shown.contains(r#""TOKEN":"***""#));
    assert!(!format!("{connection:?}{shown}").contains("hush"));
}
