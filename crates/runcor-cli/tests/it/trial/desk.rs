//! The operator at the command line.

use serde_json::Value;

use crate::bed::Project;

/// Goes through the review list on the command line.
pub(super) fn review(project: &Project, id: &str, count: usize) {
    let table = project.run(&["flags"]).exits(0).stdout;
    assert!(table.contains("long-enough") && table.contains("pending"), "{table}");
    let list = |args: &[&str]| -> Vec<Value> {
        let args = [&["flags", "--json", "--limit", "500"], args].concat();
        let found = project.run(&args).exits(0).json();
        found["flags"].as_array().unwrap().clone()
    };
    assert_eq!(list(&[]).len(), count);
    let status = |wanted: &str| {
        let found = list(&["--status", wanted]);
        found.iter().filter(|flag| flag["executionId"] == id).count()
    };
    assert_eq!(status("pending"), 1);
    project.run(&["review", id]).exits(0);
    assert_eq!((status("pending"), status("reviewed")), (0, 1));
    project.run(&["resolve", id]).exits(0);
    assert_eq!((status("reviewed"), status("resolved")), (0, 1));
    let again = project.run(&["review", id]).exits(1);
    assert!(again.stderr.contains("INVALID_FLAG_TRANSITION"), "{again:?}");
}

/// Looks at the money on the command line, and adds some.
pub(super) fn pay(project: &Project) {
    let call = ["trigger", "support", "--input", r#""one more""#, "--json"];
    let refused = project.run(&call).exits(1).json();
    assert_eq!(refused["execution"]["error"]["code"], "BUDGET_EXCEEDED", "{refused}");

    let table = project.run(&["costs"]).exits(0).stdout;
    for part in ["Total: $4.", "support", "user-3", "second"] {
        assert!(table.contains(part), "{part} {table}");
    }
    let summary = project.run(&["costs", "--json"]).exits(0).json();
    let budgets = project.run(&["budgets", "--json"]).exits(0).json();
    assert_eq!(summary["totalNanos"], budgets["budgets"][0]["spentNanos"]);
    let table = project.run(&["budgets"]).exits(0).stdout;
    for part in ["global", "$5.00", "$4."] {
        assert!(table.contains(part), "{part} {table}");
    }

    let table = project.run(&["top-up", "global", "0.5"]).exits(0).stdout;
    assert!(table.contains("$5.50") && table.contains("$0.50 added"), "{table}");
    let done = project.run(&call).exits(0).json();
    assert_eq!(done["execution"]["state"], "complete", "{done}");
    let found = project.run(&["top-up", "global", "0.25", "--json"]).exits(0).json();
    assert_eq!(found["budget"]["toppedUpNanos"], 750_000_000, "{found}");
}
