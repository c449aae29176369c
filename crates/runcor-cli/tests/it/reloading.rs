//! `runcor dev` follows the files of its project.

use serde_json::{Value, json};

use crate::bed::{Dev, ECHO, Project};

fn flow(name: &str) -> String {
    ECHO.replace("name: echo", &format!("name: {name}"))
}

/// Waits for a reload after which these flows are there.
#[track_caller]
fn reloaded(dev: &Dev, flows: &[&str]) -> Value {
    dev.line(|line| line["type"] == "reloaded" && line["flows"] == json!(flows))
}

#[test]
fn an_edited_flow_takes_effect() {
    let project = Project::new();
    let dev = project.dev();
    project.write("flows/echo.yaml", &ECHO.replace("$.input }", "{ changed: $.input } }"));
    reloaded(&dev, &["echo"]);
    let ran = project.run(&["trigger", "echo", "--input", "1"]).exits(0);
    assert!(ran.stdout.contains("changed"), "{ran:?}");
}

#[test]
fn a_file_written_in_place_takes_effect() {
    let project = Project::new();
    let dev = project.dev();
    let text = ECHO.replace("$.input }", "{ changed: $.input } }");
    std::fs::write(project.path("flows/echo.yaml"), text).unwrap();
    reloaded(&dev, &["echo"]);
    let ran = project.run(&["trigger", "echo", "--input", "1"]).exits(0);
    assert!(ran.stdout.contains("changed"), "{ran:?}");
}

#[test]
fn flows_come_and_go_with_their_files() {
    let project = Project::new();
    let dev = project.dev();
    project.write("flows/two.yaml", &flow("two"));
    reloaded(&dev, &["echo", "two"]);
    project.run(&["trigger", "two", "--input", "1"]).exits(0);
    project.remove("flows/two.yaml");
    assert_eq!(reloaded(&dev, &["echo"])["removed"], json!(["two"]));
    project.run(&["trigger", "two", "--input", "1"]).exits(2);
}

#[test]
fn a_broken_file_is_told_with_its_place_and_the_old_flow_stays() {
    let project = Project::new();
    let dev = project.dev();
    project.write("flows/echo.yaml", "name: echo\nsteps: [\n");
    let report = dev.line(|line| line["problems"].as_array().is_some_and(|all| !all.is_empty()));
    assert!(report["problems"][0].as_str().unwrap().contains("flows/echo.yaml:2:"), "{report}");
    assert_eq!(report["removed"], json!([]));
    project.run(&["trigger", "echo", "--input", "1"]).exits(0);
    project.write("flows/echo.yaml", ECHO);
    reloaded(&dev, &["echo"]);
}

#[test]
fn a_folder_of_flows_that_appears_later_is_noticed() {
    let project = Project::empty();
    project.configure("providers: [{ type: mock }]");
    let dev = project.dev();
    assert_eq!(dev.banner()["flows"], json!([]));
    project.write("flows/echo.yaml", ECHO);
    reloaded(&dev, &["echo"]);
    // And one that is taken away and comes again.
    std::fs::remove_dir_all(project.path("flows")).unwrap();
    reloaded(&dev, &[]);
    project.write("flows/two.yaml", &flow("two"));
    reloaded(&dev, &["two"]);
    project.write("flows/three.yaml", &flow("three"));
    reloaded(&dev, &["three", "two"]);
}

