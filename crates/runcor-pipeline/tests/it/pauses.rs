//! Steps that pause: waits, sleeps, approvals, calls of other flows.

use std::time::Duration;

use runcor_core::{Clock, ManualClock, Outcome, Retry, StepFailure, Timestamp, WaitKind};
use serde_json::json;

use crate::support::{Run, Server, answer, skipping};

fn run(steps: &str, input: serde_json::Value) -> (Run, ManualClock) {
    let clock = ManualClock::new();
    let run = Run::new(&format!("name: f\nsteps:\n{steps}"), input);
    (run.with_clock(clock.clone()), clock)
}

#[tokio::test]
async fn a_wait_shows_its_data_and_its_output_is_what_the_resume_brought() {
    let (run, _) = run(
        "
  - { name: sign, kind: wait, reason: needs a signature, data: { who: $.input.who }, timeout: 7d }
",
        json!({ "who": "Ada" }),
    );
    let pause = run.pause().await;
    assert_eq!((pause.kind, pause.path.as_deref()), (WaitKind::Signal, Some("sign#1")));
    assert_eq!(pause.signal.reason.as_deref(), Some("needs a signature"));
    assert_eq!(pause.signal.wait_data, Some(json!({ "who": "Ada" })));
    assert_eq!(pause.signal.timeout, Some(Duration::from_secs(7 * 86_400)));

    run.answer(&pause, Outcome::Done(json!({ "signed": true }))).await.unwrap();
    assert_eq!(run.go().await.unwrap(), json!({ "signed": true }));
}

#[tokio::test]
async fn a_wait_without_keys_names_its_step_and_takes_the_flows_limit() {
    let (run, _) = run("  - { name: sign, kind: wait }", json!(1));
    let pause = run.pause().await;
    assert_eq!(pause.signal.reason.as_deref(), Some("waits at step 'sign'"));
    assert_eq!((pause.signal.wait_data, pause.signal.timeout), (None, None));
}

#[tokio::test]
async fn a_sleep_ends_when_it_was_going_to_and_leaves_the_result_alone() {
    let (run, clock) =
        run("  - { name: a, kind: agent }\n  - { name: rest, kind: sleep, for: 1h30m }", json!(1));
    run.models.echoes.store(true, std::sync::atomic::Ordering::SeqCst);
    let begun = clock.now();
    let pause = run.pause().await;
    let wake = begun.after(Duration::from_secs(5_400));
    assert_eq!((pause.kind, pause.wake_at), (WaitKind::Sleep, Some(wake)));
    clock.advance(Duration::from_secs(60));
    assert_eq!(run.pause().await.wake_at, Some(wake), "an early run sleeps on");
    clock.set(wake);
    assert_eq!(run.go().await.unwrap(), json!({ "text": "1" }));
}

#[tokio::test]
async fn a_sleep_may_end_at_an_instant_of_the_document() {
    let steps = "  - { name: rest, kind: sleep, until: $.input.due }";
    let expected = Timestamp::from_millis(1_800_000_000_000);
    for due in [json!("2027-01-15T08:00:00Z"), json!(1_800_000_000_000_i64)] {
        let (run, _) = run(steps, json!({ "due": due }));
        assert_eq!(run.pause().await.wake_at, Some(expected), "{due}");
    }
    let (past, _) = run(steps, json!({ "due": 0 }));
    assert_eq!(past.go().await.unwrap(), json!({ "due": 0 }));
    for input in [json!({ "due": "soon" }), json!({})] {
        let (run, _) = run(steps, input);
        let failure = run.go().await.unwrap_err();
        assert!(failure.message().starts_with("step 'rest': until must lead to"), "{failure}");
        assert_eq!((failure.code(), failure.retry()), (Some("STEP_FAILED"), Retry::Never));
    }
}

fn approval(on_reject: &str) -> String {
    format!(
        "
  - {{ name: boss, kind: approval, action: refund, subject: {{ cents: $.input.cents }}, within: 2d{on_reject} }}
  - {{ name: said, kind: agent, input: {{ ok: $.steps.boss.output.approved, by: $.steps.boss.output.by }} }}
"
    )
}

fn decision(approved: bool, at: Timestamp) -> Outcome {
    Outcome::Done(json!({ "approved": approved, "by": "ann", "note": "hm", "at": at }))
}

#[tokio::test]
async fn an_approval_shows_exactly_what_is_approved_and_until_when() {
    let (run, clock) = run(&approval(""), json!({ "cents": 4200 }));
    let begun = clock.now();
    let pause = run.pause().await;
    assert_eq!((pause.kind, pause.path.as_deref()), (WaitKind::Approval, Some("boss#1")));
    let shown = &pause.signal.wait_data.as_ref().unwrap()["approval"];
    assert_eq!(
        (&shown["action"], &shown["subject"]),
        (&json!("refund"), &json!({ "cents": 4200 }))
    );
    assert_eq!(shown["expiresAt"], json!(begun.after(Duration::from_secs(172_800))));
    let token = shown["token"].clone();
    assert_eq!(run.pause().await.signal.wait_data.unwrap()["approval"]["token"], token);

    run.models.echoes.store(true, std::sync::atomic::Ordering::SeqCst);
    run.answer(&pause, decision(true, begun)).await.unwrap();
    assert_eq!(run.go().await.unwrap(), json!({ "text": "{\"ok\":true,\"by\":\"ann\"}" }));
}

