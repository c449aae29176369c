//! `runcor verify` and `runcor backup`.

use std::fs;

use rusqlite::Connection;
use serde_json::json;

use crate::bed::Project;
use crate::durable::Served;

#[tokio::test(flavor = "multi_thread")]
async fn a_live_database_is_checked_and_copied_and_the_copy_is_as_good() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let id = served.begin("refund").await;
    let ran = project.run(&["verify", "runcor.db"]).exits(0);
    assert!(ran.stdout.contains("keeps every rule: 1 execution, 3 journal entries"), "{ran:?}");
    let ran = project.run(&["backup", "runcor.db", "copy.db"]).exits(0);
    assert!(ran.stdout.contains("is copied to copy.db"), "{ran:?}");
    served.stop().await;

    let report = project.run(&["verify", "copy.db", "--json"]).exits(0).json();
    assert_eq!((&report["sound"], &report["findings"]), (&json!(true), &json!([])));
    assert_eq!(report["checked"]["executions"], 1);
    let ran = project.run(&["backup", "runcor.db", "copy.db", "--json"]).exits(1);
    assert!(ran.error()["message"].as_str().unwrap().contains("exists"), "{ran:?}");

    // What was copied is enough to go on with.
    project.remove("runcor.db");
    fs::rename(project.path("copy.db"), project.path("runcor.db")).unwrap();
    let ran = project.run(&["timeline", &id]).exits(0);
    assert!(ran.stdout.contains("Waits for: an approval: refund"), "{ran:?}");
}

#[test]
fn what_is_no_database_is_refused() {
    let project = Project::new();
    project.write("text.db", "this is no database, but it is long enough to look like one");
    for args in [&["verify", "text.db"][..], &["backup", "text.db", "b.db"]] {
        let ran = project.run(args).exits(1);
        assert!(ran.stderr.contains("STORAGE_CORRUPT"), "{ran:?}");
    }
    for args in [&["verify", "none.db"][..], &["backup", "none.db", "b.db"]] {
        let ran = project.run(args).exits(1);
        assert!(ran.stderr.contains("none.db"), "{ran:?}");
    }
    assert!(!project.path("b.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_rule_is_named_with_its_place_and_exits_with_1() {
    let project = Project::new();
    let served = Served::on(&project).await;
    served.begin("refund").await;
    served.stop().await;
    let broken = Connection::open(project.path("runcor.db")).unwrap();
    assert_eq!(broken.execute("DELETE FROM events WHERE seq = 3", []).unwrap(), 1);
    drop(broken);

    let ran = project.run(&["verify", "runcor.db"]).exits(1);
    assert!(ran.stdout.contains("events-have-no-gap"), "{ran:?}");
    assert!(ran.stdout.contains("✗ runcor.db: 1 finding in 1 execution"), "{ran:?}");
    let report = project.run(&["verify", "runcor.db", "--json"]).exits(1).json();
    assert_eq!((&report["sound"], &report["leftOut"]), (&json!(false), &json!(0)));
    assert_eq!(report["findings"][0]["rule"], "events-have-no-gap");
    assert!(report["findings"][0]["place"].is_string(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_lost_pages_is_not_called_sound() {
    let project = Project::new();
    let served = Served::on(&project).await;
    served.begin("refund").await;
    served.stop().await;
    project.run(&["backup", "runcor.db", "bad.db"]).exits(0);
    let mut bytes = fs::read(project.path("bad.db")).unwrap();
    for page in bytes.chunks_mut(4_096).skip(1) {
        page.fill(0xa5);
    }
    fs::write(project.path("bad.db"), bytes).unwrap();
    let ran = project.run(&["verify", "bad.db"]).exits(1);
    assert!(ran.stdout.contains('✗') || ran.stderr.contains("STORAGE_CORRUPT"), "{ran:?}");
}
