//! Flow files that change while an execution is under way.

use std::sync::atomic::Ordering;

use runcor_core::{Error, ErrorCode, Outcome};
use serde_json::json;

use crate::support::{Run, Server};

const ASK: &str = "  - { name: ask, kind: agent, input: words }\n";
const SIGN: &str = "  - { name: sign, kind: wait }\n";

/// A run of `steps` that is done with all before its wait.
async fn waiting(steps: &str) -> Run {
    let run = Run::new(&file(steps), json!({ "a": 1 }));
    run.models.echoes.store(true, Ordering::SeqCst);
    run.pause().await;
    run
}

fn file(steps: &str) -> String {
    format!("name: f\nsteps:\n{steps}")
}

#[tokio::test]
async fn a_step_added_before_one_that_is_done_runs_and_takes_nobodys_answer() {
    let run = waiting(&format!("{ASK}{SIGN}")).await;
    let added = "  - { name: new, kind: agent, input: news }\n";
    let run = run.edited(&file(&format!("{added}{ASK}{SIGN}")));
    run.pause().await;
    let prompts: Vec<_> = run.models.asked().into_iter().filter_map(|asked| asked.prompt).collect();
    assert_eq!(prompts, ["words", "news"], "the new step runs, the old one does not run again");
}

#[tokio::test]
async fn a_wait_added_before_one_that_was_answered_does_not_get_its_answer() {
    let run = waiting(SIGN).await;
    let pause = run.pause().await;
    run.answer(&pause, Outcome::Done(json!("signed"))).await.unwrap();
    let run = run.edited(&file(&format!("  - {{ name: other, kind: wait }}\n{SIGN}")));
    assert_eq!(run.pause().await.path.as_deref(), Some("other#1"));
}

#[tokio::test]
async fn a_step_that_is_done_and_would_now_ask_something_else_fails_the_execution() {
    let run = waiting(&format!("{ASK}{SIGN}")).await;
    let run = run.edited(&file(&format!("{}{SIGN}", ASK.replace("words", "other words"))));
    let failure = run.go().await.unwrap_err();
    assert_eq!(failure.code(), Some("JOURNAL_DIVERGED"));
    assert!(failure.message().starts_with("step 'ask': "), "{failure}");
    assert!(
        failure.message().contains(" at ask#1 ") && failure.message().contains("on_divergence")
    );
    assert_eq!(run.models.asked().len(), 1, "nothing is asked on a guess");
}

#[tokio::test]
async fn a_step_whose_input_comes_from_an_added_one_has_diverged_too() {
    let run = waiting(&format!("{ASK}{SIGN}")).await;
    let added = "  - { name: new, kind: agent, input: news }\n";
    let changed = ASK.replace("words", "$.steps.new.output.text");
    let run = run.edited(&file(&format!("{added}{changed}{SIGN}")));
    assert_eq!(run.go().await.unwrap_err().code(), Some("JOURNAL_DIVERGED"));
}

#[tokio::test]
async fn with_rerun_a_changed_step_runs_again_and_its_new_result_counts() {
    let run = waiting(&format!("{ASK}{SIGN}")).await;
    let changed = ASK.replace("words", "other words");
    let last = "  - { name: last, kind: agent, input: $.steps.ask.output.text }\n";
    let run =
        run.edited(&format!("on_divergence: rerun\n{}", file(&format!("{changed}{SIGN}{last}"))));
    let pause = run.pause().await;
    assert_eq!(run.models.asked().len(), 2);
    run.answer(&pause, Outcome::Done(json!(null))).await.unwrap();
    assert_eq!(run.go().await.unwrap(), json!({ "text": "other words" }));
    assert_eq!(run.models.asked().len(), 3, "what has run again is remembered");
}

#[tokio::test]
async fn a_webhook_that_is_done_does_not_turn_into_another_one() {
    let server = Server::echoing().await;
    let tell = |path: &str, n: u32| {
        format!(
            "  - {{ name: tell, kind: webhook, url: 'http://hooks.example.com:{}/{path}', input: {n} }}\n",
            server.port
        )
    };
    let run = waiting(&format!("{}{SIGN}", tell("a", 1))).await;
    let run = run.edited(&file(&format!(
        "{}{SIGN}",
        tell("a", 1).replace("input: 1", "input: 1, headers: { A: b }")
    )));
    run.pause().await;
    for changed in [tell("b", 1), tell("a", 2)] {
        let edited = again(&run).edited(&file(&format!("{changed}{SIGN}")));
        let failure = edited.go().await;
        assert_eq!(failure.unwrap_err().code(), Some("JOURNAL_DIVERGED"));
    }
    assert_eq!(server.requests().len(), 1);
}

/// The same execution once more.
fn again(run: &Run) -> Run {
    Run {
        journal: run.journal.clone(),
        models: run.models.clone(),
        calls: run.calls.clone(),
        http: run.http.clone(),
        clock: run.clock.clone(),
        spec: run.spec.clone(),
        flow: run.flow.clone(),
    }
}

#[tokio::test]
async fn a_question_that_nobody_has_answered_yet_may_be_improved() {
    let run = Run::new(&file(ASK), json!({}));
    let down = Error::new(ErrorCode::ProviderError, "down").retryable(None);
    run.models.answer(Err(down));
    run.go().await.unwrap_err();
    run.models.echoes.store(true, Ordering::SeqCst);
    let run = run.edited(&file(&ASK.replace("words", "better words")));
    assert_eq!(run.go().await.unwrap(), json!({ "text": "better words" }));
}

#[tokio::test]
async fn an_approval_of_something_else_does_not_count() {
    let boss = "  - { name: boss, kind: approval, action: refund, subject: { cents: 5 } }\n";
    let run = waiting(boss).await;
    let pause = run.pause().await;
    let answer =
        json!({ "approved": true, "by": "ann", "note": null, "at": "2026-01-01T00:00:00.000Z" });
    run.answer(&pause, Outcome::Done(answer)).await.unwrap();
    run.go().await.unwrap();
    let run = run.edited(&file(&boss.replace("5", "500000")));
    assert_eq!(run.go().await.unwrap_err().code(), Some("JOURNAL_DIVERGED"));
}

#[tokio::test]
async fn branches_keep_their_results_when_others_are_put_before_them() {
    let branch = |name: &str| {
        format!("      {name}: [{{ name: ask-{name}, kind: agent, input: {name} }}]\n")
    };
    let fan = |branches: &str| {
        format!("  - name: fan\n    kind: parallel\n    branches:\n{branches}{SIGN}")
    };
    let run = waiting(&fan(&branch("a"))).await;
    let run = run.edited(&file(&fan(&format!("{}{}", branch("b"), branch("a")))));
    run.pause().await;
    let prompts: Vec<_> = run.models.asked().into_iter().filter_map(|asked| asked.prompt).collect();
    assert_eq!(prompts, ["a", "b"]);
}
