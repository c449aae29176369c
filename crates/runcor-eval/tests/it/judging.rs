//! What the worker does with executions as they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcor_core::{
    Confidence, Error, ErrorCode, Event, ExecutionState, FlagSource, FlagStatus, FlowName, Hook,
    Op, Store, StoreError,
};
use runcor_eval::{Judgement, Registration, Thresholds};
use runcor_testkit::{ExecutionBuilder, Fate, StoreCall};
use serde_json::json;

use crate::support::{Bed, Hangs, complete, failed, idle, says, scores};

fn down() -> StoreError {
    StoreError::Unavailable { message: "down".to_owned() }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.unwrap_err().code()
}

#[tokio::test]
async fn two_evaluators_of_one_dimension_come_to_its_mean() {
    let bed = Bed::new();
    bed.evaluators.add(Registration::new(scores("late", "x", 0.8)).priority(20)).unwrap();
    bed.evaluators.add(Registration::new(scores("early", "x", 0.4)).priority(1)).unwrap();
    bed.evaluators.add(Registration::new(scores("beyond", "y", 7.0))).unwrap();
    bed.evaluators.add(Registration::new(scores("below", "z", -7.0)).weight(0.0)).unwrap();
    bed.start();
    let id = bed.end_with(json!("ok")).await.id();
    bed.settled().await;
    let found = bed.store.quality().evaluation(id).await.unwrap().unwrap();
    assert!((found.aggregate_scores["x"] - 0.6).abs() < 1e-12);
    assert!((found.aggregate_scores["y"] - 1.0).abs() < 1e-12);
    assert!(!found.aggregate_scores.contains_key("z"));
    assert!((found.overall_score - 0.8).abs() < 1e-12);
    assert_eq!(found.confidence, Confidence::High);
    let names: Vec<_> =
        found.evaluator_results.iter().map(|it| it.evaluator_name.as_str()).collect();
    assert_eq!(names, ["early", "beyond", "below", "late"]);
    assert!(found.evaluator_results[2].scores["z"].abs() < f64::EPSILON);
}

