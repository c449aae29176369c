//! `runcor eval`, `evaluations`, `flags`, `flag`, `review`, `resolve`, and `compare` of sets.

use serde_json::{Value, json};

use crate::bed::Project;
use crate::durable::Served;

/// Asks so many times, and returns the executions.
fn asked(served: &Served, project: &Project, times: usize) -> Vec<String> {
    let one = |_| {
        let ran = served.run(project, &["trigger", "ask", "--json"]).exits(0);
        ran.json()["execution"]["id"].as_str().unwrap().to_owned()
    };
    (0..times).map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_judged_and_what_was_thought_is_listed() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let ids = asked(&served, &project, 12);
    let found = served.run(&project, &["eval", "ask", "--again", "--json"]).exits(0).json();
    assert_eq!((&found["lookedAt"], &found["evaluated"]), (&json!(12), &json!(12)));
    assert_eq!((&found["lowConfidence"], &found["failed"]), (&json!(12), &json!([])));
    let ran = served.run(&project, &["eval", "ask", "--since", "1h"]).exits(0);
    assert!(ran.stdout.contains("12 executions of ask"), "{ran:?}");
    assert!(ran.stdout.contains("Skipped:   12"), "{ran:?}");
    let ran = served.run(&project, &["eval", "doze"]).exits(0);
    assert!(ran.stdout.contains("Judged:    0"), "{ran:?}");

    let found = served.run(&project, &["evaluations", "--json", "-l", "100"]).exits(0).json();
    assert_eq!(found["evaluations"].as_array().unwrap().len(), 12);
    let ran = served.run(&project, &["evaluations", "--flow", "ask", "-l", "1"]).exits(0);
    assert!(ran.stdout.contains("relevance 0.0") && ran.stdout.contains("low"), "{ran:?}");
    let ran = served.run(&project, &["evaluations", "--since", "0s", "--flow", "nap"]).exits(0);
    assert_eq!(ran.stdout, "No evaluations found.\n");
    let ran = served.run(&project, &["status", &ids[0]]).exits(0);
    for part in ["Score:     0.0", "(low confidence)", "Flag:      pending", "Cost:      $"] {
        assert!(ran.stdout.contains(part), "{part} {ran:?}");
    }
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_goes_from_pending_to_reviewed_to_resolved() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let ids = asked(&served, &project, 1);
    served.run(&project, &["eval", "ask", "--again"]).exits(0);
    let waiting = served.begin("refund").await;
    let ran = served.run(&project, &["flag", &waiting, "--reason", "a large sum"]).exits(0);
    assert_eq!(ran.stdout, "Flag:      pending: a large sum\n");
    let flagged = |args: &[&str]| -> Vec<Value> {
        let found = served.run(&project, &[&["flags", "--json"], args].concat()).exits(0).json();
        found["flags"].as_array().unwrap().iter().map(|flag| flag["executionId"].clone()).collect()
    };
    assert_eq!(flagged(&["--status", "pending"]), [ids[0].as_str(), &waiting]);
    assert_eq!(flagged(&["--flow", "refund"]), [waiting.as_str()]);
    let ran = served.run(&project, &["flags"]).exits(0);
    assert!(ran.stdout.contains("auto") && ran.stdout.contains("a large sum"), "{ran:?}");

    let ran = served.run(&project, &["resolve", &waiting]).exits(1);
    assert!(ran.stderr.contains("INVALID_FLAG_TRANSITION"), "{ran:?}");
    let ran = served.run(&project, &["flag", &waiting]).exits(1);
    assert!(ran.stderr.contains("ALREADY_FLAGGED"), "{ran:?}");
    let ran = served.run(&project, &["review", &waiting, "--json"]).exits(0);
    assert_eq!(ran.json()["flag"]["status"], "reviewed");
    assert_eq!(flagged(&["--status", "reviewed"]), [waiting.as_str()]);
    served.run(&project, &["resolve", &waiting]).exits(0);
    assert_eq!(flagged(&["--status", "resolved"]), [waiting.as_str()]);
    assert_eq!(flagged(&[]), [ids[0].as_str()], "what is resolved needs nobody's look");
    assert_eq!(flagged(&["--all"]), [ids[0].as_str(), &waiting]);
    let ran = served.run(&project, &["review", "abc"]).exits(1);
    assert!(ran.stderr.contains("EXECUTION_NOT_FOUND"), "{ran:?}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_set_is_compared_with_another() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let (first, second) = (asked(&served, &project, 3), asked(&served, &project, 3));
    served.run(&project, &["eval", "ask", "--again"]).exits(0);
    let (a, b) = (first.join(","), second.join(","));
    let args = ["compare", "--set-a", &a, "--set-b", &b];
    let ran = served.run(&project, &args).exits(0);
    for part in ["A: 3 executions, B: 3 executions", "METRIC", "95 % INTERVAL", "overall", "cost"] {
        assert!(ran.stdout.contains(part), "{part} {ran:?}");
    }
    let found = served.run(&project, &[&args[..], &["--json"]].concat()).exits(0).json();
    assert_eq!(found["sizes"], json!([3, 3]));
    let args = ["compare", "--set-a", "flow=ask,since=1h", "--set-b", &b, "--json"];
    assert_eq!(served.run(&project, &args).exits(0).json()["sizes"], json!([6, 3]));
    for wrong in [
        &["compare", "--set-a", &a][..],
        &["compare", "--set-a", &a, "--set-b", "flw=x"],
        &["compare", "--set-a", &a, "--set-b", &b, "id", "id"],
        &["compare", "--set-a", &a, "--set-b", "abc"],
    ] {
        served.run(&project, wrong).exits(1);
    }
    served.stop().await;
}

#[test]
fn a_project_without_evaluators_says_what_to_switch_on() {
    let project = Project::new();
    for args in [&["flags"][..], &["evaluations"], &["eval", "echo"]] {
        let ran = project.run(args).exits(1);
        assert!(ran.stderr.contains("runcor.yaml") && ran.stderr.contains("NOT_FOUND"), "{ran:?}");
    }
}