#[test]
fn a_folder_inside_folders_that_are_not_there_yet_is_noticed() {
    let project = Project::empty();
    project.configure("providers: [{ type: mock }]\nflows: { dir: parts/of/flows }");
    let dev = project.dev();
    project.write("parts/of/flows/echo.yaml", ECHO);
    reloaded(&dev, &["echo"]);
    project.write("parts/of/flows/two.yaml", &flow("two"));
    reloaded(&dev, &["echo", "two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_in_rust_stay_when_the_files_of_a_project_are_read_again() {
    use runcor::config::LoadOptions;
    use runcor::flow::{FlowContext, FlowError, FlowName, FlowOutcome};
    use runcor::{Flow, Runtime};

    async fn rusty(_ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
        Ok(FlowOutcome::Complete(Value::Null))
    }
    let project = Project::new();
    let load = || runcor::Project::load(&LoadOptions::new(project.dir(), &|_| None)).unwrap();
    let first = load();
    let runcor = first.start().await.unwrap();
    for flow in first.read_flows().unwrap().flows {
        runcor.register(flow).unwrap();
    }
    runcor.register(Flow::new(FlowName::new("rusty").unwrap(), rusty)).unwrap();
    let names = || runcor.flows().iter().map(|flow| flow.name.to_string()).collect::<Vec<_>>();
    // Broken, it stays; gone, it goes, also after it was broken.
    project.write("flows/echo.yaml", "name: [\n");
    let second = load();
    second.reload(&runcor, &first).unwrap();
    assert_eq!(names(), ["echo", "rusty"]);
    project.remove("flows/echo.yaml");
    load().reload(&runcor, &second).unwrap();
    assert_eq!(names(), ["rusty"]);
    runcor.shutdown().await.unwrap();
}

#[test]
fn many_changes_at_once_all_arrive() {
    let project = Project::new();
    let dev = project.dev();
    let names: Vec<_> = (0..50).map(|n| format!("flow-{n:02}")).collect();
    for name in &names {
        project.write(&format!("flows/{name}.yaml"), &flow(name));
    }
    let mut all = vec!["echo"];
    all.extend(names.iter().map(String::as_str));
    reloaded(&dev, &all);
}

#[test]
fn other_providers_take_over() {
    let project = Project::new();
    let dev = project.dev();
    project.configure("providers: [{ type: mock, name: second }]");
    dev.line_of("reloaded");
    let url = format!("{}/v1/executions?limit=1", dev.url());
    assert!(url.starts_with("http://"));
    let ran = project.run(&["trigger", "echo", "--input", "1"]).exits(0);
    assert!(ran.stdout.contains("complete"), "{ran:?}");
    project.configure("providers: []");
    dev.line_of("reloaded");
    let ran = project.run(&["trigger", "echo", "--input", "1"]).exits(1);
    assert!(ran.stdout.contains("no model provider is configured"), "{ran:?}");
}

#[test]
fn settings_that_need_a_restart_are_named() {
    let project = Project::new();
    let dev = project.dev();
    project.configure("providers: [{ type: mock }]\nengine: { concurrency: 3 }");
    assert_eq!(dev.line_of("reloaded")["needsRestart"], json!(["engine"]));
}

#[test]
fn a_broken_configuration_changes_nothing() {
    let project = Project::new();
    let dev = project.dev();
    project.configure("providers: [{ type: mock }]\noops: 1");
    let line = dev.line_of("reload_failed");
    assert_eq!(line["error"]["code"], "CONFIG_INVALID");
    assert!(line["error"]["message"].as_str().unwrap().contains("runcor.yaml:4:1"), "{line}");
    project.run(&["trigger", "echo", "--input", "1", "--url", dev.url()]).exits(0);
    project.remove("runcor.yaml");
    dev.line_of("reload_failed");
    project.configure("providers: [{ type: mock }]");
    reloaded(&dev, &["echo"]);
}

#[test]
fn a_provider_that_can_not_be_made_changes_nothing() {
    let project = Project::new();
    let dev = project.dev();
    project.configure("providers: [{ type: openai, apiKey: x, baseUrl: 'not an address' }]");
    dev.line_of("reload_failed");
    project.run(&["trigger", "echo", "--input", "1", "--url", dev.url()]).exits(0);
}

#[test]
fn a_running_execution_outlives_a_reload() {
    use std::io::{Read, Write};

    let (project, silent) = Project::with_a_flow_that_never_ends();
    let dev = project.dev();
    let ran = project.run(&["trigger", "slow", "--input", "{}", "--no-wait", "--json"]).exits(0);
    let id = ran.json()["execution"]["id"].as_str().unwrap().to_owned();
    let (mut call, _) = silent.accept().unwrap();
    project.remove("flows/slow.yaml");
    assert_eq!(reloaded(&dev, &["echo"])["removed"], json!(["slow"]));
    let mut seen = [0; 4_096];
    assert!(call.read(&mut seen).unwrap() > 0);
    call.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").unwrap();
    dev.line(|line| line["type"] == "execution:complete" && line["executionId"] == *id);
    let one = project.run(&["status", &id, "--json"]).exits(0).json();
    assert_eq!(one["execution"]["state"], "complete");
}
