//! `runcor dev`: its start, its lines and its end.

use serde_json::json;

use crate::bed::{Guarded, Project, runcor};

#[test]
fn the_first_line_tells_a_parent_all_it_needs() {
    let project = Project::new();
    let dev = project.dev();
    let banner = dev.banner();
    assert_eq!(banner["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(banner["flows"], json!(["echo"]));
    assert_eq!(banner["providers"], json!(["mock"]));
    assert!(dev.url().starts_with("http://127.0.0.1:"), "{banner}");
    assert!(banner["store"].as_str().unwrap().starts_with("sqlite "), "{banner}");
}

#[test]
fn every_line_is_one_event() {
    let project = Project::new();
    let dev = project.dev();
    project.run(&["trigger", "echo", "--input", "\"two\\nlines\""]).exits(0);
    let seen = dev.line(|line| line["type"] == "execution:complete" || line["type"] == "no JSON");
    assert_eq!(seen["type"], "execution:complete");
    assert!(seen["executionId"].is_string());
}

#[test]
fn people_get_a_banner_and_a_line_for_each_event() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let project = Project::new();
    let mut command = runcor(project.dir(), &["dev", "--port", "0"]);
    let mut child = Guarded(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let banner: Vec<_> = lines.by_ref().take(7).collect();
    assert_eq!(banner[0], format!("runcor v{}", env!("CARGO_PKG_VERSION")));
    for (line, label) in
        banner[1..].iter().zip(["Config:", "Store:", "Providers:", "Flows:", "API:", "Try:"])
    {
        assert!(line.trim_start().starts_with(label), "{banner:?}");
    }
    project.run(&["trigger", "echo", "--input", "1"]).exits(0);
    let event = lines.find(|line| line.contains("running → complete"));
    let event = event.unwrap();
    assert!(event.contains("[execution]") && event.contains("echo"), "{event}");
}

#[test]
fn a_second_dev_on_the_same_database_is_refused() {
    let project = Project::new();
    let mut dev = project.dev();
    let ran = project.run(&["dev", "--port", "0", "--json"]).exits(1);
    assert_eq!(ran.error()["code"], "STORAGE_LOCKED");
    assert!(ran.error()["message"].as_str().unwrap().contains("in use by process"), "{ran:?}");
    // The refused one did not take away the address of the first.
    project.run(&["trigger", "echo", "--input", "1"]).exits(0);
    assert!(dev.is_running());
}

#[test]
fn a_busy_port_is_told_and_leaves_the_database_free() {
    let project = Project::new();
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    let ran = project.run(&["dev", "--port", &port]).exits(1);
    assert!(ran.stderr.contains(&port) && ran.stderr.contains("in use"), "{ran:?}");
    project.run(&["trigger", "echo", "--input", "1"]).exits(0);
}

#[test]
fn a_folder_that_is_missing_for_the_database_is_told() {
    let project = Project::new();
    project.write("runcor.yaml", "state: { type: sqlite, path: nosuch/runcor.db }\n");
    let ran = project.run(&["dev", "--port", "0"]).exits(1);
    assert!(ran.stderr.contains("nosuch does not exist; create it"), "{ran:?}");
}

#[cfg(unix)]
mod signals {
    use std::process::Stdio;

    use crate::bed::{Dev, Guarded, Project, runcor};

    #[test]
    fn a_request_to_end_is_followed_and_leaves_no_address() {
        for signal in ["TERM", "INT"] {
            let project = Project::new();
            let mut dev = project.dev();
            project.run(&["trigger", "echo", "--input", "1"]).exits(0);
            dev.signal(signal);
            assert_eq!(dev.ended().code(), Some(0), "{:?}", dev.errors());
            dev.line_of("stopping");
            assert!(!project.path("runcor.db-api").exists());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_parent_that_does_not_read_stops_neither_the_work_nor_the_end() {
        let project = Project::new();
        let mut child = Guarded(
            runcor(project.dir(), &["dev", "--port", "0", "--json"])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap(),
        );
        let held = child.0.stdout.take().unwrap();
        let address = project.path("runcor.db-api");
        while !address.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        project.run(&["status"]).exits(0);
        let url = std::fs::read_to_string(address).unwrap();
        let client = crate::bed::client();
        // More lines than a pipe holds.
        for n in 0..400 {
            let body = serde_json::json!({ "idempotencyKey": n.to_string(), "input": n });
            let call = client.post(format!("{url}/v1/flows/echo/trigger")).json(&body);
            assert!(call.send().await.unwrap().status().is_success());
        }
        let ran = project.run(&["trigger", "echo", "--input", "1"]);
        let id = child.0.id().to_string();
        std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
        let ended = child.0.wait().unwrap();
        drop(held);
        ran.exits(0);
        assert_eq!(ended.code(), Some(0));
    }

    #[test]
    fn what_runs_may_finish_before_the_end() {
        let (project, silent) = Project::with_a_flow_that_never_ends();
        let mut dev = project.dev();
        let mut client = runcor(project.dir(), &["trigger", "slow", "--input", "{}", "--no-wait"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (mut call, _) = silent.accept().unwrap();
        assert!(client.wait().unwrap().success());
        dev.signal("TERM");
        dev.line_of("stopping");
        assert!(dev.is_running());
        answer(&mut call);
        assert_eq!(dev.ended().code(), Some(0), "{:?}", dev.errors());
        let list = project.run(&["status", "--json"]).exits(0).json();
        assert_eq!(list["executions"][0]["state"], "complete");
    }

    #[test]
    fn a_second_signal_does_not_wait() {
        let (project, silent) = Project::with_a_flow_that_never_ends();
        let mut dev: Dev = project.dev();
        let ran = project.run(&["trigger", "slow", "--input", "{}", "--no-wait", "--json"]);
        let id = ran.exits(0).json()["execution"]["id"].clone();
        let _call = silent.accept().unwrap();
        dev.signal("INT");
        dev.line_of("stopping");
        // The second one is awaited only a moment after the line is printed.
        while dev.is_running() {
            dev.signal("INT");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert_eq!(dev.ended().code(), Some(130), "{:?}", dev.errors());
        let list = project.run(&["status", "--json"]).exits(0).json();
        assert_eq!(list["executions"][0]["id"], id);
    }

    fn answer(call: &mut std::net::TcpStream) {
        use std::io::{Read, Write};

        let mut seen = [0; 4_096];
        assert!(call.read(&mut seen).unwrap() > 0);
        call.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            .unwrap();
    }
}
