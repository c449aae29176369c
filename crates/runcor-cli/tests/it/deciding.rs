//! `runcor approve`, `reject` and `decide`, and what other commands say of executions that wait.

use serde_json::json;

use crate::bed::{ECHO, Project};
use crate::durable::Served;

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_shown_exactly_and_given_with_what_there_is_to_say() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let id = served.begin("refund").await;
    let token = token(&served, &project, &id);

    let ran = served.run(&project, &["approve", &id]).exits(1);
    assert!(ran.stderr.contains("pass --yes") && ran.stderr.contains("USAGE"), "{ran:?}");
    for part in
        ["Action:    refund", "\"amount\": 125", "\"risk\": \"cheap: how risky?\"", "Hash: "]
    {
        assert!(ran.stdout.contains(part), "{part} {ran:?}");
    }
    assert!(!ran.stdout.contains(&token) && !ran.stderr.contains(&token), "{ran:?}");

    let args = ["approve", &id, "--yes", "--approval-token", "guess"];
    let ran = served.run(&project, &args).exits(1);
    assert!(ran.stderr.contains("INVALID_TOKEN"), "{ran:?}");
    let args = ["approve", &id, "--yes", "--by", "ann", "--note", "fine", "--json"];
    let answer = served.run(&project, &args).exits(0).json();
    let said = json!({ "approved": true, "by": "ann", "note": "fine" });
    assert_eq!(answer["execution"]["result"]["said"], said);
    let ran = served.run(&project, &["approve", &id, "--yes"]).exits(1);
    assert!(ran.stderr.contains("is complete and asks for nothing"), "{ran:?}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_reaches_the_flow_by_the_token_that_somebody_was_sent() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let id = served.begin("refund").await;
    let token = token(&served, &project, &id);
    let args = ["reject", &id, "-y", "--approval-token", &token];
    let ran = served.run(&project, &args).exits(0);
    assert!(ran.stdout.contains(&format!("Rejected:  {id}")), "{ran:?}");
    assert!(ran.stdout.contains("\"approved\": false"), "{ran:?}");
    served.stop().await;
}

fn token(served: &Served, project: &Project, id: &str) -> String {
    let one = served.run(project, &["status", id, "--json"]).exits(0).json();
    let token = &one["execution"]["waitContext"]["waitData"]["approval"]["token"];
    token.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_what_each_execution_waits_for_and_how_it_goes_on() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let (refund, charge) = (served.begin("refund").await, served.begin("charge").await);
    let (nap, outer) = (served.begin("nap").await, served.begin("outer").await);
    for (id, says) in [
        (&refund, &["an approval: refund", "Go on:     runcor approve", "runcor reject"][..]),
        (&charge, &["has charge#1 happened?", "runcor decide", "did-not-happen", "give-up"]),
        (&nap, &["(in 1d 23h)", "goes on by itself"]),
        (&outer, &["the end of ", "runcor status "]),
    ] {
        let ran = served.run(&project, &["status", id]).exits(0);
        for part in says {
            assert!(ran.stdout.contains(part), "{part} {ran:?}");
        }
        assert!(!ran.stdout.contains("token"), "{ran:?}");
    }
    let list = served.run(&project, &["status"]).exits(0).stdout;
    for part in ["WAITS FOR", "an approval: refund", "has charge#1 happened?", "the end of "] {
        assert!(list.contains(part), "{part} {list}");
    }
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_of_what_wants_another_answer_says_which_command_gives_it() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let (refund, charge) = (served.begin("refund").await, served.begin("charge").await);
    for (id, says) in [(&refund, "runcor approve"), (&charge, "runcor decide")] {
        let ran = served.run(&project, &["resume", id, "--data", "1"]).exits(1);
        assert!(ran.stderr.contains(&format!("{says} {id}")), "{ran:?}");
        assert!(ran.stderr.contains("INVALID_STATE"), "{ran:?}");
    }
    let ran = served.run(&project, &["approve", &charge, "--yes"]).exits(1);
    assert!(ran.stderr.contains("something else than an approval"), "{ran:?}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_in_doubt_is_settled_by_a_word() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let id = served.begin("charge").await;
    for (args, says) in [
        (&["decide", &id, "happened"][..], "--result"),
        (&["decide", &id, "happened", "--result", "{"], "not JSON"),
        (&["decide", &id, "give-up", "--result", "1"], "belongs to happened"),
        (&["decide", &id, "did-not-happen", "--reason", "x"], "belongs to give-up"),
        (&["decide", &id, "perhaps"], "did-not-happen"),
    ] {
        let ran = served.run(&project, args).exits(1);
        assert!(ran.stderr.contains(says), "{args:?} {ran:?}");
    }
    // It is run again, and nobody knows again.
    let ran = served.run(&project, &["decide", &id, "did-not-happen"]).exits(0);
    assert!(ran.stdout.contains("has charge#1 happened?"), "{ran:?}");
    let args = ["decide", &id, "happened", "--result", "{\"receipt\": 7}", "--json"];
    let answer = served.run(&project, &args).exits(0).json();
    assert_eq!(answer["execution"]["result"], json!({ "receipt": 7 }));

    let other = Project::new();
    let served_there = Served::on(&other).await;
    let id = served_there.begin("charge").await;
    let ran =
        served_there.run(&other, &["decide", &id, "give-up", "--reason", "too late"]).exits(1);
    assert!(ran.stdout.contains("GIVEN_UP") && ran.stdout.contains("too late"), "{ran:?}");
    served_there.stop().await;
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_given_on_the_database_when_no_server_runs() {
    let project = Project::new();
    project.write("flows/refund.yaml", &ECHO.replace("name: echo", "name: refund"));
    let served = Served::on(&project).await;
    let id = served.begin("refund").await;
    served.stop().await;
    let ran = project.run(&["approve", &id, "--yes", "--by", "bob"]).exits(0);
    assert!(ran.stdout.contains("State:     complete"), "{ran:?}");
    let timeline = project.run(&["timeline", &id, "--json"]).exits(0).json();
    let answer = &timeline["entries"][2]["value"];
    assert_eq!((&answer["approved"], &answer["by"]), (&json!(true), &json!("bob")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_waits_through_a_short_sleep_and_neither_for_long_ones_nor_for_people() {
    let project = Project::new();
    let served = Served::on(&project).await;
    for (flow, state) in [("doze", "complete"), ("nap", "waiting"), ("outer", "waiting")] {
        let ran = served.run(&project, &["trigger", flow, "--json"]).exits(0);
        assert_eq!(ran.json()["execution"]["state"], state, "{flow}");
    }
    served.stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_it_asks_and_takes_nothing_but_yes_for_yes() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let id = served.begin("refund").await;
    for (typed, says, exit) in [("\n", "Nothing was decided", 1), ("y\n", "\"approved\": true", 0)]
    {
        let args = ["approve", &id, "--no-color", "--url", served.url()];
        let Some(ran) = project.run_on_a_terminal(&args, typed) else {
            eprintln!("there is no `script` here to make a terminal; nothing was tried");
            break;
        };
        assert!(ran.stdout.contains("Approve exactly this? [y/N]"), "{ran:?}");
        assert!(ran.stdout.contains(says), "{ran:?}");
        assert_eq!(ran.exit, exit, "{ran:?}");
    }
    served.stop().await;
}
