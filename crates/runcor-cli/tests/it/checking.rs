//! `runcor config`.

use crate::bed::Project;

#[test]
fn a_valid_project_is_called_valid() {
    let project = Project::new();
    let ran = project.run(&["config", "check"]).exits(0);
    assert!(ran.stdout.contains("is valid, with 1 provider and 1 flow"), "{ran:?}");
    let answer = project.run(&["config", "check", "--json"]).exits(0).json();
    assert_eq!(answer["valid"], true);
    assert_eq!(answer["flows"][0], "echo");
}

#[test]
fn every_mistake_of_the_configuration_is_told_with_its_place() {
    let project = Project::new();
    project.write(
        "runcor.yaml",
        "providers:\n  - type: mock\n    priority: high\nengine:\n  concurrencyy: 3\nstate:\n  type: disk\n",
    );
    let ran = project.run(&["config", "check"]).exits(1);
    for place in ["runcor.yaml:3:", "runcor.yaml:5:3", "runcor.yaml:7:"] {
        assert!(ran.stderr.contains(place), "{place} {ran:?}");
    }
    assert!(ran.stderr.contains("concurrency"), "{ran:?}");
    let ran = project.run(&["config", "check", "--json"]).exits(1);
    assert_eq!(ran.error()["code"], "CONFIG_INVALID");
}

#[test]
fn every_mistake_of_the_flows_is_told_with_its_place() {
    let project = Project::new();
    project.write("flows/a.yaml", "name: a\nsteps:\n  - { name: x, kind: nosuch }\n");
    project.write("flows/b.yaml", "name: b\nsteps: [\n");
    let ran = project.run(&["config", "check"]).exits(1);
    assert!(ran.stderr.contains("flows/a.yaml:3:"), "{ran:?}");
    assert!(ran.stderr.contains("flows/b.yaml:2:"), "{ran:?}");
    let answer = project.run(&["config", "check", "--json"]).exits(1).json();
    assert_eq!(answer["valid"], false);
    assert!(answer["problems"].as_array().unwrap().len() >= 2, "{answer}");
}

#[test]
fn showing_the_configuration_masks_secrets() {
    let project = Project::with(
        "providers: [{ type: openai, apiKey: sk-very-secret }]\nhttpServer: { enabled: true, port: 1, authToken: also-secret }",
    );
    for args in [&["config", "check", "--show"][..], &["config", "check", "--show", "--json"]] {
        let ran = project.run(args).exits(0);
        assert!(ran.stdout.contains("openai"), "{ran:?}");
        assert!(!ran.stdout.contains("sk-very-secret") && !ran.stdout.contains("also-secret"));
    }
}

#[test]
fn the_schemas_are_json_schemas() {
    let project = Project::empty();
    for args in [&["config", "schema"][..], &["config", "schema", "--flow"]] {
        let text = project.run(args).exits(0).stdout;
        let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(schema["$schema"].as_str().unwrap().contains("json-schema.org"), "{args:?}");
        assert!(runcor::schema::Schema::compile(&schema).is_ok(), "{args:?}");
    }
}
