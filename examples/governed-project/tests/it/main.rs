//! The guide to governance shows the settings of this example, and they are valid.

#![expect(clippy::expect_used, reason = "what helpers of tests meet fails the test")]

use std::fs;
use std::path::Path;

use runcor::config::{self, Config};
use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file to read")
}

fn config(yaml: &str) -> Config {
    config::parse(yaml, &|_| None).expect("valid settings").config
}

#[test]
fn the_settings_of_the_guide_are_those_of_the_example() {
    let guide = read("../../docs/governance.md");
    let yaml = guide.split("```yaml\n").nth(1).and_then(|rest| rest.split("\n```").next());
    let of_guide = config(yaml.expect("a block of settings")).to_masked_json();
    let of_example = config(&read("runcor.yaml")).to_masked_json();
    for section in ["costs", "policy", "evaluation"] {
        assert_ne!(of_guide[section], Value::Null);
        assert_eq!(of_guide[section], of_example[section], "{section}");
    }
}
