//! Which place of the journal something has, in one run and in the next.

use std::time::Duration;

use runcor_core::{
    Approval, Clock, Error, ErrorCode, FlowContext, FlowError, JournalKind, ModelRequest,
    ModelResponse, WaitKind, WaitSignal,
};
use serde_json::json;

use crate::support::Bed;

fn said(text: &str) -> ModelResponse {
    ModelResponse { text: text.to_owned(), ..ModelResponse::default() }
}

/// Runs `work` until it has nothing to do but wait, and drops it.
async fn dropped<T>(work: impl Future<Output = T>) {
    tokio::select! {
        biased;
        _ = work => {}
        () = async { for _ in 0..10 { tokio::task::yield_now().await; } } => {}
    }
}

#[tokio::test]
async fn a_step_that_is_dropped_leaves_its_place_to_the_next_attempt() {
    let bed = Bed::new();
    let ctx = bed.ctx();
    dropped(ctx.step("pay", std::future::pending::<Result<u32, FlowError>>())).await;
    assert_eq!(ctx.step("pay", async { Ok(7) }).await.unwrap(), 7);
    assert_eq!(bed.journal.paths(), [("pay#1".to_owned(), true)]);
    // The next run finds the result, and does not do it again.
    assert_eq!(bed.ctx().step("pay", async { Ok(8) }).await.unwrap(), 7);
}

#[tokio::test]
async fn a_non_idempotent_step_that_is_dropped_is_not_run_again_in_the_same_run() {
    let bed = Bed::new();
    let ctx = bed.ctx();
    let pay = |ctx: FlowContext, is_quick: bool| async move {
        let step = ctx.describe_step("pay").non_idempotent();
        let work = async move |_| {
            if !is_quick {
                std::future::pending::<()>().await;
            }
            Ok(7)
        };
        step.run(work).await
    };
    dropped(pay(ctx.clone(), false)).await;
    let doubt = pay(ctx, true).await.unwrap_err().into_suspension().unwrap();
    assert_eq!((doubt.kind, doubt.path.as_deref()), (WaitKind::Decision, Some("pay#1")));
}

#[tokio::test]
async fn what_a_failed_attempt_did_inside_of_a_step_is_not_done_again_by_the_next() {
    let bed = Bed::new();
    let ctx = bed.ctx();
    bed.models.answers.lock().push_back(Ok(said("one")));
    let attempt = async |fails: bool| {
        let model = ctx.model();
        ctx.step("outer", async {
            let answer = model.complete(ModelRequest::prompt("x")).await?;
            if fails { Err(FlowError::retryable("busy")) } else { Ok(answer.text) }
        })
        .await
    };
    attempt(true).await.unwrap_err();
    assert_eq!(attempt(false).await.unwrap(), "one");
    assert_eq!(bed.models.asked.lock().len(), 1);
}

#[tokio::test]
async fn a_model_call_that_nobody_answered_may_ask_something_else_later() {
    let bed = Bed::new();
    let down = Error::new(ErrorCode::ProviderError, "down").retryable(None);
    bed.models.answers.lock().extend([Err(down), Ok(said("yes"))]);
    let ask = async |prompt: &str| bed.ctx().model().complete(ModelRequest::prompt(prompt)).await;
    ask("old words").await.unwrap_err();
    assert_eq!(bed.journal.paths(), [("model#1".to_owned(), false)]);
    assert_eq!(ask("new words").await.unwrap().text, "yes");
    // What is answered stays with its question.
    assert_eq!(ask("old words").await.unwrap_err().code(), ErrorCode::JournalDiverged);
}

#[tokio::test]
async fn a_webhook_that_may_have_happened_does_not_turn_into_another_one() {
    let bed = Bed::new();
    let ctx = bed.ctx();
    dropped(ctx.describe_step("pay").request(&1).run(|_| std::future::pending::<Result<(), _>>()))
        .await;
    let other = bed.ctx();
    let failure = other.describe_step("pay").request(&2).run(async |_| Ok(())).await.unwrap_err();
    assert_eq!(failure.code(), Some("JOURNAL_DIVERGED"));
}

#[tokio::test]
async fn a_model_call_that_takes_too_long_is_a_failure_that_may_pass() {
    let bed = Bed::new();
    let ctx = bed.ctx();
    let slow = ctx.model().within(Duration::from_secs(2));
    let asking = slow.complete(ModelRequest::prompt("x"));
    tokio::pin!(asking);
    let failure = loop {
        tokio::select! {
            biased;
            answer = &mut asking => break answer.unwrap_err(),
            () = tokio::task::yield_now() => {
                bed.clock.next_wake().into_iter().for_each(|wake| bed.clock.set(wake));
            }
        }
    };
    assert_eq!((failure.code(), failure.is_retryable()), (ErrorCode::StepFailed, true));
    bed.models.answers.lock().push_back(Ok(said("yes")));
    slow.complete(ModelRequest::prompt("x")).await.unwrap();
    assert_eq!(bed.journal.paths(), [("model#1".to_owned(), true)]);
}

