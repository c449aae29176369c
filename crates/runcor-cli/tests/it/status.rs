//! `runcor status` and `runcor cancel`.

use serde_json::json;

use crate::bed::Project;

fn triggered(project: &Project, flow: &str) -> String {
    let ran = project.run(&["trigger", flow, "--input", "{}", "--json"]);
    ran.json()["execution"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_empty_store_says_so() {
    let project = Project::new();
    assert_eq!(project.run(&["status"]).exits(0).stdout, "No executions found.\n");
    assert_eq!(project.run(&["status", "--json"]).exits(0).json(), json!({ "executions": [] }));
}

#[test]
fn a_store_in_memory_is_told_to_forget() {
    let project = Project::new();
    project.write("runcor.yaml", "httpServer: { enabled: true, port: 1 }\n");
    let ran = project.run(&["status"]).exits(0);
    assert!(ran.stderr.contains("executions are in memory"), "{ran:?}");
}

#[test]
fn the_newest_come_first_and_filters_and_limits_hold() {
    let project = Project::with_a_failing_flow();
    for served in [false, true] {
        let _dev = served.then(|| project.dev());
        let (one, two, bad) =
            (triggered(&project, "echo"), triggered(&project, "echo"), triggered(&project, "bad"));
        let ids = |more: &[&str]| {
            let mut args = vec!["status", "--json"];
            args.extend(more);
            let list = project.run(&args).exits(0).json();
            let ids: Vec<_> = list["executions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|execution| execution["id"].as_str().unwrap().to_owned())
                .collect();
            ids
        };
        assert_eq!(ids(&["--limit", "3"]), [bad.clone(), two.clone(), one.clone()]);
        assert_eq!(ids(&["--limit", "1"]), [bad.as_str()]);
        assert_eq!(ids(&["--limit", "0"]), [""; 0]);
        assert_eq!(ids(&["--flow", "echo", "-l", "2"]), [two.clone(), one.clone()]);
        assert_eq!(ids(&["--state", "failed", "-l", "1"]), [bad.as_str()]);
        assert_eq!(ids(&["--flow", "bad", "--state", "complete"]), [""; 0]);
    }
    let ran = project.run(&["status"]).exits(0);
    assert!(ran.stdout.starts_with(" ID "), "{ran:?}");
    assert!(ran.stdout.contains("6 executions (4 complete, 2 failed)"), "{ran:?}");
    let ran = project.run(&["status", "-l", "2"]).exits(0);
    assert!(ran.stdout.contains("showing the newest 2"), "{ran:?}");
}

#[test]
fn a_state_that_there_is_not_is_refused_with_those_that_there_are() {
    let ran = Project::new().run(&["status", "--state", "bogus"]).exits(1);
    assert!(ran.stderr.contains("queued, running, waiting"), "{ran:?}");
}

#[test]
fn one_execution_is_shown_whole() {
    let project = Project::new();
    for served in [false, true] {
        let _dev = served.then(|| project.dev());
        let id = triggered(&project, "echo");
        let ran = project.run(&["status", &id]).exits(0);
        for part in [&id, "Flow:      echo", "queued → running", "running → complete", "Result:"]
        {
            assert!(ran.stdout.contains(part), "{part} {ran:?}");
        }
        let one = project.run(&["status", &id, "--json"]).exits(0).json();
        assert_eq!(one["execution"]["id"], id);
        assert!(one["execution"]["timestamps"].is_object());
        for unknown in ["abc", "01890a5d-ac96-774b-bcce-b302099a8057"] {
            let ran = project.run(&["status", unknown, "--json"]).exits(1);
            assert_eq!(ran.error()["code"], "EXECUTION_NOT_FOUND", "{ran:?}");
        }
    }
}

#[test]
fn a_running_execution_is_cancelled_for_good() {
    let (project, _silent) = Project::with_a_flow_that_never_ends();
    let dev = project.dev();
    let ran = project.run(&["trigger", "slow", "--input", "{}", "--no-wait", "--json"]).exits(0);
    let id = ran.json()["execution"]["id"].as_str().unwrap().to_owned();
    let ran = project.run(&["cancel", &id, "--reason", "no longer wanted", "--json"]).exits(0);
    assert_eq!(ran.json()["execution"]["state"], "failed");
    dev.line(|line| line["type"] == "execution:complete" && line["executionId"] == *id);
    let ran = project.run(&["status", &id]).exits(0);
    assert!(ran.stdout.contains("no longer wanted"), "{ran:?}");
    let again = project.run(&["cancel", &id, "--json"]);
    assert!(again.exit == 0 || again.error()["code"].is_string(), "{again:?}");
    let ran = project.run(&["cancel", "abc"]).exits(1);
    assert!(ran.stderr.contains("EXECUTION_NOT_FOUND"), "{ran:?}");
}
