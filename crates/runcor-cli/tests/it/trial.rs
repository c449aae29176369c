//! runcor tried as a new operator would: money, policy and quality, with real vendors to talk
//! to, many clients at once, a vendor that dies and a process that is killed in the middle.

mod api;
mod books;
mod clients;
mod desk;
mod office;
mod pausing;
mod streaming;
mod vendor;

use std::collections::BTreeMap;
use std::sync::Arc;

use runcor::engine::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::{JoinSet, block_in_place};

use self::api::Api;
use self::books::{Auditor, holds_no_card, stored_without_cards};
use self::clients::{CALLS, CLIENTS, call_ten_times};
use self::desk::{pay, review};
use self::office::{Office, project};
use self::vendor::Vendor;

/// Close to midnight the budget has no window: a new day would begin in the middle.
fn five_dollars_a_day() -> &'static str {
    let (day, quarter_of_an_hour) = (86_400_000, 900_000);
    match SystemClock.now().as_millis() % day > day - quarter_of_an_hour {
        true => "{ limit: 5, window: { type: none } }",
        false => "{ limit: 5, window: { type: daily } }",
    }
}

fn is_short(execution: &Value) -> bool {
    execution["result"]["text"].as_str().is_some_and(|text| text.len() < 30)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_hundred_calls_from_fifty_clients_stay_within_five_dollars_over_a_crash() {
    let first = Arc::new(Vendor::mortal(60, 6).await);
    let second = Arc::new(Vendor::reliable().await);
    let project = project(&first.url(), &second.url(), five_dollars_a_day());
    let office = Office::open(&project, "before.log");
    let (move_to, at) = watch::channel(office.url().to_owned());
    let api = Api::new(at);
    let auditor = Auditor::new(api.clone(), vec![Arc::clone(&first), Arc::clone(&second)]);

    let (keep, heard) = watch::channel(String::new());
    let mut watching = JoinSet::new();
    watching.spawn(api.clone().listen(keep));
    watching.spawn(auditor.clone().watch_for_ever());
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(call_ten_times(api.clone(), client));
    }

    // The first vendor is dead by now, and the second at work when the process is killed.
    block_in_place(|| second.wait_until_asked(60));
    let log_before = block_in_place(|| office.kill());
    let office = block_in_place(|| Office::open(&project, "after.log"));
    move_to.send(office.url().to_owned()).unwrap();

    let mut accepted = BTreeMap::new();
    while let Some(of_one) = clients.join_next().await {
        accepted.extend(of_one.unwrap());
    }
    let executions = api.all_ended().await;
    let complete = nothing_is_lost(&accepted, &executions);

    // The books agree, and the money was really spent.
    let spent = auditor.settled().await;
    assert!(spent > 4_000_000_000, "only {spent} nano-dollars");
    assert!(first.asked() > 66 && second.never_ran_out());
    watching.abort_all();
    while let Some(ended) = watching.join_next().await {
        assert!(ended.is_err_and(|error| error.is_cancelled()), "the books were wrong on the way");
    }
    assert!(auditor.looks() > 5, "hardly anybody looked at the books on the way");

    doubtful_answers_wait(&api, &complete).await;
    let doubtful = complete.iter().filter(|one| is_short(one));
    let ids: Vec<_> = doubtful.map(|one| one["id"].as_str().unwrap()).collect();
    block_in_place(|| review(&project, ids[0], ids.len()));
    the_second_flow_of_the_tenant_is_refused(&api).await;
    block_in_place(|| pay(&project));

    nobody_heard_a_card(&[&first, &second], &heard.borrow());
    no_card_is_shown(&api, &executions, &complete).await;
    holds_no_card("a log", &log_before);
    holds_no_card("a log", &block_in_place(|| office.kill()));
    let report = block_in_place(|| project.run(&["verify", "runcor.db", "--json"])).exits(0).json();
    assert_eq!(report["sound"], true, "{report}");
    stored_without_cards(&project, &auditor).await;
}

/// Nothing that was accepted is lost, and all that failed did for want of money. Returns what
/// is complete.
fn nothing_is_lost<'a>(
    accepted: &BTreeMap<String, String>,
    executions: &'a [Value],
) -> Vec<&'a Value> {
    assert_eq!(accepted.len(), CLIENTS * CALLS);
    assert_eq!(executions.len(), CLIENTS * CALLS);
    for one in executions {
        let key = one["idempotencyKey"].as_str().unwrap();
        assert_eq!(one["id"], accepted[key]);
    }
    let (complete, failed): (Vec<_>, Vec<_>) =
        executions.iter().partition(|one| one["state"] == "complete");
    for one in &failed {
        assert_eq!(one["error"]["code"], "BUDGET_EXCEEDED", "{one}");
    }
    assert!(!failed.is_empty(), "the budget was never met");
    complete
}

/// What was flagged is what has two words for an answer.
async fn doubtful_answers_wait(api: &Api, complete: &[&Value]) {
    let doubtful: Vec<_> = complete.iter().filter(|one| is_short(one)).collect();
    assert!(!doubtful.is_empty());
    let flags = api.flags(doubtful.len()).await;
    assert_eq!(flags.len(), doubtful.len());
    for one in doubtful {
        let flag = flags.iter().find(|flag| flag["executionId"] == one["id"]);
        assert_eq!(flag.expect("a flag")["status"], "pending");
    }
}

async fn the_second_flow_of_the_tenant_is_refused(api: &Api) {
    let wish = json!({ "idempotencyKey": "r", "tenantId": "acme", "input": "my money" });
    let (status, answer) = api.insist("/flows/refund/trigger", &wish).await;
    assert_eq!((status, &answer["error"]["code"]), (403, &json!("ACCESS_DENIED")), "{answer}");
}

/// Neither vendors nor listeners got a card number, but what stands in its place.
fn nobody_heard_a_card(vendors: &[&Vendor], events: &str) {
    for vendor in vendors {
        let heard = vendor.heard();
        holds_no_card("what a vendor heard", &heard);
        assert!(heard.contains("[card]"));
    }
    holds_no_card("the events", events);
    assert!(events.contains("[card]"));
    for kind in ["cost:request", "cost:budget_exceeded", "provider:health_change", "eval:flagged"] {
        assert!(events.contains(&format!("\"type\":\"{kind}\"")), "{kind}");
    }
}

/// Results and timelines have no card number; inputs are kept as they were given.
async fn no_card_is_shown(api: &Api, executions: &[Value], complete: &[&Value]) {
    for one in executions {
        holds_no_card("a result", &format!("{} {}", one["result"], one["error"]));
    }
    let id = complete[0]["id"].as_str().unwrap();
    let timeline = api.get(&format!("/executions/{id}/timeline")).await["entries"].to_string();
    holds_no_card("a timeline", &timeline);
    assert!(timeline.contains("[card]"));
}
