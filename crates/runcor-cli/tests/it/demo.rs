//! `runcor demo`.

use runcor_testkit::vendor_server::{Reply, VendorServer};
use serde_json::json;

use crate::bed::{Guarded, Project, runcor};

#[test]
fn every_document_that_comes_with_it_is_done() {
    let home = Project::empty();
    let report = home.run(&["demo", "--once", "--json"]).exits(0).json();
    let documents = report["documents"].as_array().unwrap();
    let names: Vec<_> = documents.iter().map(|row| row["document"].as_str().unwrap()).collect();
    let expected =
        ["complaint.eml", "incident.html", "invoice.csv", "lease.txt", "minutes.md", "order.json"];
    assert_eq!(names, expected);
    assert!(documents.iter().all(|row| row["state"] == "complete"), "{report}");
    let sum = |name: &str| documents.iter().map(|row| row[name].as_u64().unwrap()).sum::<u64>();
    let totals = &report["totals"];
    assert_eq!(totals["documents"], 6);
    assert_eq!(totals["failed"], 0);
    assert_eq!(totals["cost"], 0.0);
    assert_eq!(totals["promptTokens"], sum("promptTokens"));
    assert_eq!(totals["completionTokens"], sum("completionTokens"));
    assert!(sum("promptTokens") > 0);
    assert!(report["model"].as_str().unwrap().starts_with("mock"), "{report}");
}

#[test]
fn people_get_progress_and_a_table_that_fits() {
    let home = Project::empty();
    let ran = home.run(&["demo", "--once"]).exits(0);
    assert!(ran.stdout.contains("Model:     mock"), "{ran:?}");
    assert!(ran.stdout.contains("complete  invoice.csv"), "{ran:?}");
    assert!(ran.stdout.contains("6 documents in"), "{ran:?}");
    for columns in [20, 80, 120, 400] {
        let mut command = runcor(home.dir(), &["demo", "--once"]);
        let output = command.env("COLUMNS", columns.to_string()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let width = text
            .lines()
            .filter(|line| line.starts_with('│'))
            .map(|line| line.chars().count())
            .max();
        assert!(width.unwrap() <= columns.clamp(72, 160), "{text}");
    }
}

#[test]
fn a_folder_of_documents_is_read_and_what_is_no_text_is_left_out() {
    let home = Project::empty();
    home.write("docs/a.txt", "The rent is due on Monday.");
    home.write("docs/b.md", "# Notes");
    home.write("docs/empty.txt", "  \n");
    home.write("docs/sub/c.txt", "not read");
    let long = "ü".repeat(100_000);
    home.write("docs/long.txt", &long);
    std::fs::write(home.path("docs/image.png"), [0x89, b'P', 0xff, 0]).unwrap();
    let ran = home.run(&["demo", "docs", "--once", "--json"]).exits(0);
    let report = ran.json();
    assert_eq!(report["totals"]["documents"], 3, "{report}");
    assert!(ran.stderr.contains("image.png is left out: it is not text"), "{ran:?}");
    assert!(ran.stderr.contains("empty.txt is left out: it is empty"), "{ran:?}");
}

#[test]
fn folders_without_documents_are_told() {
    let home = Project::empty();
    std::fs::create_dir(home.path("docs")).unwrap();
    let ran = home.run(&["demo", "docs", "--once", "--json"]).exits(1);
    assert_eq!(ran.error()["code"], "NO_DOCUMENTS");
    let ran = home.run(&["demo", "nosuch", "--once"]).exits(1);
    assert!(ran.stderr.contains("can't read the folder nosuch"), "{ran:?}");
    home.write("file.txt", "x");
    home.run(&["demo", "file.txt", "--once"]).exits(1);
}

#[test]
fn nothing_is_left_behind_unless_asked() {
    let home = Project::empty();
    std::fs::create_dir(home.path("tmp")).unwrap();
    let demo = |more: &[&str]| {
        let mut args = vec!["demo", "--once"];
        args.extend(more);
        let status = runcor(home.dir(), &args).env("TMPDIR", home.path("tmp")).output().unwrap();
        assert!(status.status.success());
        std::fs::read_dir(home.path("tmp")).unwrap().count()
    };
    if cfg!(unix) {
        assert_eq!(demo(&[]), 0);
        assert_eq!(demo(&["--keep"]), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_server_that_answers_is_used_and_named() {
    let home = Project::empty();
    let vendor = VendorServer::openai_compatible().await.unwrap();
    vendor.enqueue(Reply::json(200, &json!({ "data": [{ "id": "tiny-model" }] })));
    let mut command = runcor(home.dir(), &["demo", "--once", "--json"]);
    // The first one does not answer.
    let servers = format!("http://127.0.0.1:1/v1, {}/v1/", vendor.url());
    let output = command.env("RUNCOR_LOCAL_SERVERS", servers).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{report}");
    assert!(report["model"].as_str().unwrap().starts_with("tiny-model, from"), "{report}");
    assert_eq!(report["totals"]["failed"], 0);
    assert_eq!(report["totals"]["cost"], serde_json::Value::Null);
    assert!(vendor.requests().len() > 6);
}

#[test]
fn configured_providers_are_used() {
    let project = Project::with("providers: [{ type: mock, name: ours }]");
    let report = project.run(&["demo", "--once", "--json"]).exits(0).json();
    assert!(report["model"].as_str().unwrap().starts_with("ours, from "), "{report}");
    let report = project.run(&["demo", "--once", "--mock", "--json"]).exits(0).json();
    assert!(report["model"].as_str().unwrap().starts_with("mock,"), "{report}");
}

#[cfg(unix)]
#[test]
fn the_api_runs_on_until_it_is_stopped() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let project = Project::empty();
    let mut child = Guarded(
        runcor(project.dir(), &["demo", "--json", "--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    let mut lines = BufReader::new(child.0.stdout.take().unwrap());
    lines.read_line(&mut line).unwrap();
    let report: serde_json::Value = serde_json::from_str(&line).unwrap();
    let ran = project.run(&["status", "--json", "--url", report["url"].as_str().unwrap()]);
    let id = child.0.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(child.0.wait().unwrap().success());
    let list = ran.exits(0).json();
    assert_eq!(list["executions"].as_array().unwrap().len(), 6);
}
