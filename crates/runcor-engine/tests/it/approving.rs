//! Approvals: people see exactly what they approve, and decide once.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use runcor_core::{
    Approval, Decision, ErrorCode, Execution, ExecutionId, ExecutionState, FlowContext,
    FlowOutcome, JournalKind, Runtime, WaitKind,
};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, code, on_every_store};

on_every_store!(
    an_approval_shows_exactly_what_is_approved,
    an_approved_flow_goes_on_with_the_decision,
    a_rejection_is_an_answer_and_no_error,
    a_decision_needs_the_token,
    a_token_is_good_for_one_decision,
    an_approval_expires_with_its_flow,
    a_plain_resume_is_no_approval,
    an_approval_is_taken_after_a_restart,
    the_token_of_an_open_approval_can_be_sent_and_stays_the_same,
    a_subject_that_has_changed_is_not_approved_by_the_old_decision,
);

async fn refund(ctx: FlowContext) -> Result<FlowOutcome, runcor_core::FlowError> {
    let approval = Approval::of("refund", &json!({ "cents": 4_200, "to": "ann" }))
        .within(Duration::from_secs(2 * 86_400));
    let answer = ctx.approval(approval).await?;
    Ok(FlowOutcome::Complete(json!({ "approved": answer.approved, "by": answer.by })))
}

async fn asked(bed: &Bed) -> ExecutionId {
    let id = bed.trigger("refund", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    id
}

fn shown(execution: &Execution) -> Value {
    let wait = execution.status.wait.as_ref().unwrap();
    assert_eq!(wait.kind, WaitKind::Approval);
    wait.wait_data.as_ref().unwrap()["approval"].clone()
}

async fn token(bed: &Bed, id: ExecutionId) -> String {
    shown(&bed.get(id).await)["token"].as_str().unwrap().to_owned()
}

fn approve(token: String) -> Decision {
    Decision::Approve { token, by: Some("bob".to_owned()), note: None }
}

async fn an_approval_shows_exactly_what_is_approved(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("refund", refund);
    let id = asked(&bed).await;
    let waiting = bed.get(id).await;
    let shown = shown(&waiting);
    assert_eq!(shown["action"], "refund");
    assert_eq!(shown["subject"], json!({ "cents": 4_200, "to": "ann" }));
    assert_eq!(shown["token"].as_str().unwrap().len(), 32);
    let since = waiting.status.wait.as_ref().unwrap().waiting_since;
    let expires = since.after(Duration::from_secs(2 * 86_400));
    assert_eq!(shown["expiresAt"], json!(expires));
    assert_eq!(waiting.status.due, Some(expires));
}

async fn an_approved_flow_goes_on_with_the_decision(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("refund", refund);
    let id = asked(&bed).await;
    bed.engine.decide(id, approve(token(&bed, id).await)).await.unwrap();
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!({ "approved": true, "by": "bob" })));
    let timeline = bed.engine.timeline(id).await.unwrap();
    assert_eq!(timeline.entries.len(), 1);
    assert_eq!(timeline.entries[0].kind, JournalKind::Approval);
    assert_eq!(timeline.entries[0].value.as_ref().unwrap()["by"], "bob");
}

async fn a_rejection_is_an_answer_and_no_error(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("refund", refund);
    let id = asked(&bed).await;
    let token = token(&bed, id).await;
    bed.engine.decide(id, Decision::Reject { token, by: None, note: None }).await.unwrap();
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!({ "approved": false, "by": null })));
}

async fn a_decision_needs_the_token(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("refund", refund);
    let id = asked(&bed).await;
    for wrong in ["", "guess", &"0".repeat(32)] {
        let error = bed.engine.decide(id, approve(wrong.to_owned())).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidToken);
    }
    let other = bed.engine.decide(id, Decision::DidNotHappen).await.unwrap_err();
    assert_eq!(other.code(), ErrorCode::InvalidState);
    assert_eq!(bed.get(id).await.state(), ExecutionState::Waiting);
}

async fn a_token_is_good_for_one_decision(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("refund", async |ctx: FlowContext| {
        let mut answers = Vec::new();
        for cents in [1, 2] {
            answers.push(ctx.approval(Approval::of("refund", &cents)).await?.approved);
        }
        Ok(FlowOutcome::Complete(json!(answers)))
    });
    let id = asked(&bed).await;
    let first = token(&bed, id).await;
    bed.engine.decide(id, approve(first.clone())).await.unwrap();
    crate::bed::eventually(async || {
        let wait = bed.get(id).await.status.wait?;
        (wait.path.as_deref() == Some("approval#2")).then_some(())
    })
    .await;
    let error = bed.engine.decide(id, approve(first)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidToken);
    bed.engine.decide(id, approve(token(&bed, id).await)).await.unwrap();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!([true, true])));
}

async fn an_approval_expires_with_its_flow(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("refund", refund);
    let id = asked(&bed).await;
    let token = token(&bed, id).await;
    bed.advance(Duration::from_secs(2 * 86_400)).await;
    assert_eq!(code(&bed.ended(id).await), "WAIT_TIMEOUT");
    let error = bed.engine.decide(id, approve(token)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidState);
}

async fn a_plain_resume_is_no_approval(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("refund", refund);
    let id = asked(&bed).await;
    let error = bed.engine.resume(id, Some(json!({ "approved": true }))).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidState);
    assert_eq!(bed.get(id).await.state(), ExecutionState::Waiting);
}

async fn an_approval_is_taken_after_a_restart(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("refund", refund);
    let id = asked(&bed).await;
    let token = token(&bed, id).await;
    let bed = bed.reopened(kind).await;
    bed.engine.decide(id, approve(token)).await.unwrap();
    bed.register("refund", refund);
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!({ "approved": true, "by": "bob" })));
}

async fn the_token_of_an_open_approval_can_be_sent_and_stays_the_same(kind: Kind) {
    let bed = Bed::new(kind).await;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let outbox = Arc::clone(&sent);
    bed.register("refund", move |ctx: FlowContext| {
        let outbox = Arc::clone(&outbox);
        async move {
            let approval = ctx.open_approval(Approval::of("refund", &1)).await?;
            let token = approval.token().to_owned();
            ctx.step("mail", async move {
                outbox.lock().push(token);
                Ok(())
            })
            .await?;
            Ok(FlowOutcome::Complete(json!(approval.answer().await?.approved)))
        }
    });
    let id = asked(&bed).await;
    let shown = token(&bed, id).await;
    assert_eq!(*sent.lock(), [shown]);
    bed.engine.decide(id, approve(token(&bed, id).await)).await.unwrap();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!(true)));
    assert_eq!(sent.lock().len(), 1);
}

async fn a_subject_that_has_changed_is_not_approved_by_the_old_decision(kind: Kind) {
    let bed = Bed::new(kind).await;
    let cents = Arc::new(Mutex::new(1));
    let amount = Arc::clone(&cents);
    bed.register("refund", move |ctx: FlowContext| {
        let cents = *amount.lock();
        async move {
            let answer = ctx.approval(Approval::of("refund", &cents)).await?;
            Ok(FlowOutcome::Complete(json!([cents, answer.approved])))
        }
    });
    let id = asked(&bed).await;
    *cents.lock() = 1_000_000;
    bed.engine.decide(id, approve(token(&bed, id).await)).await.unwrap();
    assert_eq!(code(&bed.ended(id).await), "JOURNAL_DIVERGED");
}
