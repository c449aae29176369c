//! `runcor trigger`, against a running `dev` and on its own.

use serde_json::{Value, json};

use crate::bed::{Dev, Project, client};

/// Runs a test on a project with and without a running `dev`.
fn both(test: fn(&Project)) {
    test(&Project::with_a_failing_flow());
    let project = Project::with_a_failing_flow();
    let _dev = project.dev();
    test(&project);
}

#[test]
fn the_outcome_is_told_in_lines() {
    both(|project| {
        let ran = project.run(&["trigger", "echo", "--input", "\"hi\""]).exits(0);
        let lines: Vec<_> = ran.stdout.lines().collect();
        assert!(lines[0].starts_with("Triggered: echo ("), "{ran:?}");
        assert_eq!(lines[1], "State:     complete");
        assert!(lines[2].starts_with("Duration:  ") && lines[2].ends_with(" ms"), "{ran:?}");
        assert!(lines[3].starts_with("Result:    {"), "{ran:?}");
    });
}

#[test]
fn json_has_the_seven_fields() {
    both(|project| {
        let answer = project.run(&["trigger", "echo", "--input", "1", "--json"]).exits(0).json();
        let execution = answer["execution"].as_object().unwrap();
        let mut names: Vec<_> = execution.keys().map(String::as_str).collect();
        names.sort_unstable();
        let expected = ["completedAt", "createdAt", "error", "flowName", "id", "result", "state"];
        assert_eq!(names, expected);
        assert_eq!(execution["state"], "complete");
        assert_eq!(execution["result"], json!({ "text": "Mock response to: 1" }));
    });
}

#[test]
fn who_does_not_wait_gets_id_flow_and_state() {
    let project = Project::new();
    let _dev = project.dev();
    let args = ["trigger", "echo", "--input", "1", "--no-wait", "--json"];
    let answer = project.run(&args).exits(0).json();
    let execution = answer["execution"].as_object().unwrap();
    assert_eq!(execution.len(), 3, "{answer}");
    assert!(execution["id"].is_string() && execution["state"].is_string(), "{answer}");
}

#[test]
fn an_unknown_flow_exits_with_2_and_lists_those_that_there_are() {
    both(|project| {
        let ran = project.run(&["trigger", "nosuch"]).exits(2);
        assert!(ran.stderr.contains("\"nosuch\"") && ran.stderr.contains("echo"), "{ran:?}");
        let ran = project.run(&["trigger", "nosuch", "--json"]).exits(2);
        assert_eq!(ran.error()["code"], "FLOW_NOT_FOUND");
        assert!(ran.stdout.is_empty());
    });
}

#[test]
fn a_failed_execution_exits_with_1() {
    both(|project| {
        let ran = project.run(&["trigger", "bad", "--input", "{}"]).exits(1);
        assert!(ran.stdout.contains("State:     failed"), "{ran:?}");
        assert!(ran.stdout.contains("Error:     "), "{ran:?}");
        let ran = project.run(&["trigger", "bad", "--input", "{}", "--json"]).exits(1);
        assert_eq!(ran.json()["execution"]["state"], "failed");
        assert!(ran.json()["execution"]["error"]["message"].is_string());
    });
}