#[tokio::test]
async fn an_evaluators_own_thresholds_say_what_its_scores_mean() {
    let bed = Bed::new();
    let strict = Thresholds { high: 0.99, medium: 0.95 };
    bed.evaluators.add(Registration::new(scores("strict", "x", 0.9)).thresholds(strict)).unwrap();
    bed.evaluators.add(Registration::new(scores("usual", "x", 0.8))).unwrap();
    bed.evaluators.add(Registration::new(says("silent", |_| Ok(Judgement::none())))).unwrap();
    bed.start();
    bed.end_with(json!("ok")).await;
    bed.settled().await;
    let said: Vec<_> = bed
        .events()
        .await
        .into_iter()
        .filter_map(|event| match event {
            Event::EvalScore(score) => Some((score.evaluator_name, score.confidence)),
            _ => None,
        })
        .collect();
    let expected = [
        ("strict".to_owned(), Confidence::Low),
        ("usual".to_owned(), Confidence::High),
        ("silent".to_owned(), Confidence::Medium),
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn failures_panics_and_slow_evaluators_are_recorded_beside_those_that_score() {
    let bed = Bed::new();
    let broken = |_: &_| Err(Error::new(ErrorCode::ProviderError, "no line"));
    bed.evaluators.add(Registration::new(says("broken", broken))).unwrap();
    bed.evaluators.add(Registration::new(says("panics", |_| panic!("on purpose")))).unwrap();
    bed.evaluators.add(Registration::new(scores("no number", "x", f64::NAN))).unwrap();
    bed.evaluators.add(Registration::new(Hangs).timeout(Duration::from_secs(5))).unwrap();
    bed.evaluators.add(Registration::new(scores("good", "x", 1.0))).unwrap();
    bed.start();
    let before = bed.end_with(json!("ok")).await;
    idle().await;
    assert_eq!(bed.unevaluated().await, 1, "one still works");
    bed.clock.advance(Duration::from_secs(5));
    bed.settled().await;
    let found = bed.store.quality().evaluation(before.id()).await.unwrap().unwrap();
    let errors: Vec<_> = found
        .errors
        .iter()
        .map(|it| (it.evaluator_name.as_str(), it.error.as_str(), it.timed_out))
        .collect();
    let expected = [
        ("broken", "no line", false),
        ("panics", "the evaluator panicked", false),
        ("no number", "the score of x is no number", false),
        ("hangs", "took longer than 5000 ms", true),
    ];
    assert_eq!(errors, expected);
    assert!((found.overall_score - 1.0).abs() < 1e-12);
    assert_eq!(bed.store.quality().flag(before.id()).await.unwrap(), None);
    let after = bed.store.execution(before.id()).await.unwrap().unwrap();
    assert_eq!(after, before, "the execution is as it was");
    let Some(Event::EvalComplete(end)) = bed.events().await.pop() else { panic!("no end") };
    assert_eq!((end.evaluator_count, end.error_count), (1, 4));
}

#[tokio::test]
async fn when_every_evaluator_fails_there_is_an_evaluation_and_no_flag() {
    let bed = Bed::made(|it| it.with_auto_flag_threshold(Some(0.9)));
    let broken = |_: &_| Err(Error::new(ErrorCode::ProviderError, "no line"));
    bed.evaluators.add(Registration::new(says("broken", broken))).unwrap();
    bed.start();
    let id = bed.end_with(json!("ok")).await.id();
    bed.settled().await;
    let found = bed.store.quality().evaluation(id).await.unwrap().unwrap();
    assert_eq!((found.overall_score, found.errors.len()), (0.0, 1));
    assert_eq!(bed.store.quality().flag(id).await.unwrap(), None);
}

#[tokio::test]
async fn a_doubtful_result_gets_one_pending_flag_and_one_event() {
    let bed = Bed::made(|it| it.with_auto_flag_threshold(Some(0.7)));
    bed.evaluators.add(Registration::new(scores("a", "x", 0.6))).unwrap();
    bed.start();
    let id = bed.end_with(json!("ok")).await.id();
    bed.settled().await;
    let flag = bed.store.quality().flag(id).await.unwrap().unwrap();
    assert_eq!((flag.status, flag.source), (FlagStatus::Pending, FlagSource::Auto));
    assert_eq!(flag.reason, "x scores 0.60, which is below 0.7");
    let kinds: Vec<_> = bed
        .events()
        .await
        .iter()
        .map(|event| match event {
            Event::EvalScore(_) => "score",
            Event::EvalFlagged(flagged) => {
                assert_eq!((flagged.status, &flagged.reason), (flag.status, &flag.reason));
                "flagged"
            }
            Event::EvalComplete(_) => "complete",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["score", "flagged", "complete"]);
}

#[tokio::test]
async fn only_what_is_complete_and_wanted_is_noted_at_the_end() {
    let bed = Bed::new();
    let here = [FlowName::new("f").unwrap()];
    bed.evaluators.add(Registration::new(scores("a", "x", 1.0)).flows(here)).unwrap();
    let mine = complete(ExecutionBuilder::new("f"), json!(1));
    let other = complete(ExecutionBuilder::new("g"), json!(1));
    assert!(
        matches!(&bed.evaluators.before_end(&mine)[..], [Op::AwaitEvaluation { id }] if *id == mine.id())
    );
    assert!(bed.evaluators.before_end(&other).is_empty());
    assert!(bed.evaluators.remove("a"));
    assert!(!bed.evaluators.remove("a"));
    assert!(bed.evaluators.before_end(&mine).is_empty());
}

#[tokio::test]
async fn what_has_failed_vanished_or_is_wanted_no_more_is_passed_over() {
    let bed = Bed::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let say = move |_: &_| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Judgement::none())
    };
    let here = [FlowName::new("f").unwrap()];
    bed.evaluators.add(Registration::new(says("a", say)).flows(here)).unwrap();
    bed.end(failed(ExecutionBuilder::new("f"))).await;
    let gone = bed.end_with(json!(1)).await;
    let delete = Op::Delete { id: gone.id(), expect: gone.fence() };
    bed.store.commit(runcor_core::Batch::new().with(delete)).await.unwrap();
    // As a removed evaluator leaves it behind.
    let unwanted = complete(ExecutionBuilder::new("g"), json!(1));
    let note = Op::AwaitEvaluation { id: unwanted.id() };
    let batch = runcor_core::Batch::new().insert(unwanted).with(note);
    bed.store.commit(batch).await.unwrap();
    bed.start();
    bed.settled().await;
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert!(bed.events().await.is_empty());
}

#[tokio::test]
async fn what_a_process_left_behind_is_judged_by_the_next() {
    let bed = Bed::new();
    bed.evaluators.add(Registration::new(Hangs).timeout(Duration::from_secs(5))).unwrap();
    let worker = bed.start();
    let id = bed.end_with(json!(1)).await.id();
    idle().await;
    bed.stop();
    worker.await.unwrap();
    assert_eq!(bed.unevaluated().await, 1);
    let next = runcor_eval::Evaluators::new(bed.store.clone(), Arc::new(bed.clock.clone()));
    next.add(Registration::new(scores("a", "x", 1.0))).unwrap();
    tokio::spawn(Arc::new(next).run(tokio_util::sync::CancellationToken::new()));
    bed.settled().await;
    assert!(bed.store.quality().evaluation(id).await.unwrap().is_some());
}

#[tokio::test]
async fn no_more_than_so_many_are_judged_at_the_same_time_and_a_slow_one_holds_up_none() {
    let bed = Bed::made(|it| it.with_concurrency(2));
    let slow = Registration::new(Hangs).timeout(Duration::from_secs(5));
    bed.evaluators.add(slow.flows([FlowName::new("slow").unwrap()])).unwrap();
    bed.evaluators.add(Registration::new(scores("a", "x", 1.0))).unwrap();
    bed.start();
    bed.end(complete(ExecutionBuilder::new("slow"), json!(1))).await;
    for _ in 0..20 {
        bed.end_with(json!(1)).await;
    }
    idle().await;
    assert_eq!(bed.unevaluated().await, 1, "all but the slow one");
    bed.end(complete(ExecutionBuilder::new("slow"), json!(1))).await;
    bed.end_with(json!(1)).await;
    idle().await;
    assert_eq!(bed.unevaluated().await, 3, "both places are taken");
    bed.clock.advance(Duration::from_secs(5));
    bed.settled().await;
}

#[tokio::test]
async fn trouble_of_the_store_delays_an_evaluation_and_repeats_none_of_it() {
    let bed = Bed::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let say = move |_: &_| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Judgement::score("x", 0.1))
    };
    bed.evaluators.add(Registration::new(says("a", say))).unwrap();
    bed.end_with(json!(1)).await;
    // The next commit is applied, though nobody learns of it; before that one is refused.
    bed.store.fail_before(2, down());
    bed.store.fail_after(3, down());
    bed.start();
    for _ in 0..10 {
        idle().await;
        bed.clock.advance(Duration::from_secs(30));
    }
    bed.settled().await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(bed.events().await.len(), 3, "score, flag and end, once");
}

