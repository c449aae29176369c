//! `runcor costs`, `budgets` and `top-up`.

use runcor::http::{AccessToken, HttpConfig};
use serde_json::{Value, json};

use crate::bed::Project;
use crate::durable::Served;

/// A project with a model that has a price, and one execution of it.
fn spent() -> Project {
    let project =
        Project::with("providers: [{ type: mock, costPerMillionTokens: { input: 1, output: 2 } }]");
    project.run(&["trigger", "echo", "--input", "{}", "--user", "ann"]).exits(0);
    project
}

#[test]
fn what_was_spent_is_told_with_and_without_a_server() {
    let project = spent();
    let told = project.run(&["costs"]).exits(0);
    for part in ["Total: $0.0", "for 1 request", "FLOW", "echo", "USER", "ann", "PROVIDER", "mock"]
    {
        assert!(told.stdout.contains(part), "{part} {told:?}");
    }
    assert!(!told.stdout.contains('█'), "a bar where nobody looks: {told:?}");
    let found = project.run(&["costs", "--json"]).exits(0).json();
    assert_eq!((&found["entryCount"], &found["byUser"][0]["name"]), (&json!(1), &json!("ann")));
    let _dev = project.dev();
    assert_eq!(project.run(&["costs"]).exits(0).stdout, told.stdout);
    assert_eq!(project.run(&["costs", "--json"]).exits(0).json(), found);
}