#[tokio::test]
async fn a_rejection_fails_continues_or_stops_as_the_file_says() {
    for (on_reject, expected) in [
        ("", Err("step 'boss': ann has rejected: refund")),
        (", on_reject: fail", Err("step 'boss': ann has rejected: refund")),
        (", on_reject: continue", Ok(json!({ "text": "{\"ok\":false,\"by\":\"ann\"}" }))),
        (
            ", on_reject: stop",
            Ok(
                json!({ "approved": false, "by": "ann", "note": "hm", "at": "2026-01-01T00:00:00.000Z" }),
            ),
        ),
    ] {
        let (run, clock) = run(&approval(on_reject), json!({ "cents": 1 }));
        clock.set(Timestamp::from_millis(1_767_225_600_000));
        run.models.echoes.store(true, std::sync::atomic::Ordering::SeqCst);
        let pause = run.pause().await;
        run.answer(&pause, decision(false, clock.now())).await.unwrap();
        let ended = run.go().await;
        match expected {
            Ok(result) => assert_eq!(ended.unwrap(), result, "{on_reject}"),
            Err(message) => {
                let failure = ended.unwrap_err();
                assert_eq!(failure.message(), message);
                assert_eq!(
                    (failure.code(), failure.retry()),
                    (Some("APPROVAL_REJECTED"), Retry::Never)
                );
            }
        }
    }
}

#[tokio::test]
async fn a_call_runs_another_flow_once_and_gives_its_result() {
    let (run, _) = run(
        "
  - { name: charge, kind: call, flow: payments, input: { cents: $.input.cents } }
  - { name: same, kind: agent, input: $.steps.charge.output.receipt }
",
        json!({ "cents": 7 }),
    );
    let pause = run.pause().await;
    assert_eq!((pause.kind, pause.awaits.len()), (WaitKind::Call, 1));
    let again = run.pause().await;
    assert_eq!(again.awaits, pause.awaits, "the same child is waited for");
    {
        let started = run.calls.started.lock().unwrap();
        assert_eq!(started.len(), 1);
        assert_eq!(
            (started[0].flow.as_str(), &started[0].input),
            ("payments", &json!({ "cents": 7 }))
        );
        assert_eq!(started[0].intent.path, "charge#1");
    }
    run.models.echoes.store(true, std::sync::atomic::Ordering::SeqCst);
    *run.calls.outcome.lock().unwrap() = Some(Outcome::Done(json!({ "receipt": "r-1" })));
    assert_eq!(run.go().await.unwrap(), json!({ "text": "r-1" }));
}

#[tokio::test]
async fn a_called_flow_that_fails_fails_the_step_with_its_own_code() {
    let (run, _) = run("  - { name: charge, kind: call, flow: payments }", json!(1));
    run.pause().await;
    let failure = StepFailure { code: Some("NO_FUNDS".to_owned()), message: "no funds".to_owned() };
    *run.calls.outcome.lock().unwrap() = Some(Outcome::Failed(failure));
    for _ in 0..2 {
        let failure = run.go().await.unwrap_err();
        assert_eq!(
            (failure.code(), failure.message()),
            (Some("NO_FUNDS"), "step 'charge': no funds")
        );
    }
}

fn at_most_once(port: u16, retries: u32) -> Run {
    let yaml = format!(
        "
name: f
base_retry_delay_ms: 1
max_retry_delay_ms: 1
steps:
  - {{ name: pay, kind: webhook, url: 'http://hooks.example.com:{port}/', non_idempotent: true, retries: {retries} }}
"
    );
    Run::new(&yaml, json!({ "cents": 5 }))
}

#[tokio::test]
async fn a_non_idempotent_webhook_in_doubt_is_not_sent_again_before_somebody_decides() {
    let busy = || answer("503 Service Unavailable", &[], "");
    let server = Server::start(vec![busy(), answer("200 OK", &[], "{\"id\":7}")]).await;
    let run = at_most_once(server.port, 2);
    let doubt = run.pause().await;
    assert_eq!((doubt.kind, doubt.path.as_deref()), (WaitKind::Decision, Some("pay#1")));
    assert_eq!(run.pause().await.kind, WaitKind::Decision);
    assert_eq!(server.requests().len(), 1, "neither the step nor the next run sends it again");
    run.answer(&doubt, Outcome::NotDone).await.unwrap();
    assert_eq!(run.go().await.unwrap(), json!({ "id": 7 }));
    let keys = server.header("idempotency-key");
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn what_somebody_says_that_a_webhook_answered_is_its_output() {
    let server = Server::start(vec![answer("500 Internal Server Error", &[], "")]).await;
    let run = at_most_once(server.port, 0);
    let doubt = run.pause().await;
    run.answer(&doubt, Outcome::Done(json!({ "id": 8 }))).await.unwrap();
    assert_eq!(run.go().await.unwrap(), json!({ "id": 8 }));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_non_idempotent_webhook_that_reached_nobody_is_tried_again_within_the_step() {
    let clock = ManualClock::new();
    // Nobody listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let run = at_most_once(port, 3).with_clock(clock.clone());
    let (pause, slept) = skipping(&clock, run.pause()).await;
    assert_eq!(pause.kind, WaitKind::Decision);
    assert!(slept > Duration::ZERO, "it paused between attempts");
}
