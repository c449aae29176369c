//! `runcor timeline`, `fork` and `compare`.

use serde_json::{Value, json};

use crate::bed::Project;
use crate::durable::Served;

/// Runs a refund to its end, and returns its id.
async fn refunded(served: &Served, project: &Project) -> String {
    let id = served.begin("refund").await;
    served.run(project, &["approve", &id, "--yes"]).exits(0);
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_shows_every_entry_with_and_without_a_server() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let id = refunded(&served, &project).await;
    let live = served.run(&project, &["timeline", &id]).exits(0);
    let live_json = served.run(&project, &["timeline", &id, "--json"]).exits(0).json();
    let mail = served.run(&project, &["timeline", &id, "--value", "mail#1", "--json"]).exits(0);
    served.stop().await;

    let ran = project.run(&["timeline", &id]).exits(0);
    assert_eq!(ran.stdout, live.stdout);
    for part in [
        "order#1     step      done",
        "model#1     model     done",
        "approval#1  approval  done",
        "{\"amount\":125}",
        ": cheap: how risky?",
        "(9 KiB; see it with --value 4)",
        "queued → running",
        "waiting → running",
        "State:     complete",
        "Total:     1 model call, ",
        "$0.0000",
    ] {
        assert!(ran.stdout.contains(part), "{part} {ran:?}");
    }
    assert_eq!(project.run(&["timeline", &id, "--json"]).exits(0).json(), live_json);
    assert_eq!(live_json["entries"].as_array().unwrap().len(), 4);
    assert_eq!(mail.json().as_str().unwrap().len(), 10_000);
    let by_number = project.run(&["timeline", &id, "--value", "4", "--json"]).exits(0);
    assert_eq!(by_number.stdout, mail.stdout);
    for args in [&["timeline", &id, "--value", "nope"][..], &["timeline", &id, "--value", "9"]] {
        let ran = project.run(args).exits(1);
        assert!(ran.stderr.contains("ENTRY_NOT_FOUND"), "{ran:?}");
    }
    let ran = project.run(&["timeline", "abc"]).exits(1);
    assert!(ran.stderr.contains("EXECUTION_NOT_FOUND"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_of_what_still_waits_says_so() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let id = served.begin("outer").await;
    let ran = served.run(&project, &["timeline", &id]).exits(0);
    assert!(ran.stdout.contains("refund#1  call  waits") && ran.stdout.contains("→ "), "{ran:?}");
    assert!(ran.stdout.contains("Waits for: the end of "), "{ran:?}");
    assert!(ran.stdout.contains("0 model calls"), "{ran:?}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_reuses_what_came_before_and_compare_shows_where_it_differs() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let id = refunded(&served, &project).await;
    let args = ["fork", &id, "--at", "2", "--provider", "dear", "--wait", "--json"];
    let forked = served.run(&project, &args).exits(0).json();
    let fork = forked["execution"]["id"].as_str().unwrap();
    assert_eq!(forked["execution"]["state"], "waiting");
    served.run(&project, &["approve", fork, "--yes"]).exits(0);

    let ran = served.run(&project, &["timeline", fork]).exits(0);
    for part in [
        &format!("Fork of:   {id} at model#1"),
        "With:      provider \"dear\"",
        "order#1     step      reused",
        "1 reused",
    ] {
        assert!(ran.stdout.contains(part), "{part} {ran:?}");
    }
    let ran = served.run(&project, &["compare", &id, fork]).exits(0);
    let line = |wanted: &str| {
        let found = ran.stdout.lines().find(|line| line.contains(wanted));
        found.unwrap_or_else(|| panic!("no {wanted:?} in {ran:?}"))
    };
    for same in ["  Flow ", "  State ", "  order#1 ", "  mail#1 "] {
        assert!(line(same).starts_with(same), "{ran:?}");
    }
    for other in ["≠ Cost ", "≠ Entries reused ", "≠ model#1 "] {
        assert!(line(other).starts_with(other), "{ran:?}");
    }
    assert!(line("order#1").ends_with("reused"), "{ran:?}");
    assert!(line("cheap: how").contains("dear: how"), "{ran:?}");
    let both = served.run(&project, &["compare", &id, fork, "--json"]).exits(0).json();
    let both: Vec<Value> = both["executions"].as_array().unwrap().clone();
    assert_eq!((&both[0]["reused"], &both[1]["reused"]), (&json!(0), &json!(1)));
    assert!(both[0]["total"]["costNanos"].as_i64() < both[1]["total"]["costNanos"].as_i64());
    assert_eq!(both[1]["fork"]["changes"]["provider"], "dear");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_from_the_beginning_with_another_input_is_new_work_under_its_key() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let id = refunded(&served, &project).await;
    let args = ["fork", &id, "--input", "{\"n\": 2}", "--key", "again"];
    let ran = served.run(&project, &args).exits(0);
    assert!(ran.stdout.starts_with("Forked:    "), "{ran:?}");
    assert!(ran.stdout.contains(&format!("runcor compare {id} ")), "{ran:?}");
    let once_more = served.run(&project, &args).exits(0);
    assert_eq!(ran.stdout, once_more.stdout);
    for (args, code) in [
        (&["fork", &id, "--at", "nope#1"][..], "ENTRY_NOT_FOUND"),
        (&["fork", &id, "--input", "{"], "INVALID_JSON"),
        (&["fork", "abc"], "EXECUTION_NOT_FOUND"),
        (&["compare", &id], "2 values"),
        (&["compare", &id, "abc"], "EXECUTION_NOT_FOUND"),
    ] {
        let ran = served.run(&project, args).exits(1);
        assert!(ran.stderr.contains(code), "{args:?} {ran:?}");
    }
    served.stop().await;
}