#[test]
fn costs_are_told_apart_and_filtered() {
    let project = spent();
    let _dev = project.dev();
    let names = |args: &[&str]| -> Vec<Value> {
        let found = project.run(&[&["costs", "--json"], args].concat()).exits(0).json();
        found["totals"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect()
    };
    assert_eq!(names(&["--by", "user"]), ["ann"]);
    assert_eq!(names(&["--by", "provider", "--since", "1h"]), ["mock"]);
    assert_eq!(names(&["--by", "flow", "--until", "2020-01-01"]), [""; 0]);
    assert_eq!(names(&["--by", "flow", "--user", "ben"]), [""; 0]);
    assert_eq!(names(&["--by", "flow", "--flow", "echo", "--user", "ann"]), ["echo"]);
    assert_eq!(names(&["--by", "flow", "--tenant", "acme"]), [""; 0]);
    let ran = project.run(&["costs", "--by", "model"]).exits(0);
    assert!(ran.stdout.contains("TOKENS IN"), "{ran:?}");
    let ran = project.run(&["costs", "--entries"]).exits(0);
    assert!(ran.stdout.contains("answered") && ran.stdout.contains("mock/"), "{ran:?}");
    let rows = project.run(&["costs", "--entries", "--json"]).exits(0).json();
    assert_eq!(rows["entries"].as_array().unwrap().len(), 1);
    for wrong in [
        &["costs", "--since", "soon"][..],
        &["costs", "--by", "colour"],
        &["costs", "--entries", "--by", "user"],
    ] {
        project.run(wrong).exits(1);
    }
}

#[test]
fn an_execution_tells_what_it_has_cost() {
    let project = spent();
    let list = project.run(&["status", "--json"]).exits(0).json();
    let id = list["executions"][0]["id"].as_str().unwrap();
    let ran = project.run(&["status", id]).exits(0);
    assert!(
        ran.stdout.contains("Cost:      $0.0") && ran.stdout.contains("for 1 request"),
        "{ran:?}"
    );
    let one = project.run(&["status", id, "--json"]).exits(0).json();
    assert_eq!(
        (&one["cost"]["count"], &one["costEntries"][0]["userId"]),
        (&json!(1), &json!("ann"))
    );
    let rows = project.run(&["costs", "--entries", "--execution", id, "--json"]).exits(0).json();
    assert_eq!(rows["entries"], one["costEntries"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_are_listed_and_topped_up() {
    let project = Project::new();
    let served = Served::on(&project).await;
    served.run(&project, &["trigger", "ask", "--user", "ann"]).exits(0);
    let ran = served.run(&project, &["budgets"]).exits(0);
    for part in ["BUDGET", "global", "user:ann", "$10.00", "daily", "in ", "pauses"] {
        assert!(ran.stdout.contains(part), "{part} {ran:?}");
    }
    let ran = served.run(&project, &["top-up", "user:ann", "2.5"]).exits(0);
    assert!(ran.stdout.contains("$2.50 added") && ran.stdout.contains("$2.51"), "{ran:?}");
    let found = served.run(&project, &["budgets", "--json"]).exits(0).json();
    let of_ann =
        found["budgets"].as_array().unwrap().iter().find(|one| one["scopeKey"] == "user:ann");
    assert_eq!(of_ann.unwrap()["toppedUp"], 2.5);
    for (args, code) in [
        (&["top-up", "planet", "1"][..], "VALIDATION_ERROR"),
        (&["top-up", "user", "1"], "VALIDATION_ERROR"),
        (&["top-up", "global", "-1"], "VALIDATION_ERROR"),
        (&["top-up", "flow:ask", "1"], "BUDGET_NOT_FOUND"),
    ] {
        let ran = served.run(&project, args).exits(1);
        assert!(ran.stderr.contains(code), "{args:?} {ran:?}");
    }
    project.run(&["top-up", "global", "much"]).exits(1);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_money_goes_on_after_a_top_up() {
    let project = Project::new();
    let served = Served::on(&project).await;
    let ask = |_| {
        let ran = served.run(&project, &["trigger", "ask", "--tenant", "poor", "--json"]).exits(0);
        ran.json()["execution"].take()
    };
    // Each costs a little, so the budget is used up before long.
    let waiting = (0..100).map(ask).find(|execution| execution["state"] == "waiting").unwrap();
    let id = waiting["id"].as_str().unwrap();
    let ran = served.run(&project, &["status", id]).exits(0);
    assert!(ran.stdout.contains("Go on:     runcor top-up tenant:poor DOLLARS"), "{ran:?}");
    let ran = served.run(&project, &["resume", id]).exits(1);
    assert!(ran.stderr.contains("top-up"), "{ran:?}");
    let ran = served.run(&project, &["top-up", "tenant:poor", "1"]).exits(0);
    assert!(ran.stdout.contains("1 execution that waited goes on"), "{ran:?}");
    let looking = async {
        loop {
            let one = served.run(&project, &["status", id, "--json"]).exits(0).json();
            if one["execution"]["state"] == "complete" {
                return one;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let one = tokio::time::timeout(crate::bed::PATIENCE, looking).await.unwrap();
    assert_eq!(one["cost"]["count"], 1);
    served.stop().await;
}

#[test]
fn dev_tells_what_a_request_has_cost() {
    let project = spent();
    let dev = project.dev();
    project.run(&["trigger", "echo", "--input", "{}"]).exits(0);
    let paid = dev.line_of("cost:request");
    assert_eq!((&paid["provider"], &paid["outcome"]), (&json!("mock"), &json!("answered")));
}

#[cfg(unix)]
#[test]
fn on_a_terminal_shares_are_drawn() {
    let project = spent();
    if let Some(ran) = project.run_on_a_terminal(&["costs", "--by", "flow"], "") {
        assert!(ran.exits(0).stdout.contains(&"█".repeat(12)));
    }
}

#[test]
fn without_a_budget_nothing_is_listed() {
    let project = spent();
    let ran = project.run(&["budgets"]).exits(0);
    assert!(ran.stdout.contains("Nothing has been spent from any budget"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_speak_for_the_user_and_tenant_that_are_named_or_that_the_token_names() {
    let project = Project::new();
    let token = |token: &str, user: Option<&str>, tenant: Option<&str>| AccessToken {
        token: token.into(),
        user: user.map(|user| user.parse().unwrap()),
        tenant: tenant.map(|tenant| tenant.parse().unwrap()),
        name: None,
    };
    let config = HttpConfig {
        port: 0,
        auth_token: Some("operator".into()),
        tokens: vec![
            token("acme", None, Some("acme")),
            token("alice", Some("alice"), Some("acme")),
        ],
        ..HttpConfig::default()
    };
    let served = Served::with(&project, config).await;
    let of = |args: &[&str]| {
        let ran = served.run(&project, &[args, &["--json"]].concat()).exits(0);
        let id = ran.json()["execution"]["id"].as_str().unwrap().to_owned();
        let one = served.run(&project, &["status", &id, "--token", "operator", "--json"]);
        let one = one.exits(0).json()["execution"].take();
        (id, one["userId"].clone(), one["tenantId"].clone())
    };
    let (_, user, tenant) = of(&["trigger", "doze", "--token", "operator"]);
    assert_eq!((user, tenant), (json!("cli"), Value::Null));
    let (umbrellas, user, tenant) =
        of(&["trigger", "doze", "--token", "operator", "--user", "ben", "--tenant", "umbrella"]);
    assert_eq!((user, tenant), (json!("ben"), json!("umbrella")));
    let (_, user, tenant) = of(&["trigger", "doze", "--token", "acme"]);
    assert_eq!((user, tenant), (json!("cli"), json!("acme")));
    // The token says who it is, and `cli` is nobody's wish.
    let (alices, user, tenant) = of(&["trigger", "doze", "--token", "alice"]);
    assert_eq!((user, tenant), (json!("alice"), json!("acme")));

    let seen = |args: &[&str]| {
        served.run(&project, &[&["status", "--json"], args].concat()).exits(0).json()
    };
    assert_eq!(seen(&["--token", "operator"])["executions"].as_array().unwrap().len(), 4);
    assert_eq!(seen(&["--token", "acme"])["executions"].as_array().unwrap().len(), 2);
    let umbrella = seen(&["--token", "operator", "--tenant", "umbrella"]);
    assert_eq!(umbrella["executions"].as_array().unwrap().len(), 1);
    let ran = served.run(&project, &["status", &umbrellas, "--token", "acme"]).exits(1);
    assert!(ran.stderr.contains("EXECUTION_NOT_FOUND"), "{ran:?}");
    served.run(&project, &["status", &alices, "--token", "acme"]).exits(0);
    let ran =
        served.run(&project, &["trigger", "doze", "--token", "alice", "--user", "ben"]).exits(1);
    assert!(ran.stderr.contains("ACCESS_DENIED"), "{ran:?}");
    let ran = served.run(&project, &["top-up", "global", "1", "--token", "acme"]).exits(1);
    assert!(ran.stderr.contains("ACCESS_DENIED"), "{ran:?}");
    served.stop().await;
}

#[test]
fn without_a_server_the_tenant_that_is_named_is_seen_alone() {
    let project = Project::new();
    project.run(&["trigger", "echo", "--tenant", "acme", "--input", "{}"]).exits(0);
    project.run(&["trigger", "echo", "--input", "{}"]).exits(0);
    let count = |args: &[&str]| {
        let found = project.run(&[&["status", "--json"], args].concat()).exits(0).json();
        found["executions"].as_array().unwrap().len()
    };
    assert_eq!(
        (count(&[]), count(&["--tenant", "acme"]), count(&["--tenant", "umbrella"])),
        (2, 1, 0)
    );
    project.run(&["status", "--tenant", " "]).exits(1);
}
