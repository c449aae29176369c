//! `runcor resume`, of executions that flows in Rust have left waiting.

use runcor::execution::{Execution, ExecutionState};
use runcor::flow::{FlowContext, FlowError, FlowName, FlowOutcome, WaitSignal};
use runcor::http::{HttpConfig, HttpParts, Server};
use runcor::store::{SqliteConfig, SqliteStore};
use runcor::{Flow, Runcor, Runtime, Trigger};
use serde_json::json;

use crate::bed::{ECHO, PATIENCE, Project};

async fn approve(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    if ctx.is_resumed() {
        return Ok(FlowOutcome::Complete(json!({ "decision": ctx.resume_data() })));
    }
    let wait = WaitSignal::new("needs approval").with_data(json!({ "amount": 5 }));
    Ok(FlowOutcome::Wait(wait))
}

/// Leaves an execution waiting in the project's database, and returns the runtime and its id.
async fn waiting(project: &Project, flow: &str) -> (Runcor, String) {
    let store = SqliteStore::open(project.path("runcor.db"), SqliteConfig::default()).unwrap();
    let runcor = Runcor::builder().store(store).start().await.unwrap();
    runcor.register(Flow::new(FlowName::new(flow).unwrap(), approve)).unwrap();
    let triggered = runcor.trigger(flow, Trigger::new("k", json!({ "n": 1 }))).await.unwrap();
    let id = triggered.execution.id();
    let looking = async {
        loop {
            let found: Execution = runcor.execution(id).await.unwrap();
            if found.state() == ExecutionState::Waiting {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap();
    (runcor, id.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_reaches_the_handler_of_a_running_server() {
    let project = Project::new();
    let (runcor, id) = waiting(&project, "approval").await;
    let parts = HttpParts::new(std::sync::Arc::new(runcor.engine().clone()));
    let config = HttpConfig { port: 0, ..HttpConfig::default() };
    let server = Server::bind(config, parts).await.unwrap().start();
    let url = format!("http://{}", server.local_addr());
    let ran = project.run(&["status", &id, "--url", &url]).exits(0);
    assert!(ran.stdout.contains("Waits for: needs approval"), "{ran:?}");
    assert!(ran.stdout.contains(&format!("runcor resume {id}")), "{ran:?}");
    let ran = project.run(&["resume", &id, "--data", "{", "--url", &url]).exits(1);
    assert!(ran.stderr.contains("--data is not JSON"), "{ran:?}");
    let args = ["resume", &id, "--data", "{\"ok\": true}", "--url", &url, "--json"];
    let answer = project.run(&args).exits(0).json();
    assert_eq!(answer["execution"]["state"], "complete");
    assert_eq!(answer["execution"]["result"], json!({ "decision": { "ok": true } }));
    let ran = project.run(&["resume", &id, "--data", "2", "--url", &url, "--json"]).exits(1);
    assert!(ran.error()["code"].is_string(), "{ran:?}");
    server.stop().await;
    runcor.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_of_this_project_is_resumed_with_and_without_a_server() {
    for served in [false, true] {
        let project = Project::new();
        project.write("flows/approve.yaml", &ECHO.replace("name: echo", "name: approve"));
        let (runcor, id) = waiting(&project, "approve").await;
        runcor.shutdown().await.unwrap();
        drop(runcor);
        let _dev = served.then(|| project.dev());
        let list = project.run(&["status", "--state", "waiting", "--json"]).exits(0).json();
        assert_eq!(list["executions"][0]["id"], *id);
        let ran = project.run(&["resume", &id, "--data", "{\"ok\": true}"]).exits(0);
        assert!(ran.stdout.starts_with(&format!("Resumed:   {id}")), "{ran:?}");
        assert!(ran.stdout.contains("State:     complete"), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_a_waiting_execution_leaves_it_waiting() {
    let project = Project::new();
    // The project has no flow of this name.
    let (runcor, id) = waiting(&project, "unknown-here").await;
    runcor.shutdown().await.unwrap();
    drop(runcor);
    for _ in 0..2 {
        let one = project.run(&["status", &id, "--json"]).exits(0).json();
        assert_eq!(one["execution"]["state"], "waiting");
    }
    let ran = project.run(&["cancel", &id, "--reason", "never mind"]).exits(0);
    assert!(ran.stdout.contains("State:     failed"), "{ran:?}");
}

#[test]
fn what_does_not_wait_or_does_not_exist_can_not_be_resumed() {
    let project = Project::new();
    let answer = project.run(&["trigger", "echo", "--input", "1", "--json"]).exits(0).json();
    let id = answer["execution"]["id"].as_str().unwrap();
    let ran = project.run(&["resume", id, "--json"]).exits(1);
    assert!(ran.error()["code"].is_string(), "{ran:?}");
    let ran = project.run(&["resume", "abc", "--json"]).exits(1);
    assert_eq!(ran.error()["code"], "EXECUTION_NOT_FOUND");
}