#[tokio::test]
async fn a_list_that_can_t_be_read_is_read_later() {
    let bed = Bed::new();
    bed.evaluators.add(Registration::new(scores("a", "x", 1.0))).unwrap();
    let once = |call: &StoreCall<'_>| matches!(call, StoreCall::Read("execution"));
    bed.store.decide_once(once, Fate::Refuse(down()));
    let id = bed.end_with(json!(1)).await.id();
    bed.start();
    for _ in 0..5 {
        idle().await;
        bed.clock.advance(Duration::from_secs(1));
    }
    bed.settled().await;
    assert!(bed.store.quality().evaluation(id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_flag_that_was_put_by_hand_stays_as_it_is() {
    use runcor_core::{Caller, Quality};
    let bed = Bed::new();
    let execution = bed.end_with(json!(1)).await;
    let reason = Some("look".to_owned());
    let by_hand = bed.evaluators.flag(&Caller::default(), execution.id(), reason).await.unwrap();
    bed.evaluators.add(Registration::new(scores("a", "x", 0.0))).unwrap();
    bed.evaluators.evaluate(&Caller::default(), execution.id()).await.unwrap();
    let found = bed.store.quality().flag(execution.id()).await.unwrap();
    assert_eq!(found, Some(by_hand));
}

#[tokio::test]
async fn a_sample_is_judged_and_the_rest_only_on_demand() {
    use runcor_core::{Caller, Quality};
    let bed = Bed::new();
    bed.evaluators.add(Registration::new(scores("never", "x", 1.0)).sample(0.0)).unwrap();
    let execution = bed.end_with(json!(1)).await;
    assert_eq!(bed.unevaluated().await, 0);
    bed.evaluators.add(Registration::new(scores("half", "y", 1.0)).sample(0.5)).unwrap();
    let noted = |_| {
        let one = complete(ExecutionBuilder::new("f"), json!(1));
        let (first, again) = (bed.evaluators.before_end(&one), bed.evaluators.before_end(&one));
        assert_eq!(first.len(), again.len());
        first.len()
    };
    let count: usize = (0..400).map(noted).sum();
    assert!((150..250).contains(&count), "{count} of 400");
    let found = bed.evaluators.evaluate(&Caller::default(), execution.id()).await.unwrap();
    assert_eq!(found.evaluator_results.len(), 2);
}

#[tokio::test]
async fn evaluators_that_can_t_work_are_refused() {
    let bed = Bed::new();
    let add = |registration| bed.evaluators.add(registration);
    let one = || Registration::new(scores("a", "x", 1.0));
    add(one()).unwrap();
    assert_eq!(code(add(one())), ErrorCode::DuplicateEvaluator);
    let other = || Registration::new(scores("b", "x", 1.0));
    let thresholds = |high, medium| other().thresholds(Thresholds { high, medium });
    let bad = [
        Registration::new(scores(" ", "x", 1.0)),
        other().priority(0),
        other().timeout(Duration::ZERO),
        thresholds(0.5, 0.5),
        thresholds(0.5, 0.6),
        thresholds(f64::NAN, 0.5),
        thresholds(1.1, 0.5),
        other().weight(-1.0),
        other().weight(f64::INFINITY),
        other().sample(1.1),
        other().sample(f64::NAN),
    ];
    for registration in bad {
        assert_eq!(code(add(registration)), ErrorCode::InvalidEvaluatorConfig);
    }
    assert_eq!(bed.evaluators.names(), ["a"]);
}

#[tokio::test]
async fn what_evaluators_say_is_bounded() {
    let bed = Bed::new();
    let say = |_: &_| {
        let all = (0..1000).fold(Judgement::none().with_feedback("ä".repeat(100_000)), |it, n| {
            it.and(format!("{n}{}", "d".repeat(1000)), 1.0).with_label("l".repeat(1000))
        });
        Ok(all)
    };
    bed.evaluators.add(Registration::new(says("much", say))).unwrap();
    bed.start();
    let execution = bed.end_with(json!(1)).await;
    bed.settled().await;
    assert_eq!(execution.state(), ExecutionState::Complete);
    let found = bed.store.quality().evaluation(execution.id()).await.unwrap().unwrap();
    let size = serde_json::to_string(&found).unwrap().len();
    assert!(size < 100_000, "{size} bytes");
}
