//! The user guide keeps its word: its YAML is valid, and no key is left out.

#![expect(clippy::unwrap_used, reason = "what helpers of tests meet fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use runcor::config;
use runcor::pipeline::{self, FlowFile};
use serde_json::Value;

/// Sections of `runcor.yaml` that the guide names and does not describe: nothing carries them out yet.
const LATER: [&str; 9] = [
    "connections",
    "costs",
    "discernment",
    "evaluation",
    "objectives",
    "policy",
    "scheduler",
    "server",
    "telemetry",
];

fn page(name: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    fs::read_to_string(docs.join(name)).unwrap()
}

/// Returns what stands between the fences of a language.
fn snippets<'t>(text: &'t str, fence: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(fence).skip(1).map(|rest| rest.split("\n```").next().unwrap_or(rest))
}

#[test]
fn the_yaml_of_the_guide_is_valid() {
    let mut flows = 0;
    let mut settings = 0;
    for name in ["getting-started.md", "flows-yaml.md", "configuration.md"] {
        for yaml in snippets(&page(name), "```yaml\n") {
            if yaml.starts_with("name:") {
                FlowFile::parse(yaml, name).unwrap();
                flows += 1;
            } else {
                config::parse(yaml, &|name| Some(format!("{name}-of-16-letters"))).unwrap();
                settings += 1;
            }
        }
    }
    assert!(flows >= 4 && settings >= 4, "{flows} flows and {settings} settings were found");
}

#[test]
fn the_flow_of_the_reference_is_the_one_of_this_example() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("flows/triage.yaml");
    let of_example = FlowFile::parse(&fs::read_to_string(file).unwrap(), "triage.yaml").unwrap();
    let text = page("flows-yaml.md");
    let of_guide = FlowFile::parse(snippets(&text, "```yaml\n").next().unwrap(), "guide").unwrap();
    assert_eq!(format!("{of_guide:?}"), format!("{of_example:?}"));
}

#[test]
fn every_key_of_the_configuration_is_in_the_guide() {
    let text = page("configuration.md");
    let schema = config::schema();
    for (section, of_section) in schema["properties"].as_object().unwrap() {
        assert!(text.contains(&format!("`{section}`")), "{section}");
        if LATER.contains(&section.as_str()) {
            continue;
        }
        let part = text.split(&format!("\n## `{section}`\n")).nth(1).unwrap();
        let part = part.split("\n## ").next().unwrap();
        for key in keys(&schema, of_section) {
            assert!(part.contains(&format!("\n| `{key}` |")), "{section}.{key}");
        }
    }
}

#[test]
fn every_key_of_a_flow_file_is_in_the_guide() {
    let text = page("flows-yaml.md");
    let mut keys = BTreeSet::new();
    collect(&pipeline::schema(), &mut keys);
    // Those in camelCase are covered by one sentence.
    for key in keys.iter().filter(|key| !key.contains(|sign: char| sign.is_ascii_uppercase())) {
        assert!(text.contains(&format!("`{key}`")), "{key}");
    }
}

/// Returns the keys of a section, or of the entries of its list.
fn keys<'s>(schema: &'s Value, section: &'s Value) -> impl Iterator<Item = &'s String> {
    let section = resolved(schema, section);
    let section = section.get("items").map_or(section, |items| resolved(schema, items));
    section["properties"].as_object().unwrap().keys()
}

/// Follows a reference to a definition of the schema.
fn resolved<'s>(schema: &'s Value, node: &'s Value) -> &'s Value {
    match node["$ref"].as_str() {
        Some(place) => schema.pointer(place.trim_start_matches('#')).unwrap(),
        None => node,
    }
}

/// Collects the names of all properties that a schema describes.
fn collect(node: &Value, into: &mut BTreeSet<String>) {
    if let Some(properties) = node.get("properties").and_then(Value::as_object) {
        into.extend(properties.keys().cloned());
    }
    match node {
        Value::Object(fields) => fields.values().for_each(|value| collect(value, into)),
        Value::Array(items) => items.iter().for_each(|value| collect(value, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
