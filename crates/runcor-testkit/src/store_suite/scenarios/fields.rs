//! Every field of an execution and of a wait is kept.

use std::time::Duration;

use serde_json::json;

use runcor_core::{Change, Execution, ExecutionError, Suspension, Timestamp, WaitKind, WaitSignal};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::subject::{Subject, at, fail, failed, must, sample, wait, worker};

/// Makes executions in which, taken together, every field that can be set is set.
pub(super) async fn populate(subject: &Subject) -> Vec<Execution> {
    let original = subject.insert(sample()).await;
    let builder = || {
        let timeouts = (Duration::from_millis(1_500), Duration::from_millis(86_400_001));
        sample()
            .tenant("tenant")
            .user("user")
            .session("session")
            .input(json!({ "in": [1, "two", null] }))
            .metadata(json!({ "meta": true }))
            .timeouts(timeouts.0, timeouts.1)
            .replay_of(original.id())
    };
    let signal = WaitSignal {
        reason: Some("approval".to_owned()),
        expected_resume_by: Some(at(7_000)),
        wait_data: Some(json!({ "show": 1 })),
        timeout: None,
    };
    let error = ExecutionError {
        message: "gave up".to_owned(),
        retryable: true,
        retry_count: 1,
        code: Some("WAIT_TIMEOUT".to_owned()),
    };
    let claim = || Change::Claim { worker: worker() };
    let pausing = Change::Wait { pause: Box::new(signal.into()), due: Some(at(8_000)) };
    let lives = [
        vec![
            claim(),
            Change::Retry { due: at(300) },
            Change::Continue,
            pausing.clone(),
            Change::Resume { data: Some(json!("yes")) },
            claim(),
            pausing,
            Change::Fail { error, expires: Some(at(90_000)) },
        ],
        vec![claim(), Change::Complete { result: json!([{}]), expires: Some(at(91_000)) }],
        vec![claim(), Change::Retry { due: at(400) }],
        vec![claim()],
        vec![claim(), wait(Some(at(9_000)))],
    ];
    let mut populated = vec![original.clone()];
    for life in lives {
        let mut execution = subject.insert(builder()).await;
        for (step, change) in (1_i64..).zip(life) {
            subject.change(&mut execution, change, at(step * 11)).await;
        }
        populated.push(execution);
    }
    check_populated(&populated);
    populated
}

/// Fails when a field was never set, so that a new one is not forgotten here.
fn check_populated(executions: &[Execution]) {
    let failed = executions.iter().find(|execution| execution.status.error.is_some());
    let full = failed.is_some_and(|execution| {
        let status = &execution.status;
        status.wait.is_some() && status.resume_data.is_some() && status.retry_count > 0
    });
    if !full {
        fail("the scenario itself is wrong: no execution has every field");
    }
}

pub(crate) async fn every_field_of_a_wait_is_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let children = || vec![sample().build().id(), sample().build().id()];
    let signal = || WaitSignal::new("approval").with_data(json!({ "show": 1 }));
    let pauses = [
        Suspension::default(),
        Suspension { path: Some("wait#1".to_owned()), ..Suspension::default() },
        Suspension { kind: WaitKind::Approval, signal: signal(), ..Suspension::default() },
        Suspension { kind: WaitKind::Decision, since: Some(at(-9)), ..Suspension::default() },
        Suspension { kind: WaitKind::Sleep, wake_at: Some(at(99)), ..Suspension::default() },
        Suspension { kind: WaitKind::Call, awaits: children(), ..Suspension::default() },
        Suspension {
            kind: WaitKind::Approval,
            signal: signal().with_expected_resume_by(at(70)),
            path: Some("fetch#1/7/approval#1".to_owned()),
            since: Some(at(0)),
            wake_at: Some(Timestamp::MAX),
            awaits: children(),
            intents: Vec::new(),
        },
    ];
    for pause in pauses {
        let mut execution = subject.running(sample(), worker(), at(1)).await;
        let wait = Change::Wait { pause: Box::new(pause), due: Some(at(99)) };
        subject.change(&mut execution, wait, at(2)).await;
        let found = must(subject.find(execution.id()).await, "the execution");
        assert_eq!(found.status.wait, execution.status.wait, "expected the wait as it is");
        let due = subject.due_waits(at(99), 99).await;
        assert!(due.contains(&execution.id()), "expected it to be due in the end");
        subject.change(&mut execution, failed(), at(3)).await;
        subject.expect(&execution, "with the wait that it failed in").await;
    }
}

pub(crate) async fn every_field_of_an_execution_is_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for execution in populate(&subject).await {
        subject.expect(&execution, "with every field set").await;
    }
}