#[tokio::test]
async fn waits_sleeps_and_approvals_with_names_have_places_of_their_own() {
    let bed = Bed::new();
    let pause = |error: FlowError| error.into_suspension().unwrap();
    let ctx = bed.ctx();
    let wait = pause(ctx.wait_named("signature", WaitSignal::new("x")).await.unwrap_err());
    assert_eq!(wait.path.as_deref(), Some("signature#1"));
    let until = bed.clock.now().after(Duration::from_secs(9));
    let sleep = pause(ctx.sleep_until("rest", until).await.unwrap_err());
    assert_eq!((sleep.path.as_deref(), sleep.wake_at), (Some("rest#1"), Some(until)));
    let approval = Approval::of("refund", &json!(1)).named("boss");
    let approval = pause(ctx.approval(approval).await.unwrap_err());
    assert_eq!(approval.path.as_deref(), Some("boss#1"));
    let missing = ctx.call_named("child", "charge", json!(1)).await.unwrap_err();
    assert_eq!(missing.code(), Some("FLOW_NOT_FOUND"));
}

#[tokio::test]
async fn a_sleep_that_has_begun_ends_when_it_was_going_to() {
    let bed = Bed::new();
    let after = |seconds| bed.clock.now().after(Duration::from_secs(seconds));
    let (soon, late) = (after(5), after(500));
    let pause = bed.ctx().sleep_until("rest", soon).await.unwrap_err().into_suspension().unwrap();
    bed.journal.entries.lock().extend(pause.intents);
    let again = bed.ctx().sleep_until("rest", late).await.unwrap_err().into_suspension().unwrap();
    assert_eq!(again.wake_at, Some(soon));
    bed.clock.set(soon);
    bed.ctx().sleep_until("rest", late).await.unwrap();
    assert_eq!(bed.journal.entries.lock()[0].kind, JournalKind::Sleep);
}

#[tokio::test]
async fn an_approval_keeps_its_token_from_run_to_run() {
    let bed = Bed::new();
    let approval = || Approval::of("refund", &json!(1));
    let first = bed.ctx().open_approval(approval()).await.unwrap().token().to_owned();
    let again = bed.ctx().open_approval(approval()).await.unwrap().token().to_owned();
    assert_eq!(first, again);
}

#[tokio::test]
async fn branches_with_names_have_paths_that_do_not_depend_on_their_order() {
    let bed = Bed::new();
    let run = async |names: [&'static str; 2]| {
        let ctx = bed.ctx();
        let branch = |name: &'static str| {
            let ctx = ctx.clone();
            (name, async move { ctx.step("x", async move { Ok(name.to_owned()) }).await })
        };
        ctx.join_named("both", names.map(branch)).await.unwrap()
    };
    assert_eq!(run(["a", "b"]).await, ["a", "b"]);
    assert_eq!(run(["b", "a"]).await, ["b", "a"]);
    let paths: Vec<_> = bed.journal.paths().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["both#1/a/x#1", "both#1/b/x#1"]);
}

#[tokio::test]
async fn a_question_that_was_asked_instead_of_another_keeps_its_answer() {
    let bed = Bed::new();
    let down = || Err(Error::new(ErrorCode::ProviderError, "down").retryable(None));
    bed.models.answers.lock().extend([down(), Ok(said("small")), down()]);
    for _ in 0..2 {
        let model = bed.ctx().model();
        model.complete(ModelRequest::prompt("big")).await.unwrap_err();
        let answer = model.complete(ModelRequest::prompt("small")).await.unwrap();
        assert_eq!(answer.text, "small");
    }
    assert_eq!(bed.models.asked.lock().len(), 3);
    assert_eq!(bed.journal.paths(), [("model#1".to_owned(), false), ("model#2".to_owned(), true)]);
}

#[tokio::test]
async fn what_the_branches_of_a_failed_join_did_is_not_done_again_by_the_next_attempt() {
    let bed = Bed::new();
    let ctx = bed.ctx();
    let attempt = async |ctx: &FlowContext, fails: bool| {
        let branch = |number: u32| {
            let work = async move {
                let is_busy = fails && number == 1;
                if is_busy { Err(FlowError::retryable("busy")) } else { Ok(number) }
            };
            let ctx = ctx.clone();
            async move { ctx.step("x", work).await }
        };
        ctx.join("both", [0, 1].map(branch)).await
    };
    attempt(&ctx, true).await.unwrap_err();
    assert_eq!(attempt(&ctx, false).await.unwrap(), [0, 1]);
    let paths: Vec<_> = bed.journal.paths().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["both#1/0/x#1", "both#1/1/x#1"]);
    // The next run meets the attempt that succeeded.
    assert_eq!(attempt(&bed.ctx(), true).await.unwrap(), [0, 1]);
}