#[test]
fn the_same_key_is_one_execution() {
    both(|project| {
        let run = |more: &[&str]| {
            let mut args = vec!["trigger", "echo", "--key", "order-7", "--json", "--input"];
            args.extend(more);
            project.run(&args)
        };
        let first = run(&["1"]).exits(0).json();
        assert_eq!(run(&["1"]).exits(0).json(), first);
        let list = project.run(&["status", "--json"]).exits(0).json();
        assert_eq!(list["executions"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn input_comes_as_text_from_a_file_or_from_standard_input() {
    let project = Project::new();
    project.write("input.json", "{\"from\": \"file\"}");
    let text =
        |ran: crate::bed::Ran| ran.exits(0).json()["execution"]["result"]["text"].to_string();
    let ran = project.run(&["trigger", "echo", "--json", "-i", "{\"from\":\"text\"}"]);
    assert!(text(ran).contains("text"));
    let ran = project.run(&["trigger", "echo", "--json", "-i", "@input.json"]);
    assert!(text(ran).contains("file"));
    let ran =
        project.run_with_input(&["trigger", "echo", "--json", "-i", "-"], "{\"from\":\"stdin\"}");
    assert!(text(ran).contains("stdin"));
}

#[test]
fn input_that_is_not_json_is_explained() {
    let project = Project::new();
    for (input, says) in [
        ("{\"name\"", "--input is not JSON"),
        ("hello", "a text needs quotes of its own"),
        ("@nosuch.json", "can't read nosuch.json"),
        ("", "--input is not JSON"),
        #[cfg(unix)]
        ("@/dev/zero", "is longer than"),
    ] {
        let ran = project.run(&["trigger", "echo", "--input", input]).exits(1);
        assert!(ran.stderr.contains(says), "{ran:?}");
    }
    let deep = "[".repeat(100_000);
    project.run_with_input(&["trigger", "echo", "--input", "-"], &deep).exits(1);
}

#[test]
fn a_wait_with_a_limit_ends_and_says_where_to_look() {
    let (project, _silent) = Project::with_a_flow_that_never_ends();
    let _dev = project.dev();
    let ran = project.run(&["trigger", "slow", "--input", "{}", "--wait", "0.2"]).exits(1);
    assert!(ran.stderr.contains("has not ended yet; look with `runcor status"), "{ran:?}");
    let list = project.run(&["status", "--state", "running", "--json"]).exits(0).json();
    assert_eq!(list["executions"].as_array().unwrap().len(), 1);
}

#[test]
fn a_command_alone_leaves_what_it_does_not_wait_for_to_the_next() {
    let (project, silent) = Project::with_a_flow_that_never_ends();
    let args = ["trigger", "slow", "--key", "k", "--input", "{}", "--wait", "0.2", "--json"];
    let ran = project.run(&args).exits(1);
    assert_eq!(ran.error()["code"], "WAIT_LIMIT");
    assert!(ran.error()["message"].as_str().unwrap().contains("runcor dev"), "{ran:?}");
    drop(silent.accept().unwrap());
    let dev = project.dev();
    assert_eq!(dev.banner()["unfinished"], 1);
    // It is called again by the next process.
    silent.accept().unwrap();
}

#[test]
fn very_long_names_and_keys_are_refused_and_nothing_breaks() {
    both(|project| {
        let long = "x".repeat(5_000);
        project.run(&["trigger", &long, "--input", "1"]).exits(2);
        let ran = project.run(&["trigger", "echo", "--input", "1", "--key", &long]).exits(1);
        assert!(ran.stderr.len() < 500, "{ran:?}");
        project.run(&["trigger", "../../v1/flows", "--input", "1"]).exits(2);
    });
}

#[test]
fn a_server_of_another_project_is_never_asked_by_chance() {
    let other = Project::new();
    let dev = other.dev();
    let port = dev.url().rsplit(':').next().unwrap().to_owned();
    // This one is configured for the very port at which the other project answers.
    let project = Project::with(&format!(
        "providers: [{{ type: mock }}]\nhttpServer: {{ enabled: true, port: {port} }}"
    ));
    project.run(&["trigger", "echo", "--input", "1"]).exits(0);
    let theirs = other.run(&["status", "--json"]).exits(0).json();
    assert_eq!(theirs["executions"], json!([]));
    let ours = project.run(&["status", "--json"]).exits(0).json();
    assert_eq!(ours["executions"].as_array().unwrap().len(), 1);
}

#[test]
fn an_address_left_behind_by_a_crash_is_not_believed() {
    let project = Project::new();
    project.dev().kill();
    assert!(project.path("runcor.db-api").exists());
    project.run(&["trigger", "echo", "--input", "1"]).exits(0);
}

#[test]
fn an_address_that_is_none_is_refused() {
    let project = Project::new();
    let ran = project.run(&["status", "--url", "nonsense"]).exits(1);
    assert!(ran.stderr.contains("is not an address such as http://"), "{ran:?}");
    let ran = project.run(&["status", "--url", "http://127.0.0.1:1", "--json"]).exits(1);
    assert_eq!(ran.error()["code"], "SERVER_UNREACHABLE");
}

#[test]
fn a_wrong_token_is_told_apart_from_none() {
    let project = Project::with(
        "providers: [{ type: mock }]\nhttpServer: { enabled: true, port: 1, authToken: correct-horse }",
    );
    let dev = project.dev();
    // The project's own commands know its token.
    project.run(&["trigger", "echo", "--input", "1"]).exits(0);
    let elsewhere = Project::empty();
    let at = |more: &[&str]| {
        let mut args = vec!["trigger", "echo", "--input", "1", "--url", dev.url()];
        args.extend(more);
        elsewhere.run(&args)
    };
    let ran = at(&[]).exits(1);
    assert!(ran.stderr.contains("pass --token, or set AUTH_TOKEN"), "{ran:?}");
    let ran = at(&["--token", "wrong"]).exits(1);
    assert!(ran.stderr.contains("does not accept this token"), "{ran:?}");
    at(&["--token", "correct-horse"]).exits(0);
    for ran in [at(&[]), at(&["--token", "wrong"])] {
        assert!(!ran.stderr.contains("correct-horse") && !ran.stderr.contains("\"wrong\""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clients_with_one_key_make_one_execution() {
    let project = Project::new();
    let dev = project.dev();
    let client = client();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let body = json!({ "idempotencyKey": "once", "input": { "n": 1 } });
        let call = client.post(format!("{}/v1/flows/echo/trigger", dev.url())).json(&body);
        calls.spawn(async move {
            let answer = call.send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.json::<Value>().await.unwrap()["execution"]["id"].clone()
        });
    }
    let ids = calls.join_all().await;
    assert!(ids.iter().all(|id| id.is_string() && *id == ids[0]), "{ids:?}");
    let id = ids[0].clone();
    dev.line(|line| line["type"] == "execution:complete" && line["executionId"] == id);
    let list = project.run(&["status", "--json"]).exits(0).json();
    assert_eq!(list["executions"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_leave_the_process_alive() {
    let project = Project::new();
    let mut dev: Dev = project.dev();
    let client = client();
    let post = |body: Vec<u8>| {
        let url = format!("{}/v1/flows/echo/trigger", dev.url());
        client.post(url).header("content-type", "application/json").body(body).send()
    };
    assert_eq!(post(b"{ nonsense".to_vec()).await.unwrap().status(), 400);
    // The server may refuse, or hang up on somebody who goes on sending.
    if let Ok(answer) = post(vec![b' '; 100 << 20]).await {
        assert_eq!(answer.status(), 413);
    }
    assert!(dev.is_running());
    project.run(&["trigger", "echo", "--input", "1"]).exits(0);
}
