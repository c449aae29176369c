//! Judging and comparing executions that ended long ago.

use std::time::Duration;

use runcor_core::{
    AttemptId, AttemptOutcome, Batch, Caller, ComparisonVerdict, Error, ErrorCode, Execution,
    ExecutionSet, FlowName, ForkChanges, ForkOrigin, LedgerEntry, Money, Op, PastQuery, Quality,
    Store, Timestamp, Usage,
};
use runcor_eval::{JUDGE_FLOW, Judgement, Registration};
use runcor_testkit::ExecutionBuilder;
use serde_json::json;

use crate::support::{Bed, complete, failed, of_tenant, says};

const START: i64 = 1_767_225_600_000;

fn minute(number: i64) -> Timestamp {
    Timestamp::from_millis(START + number * 60_000)
}

fn flow(name: &str) -> Option<FlowName> {
    Some(FlowName::new(name).unwrap())
}

/// An evaluator whose score is the result.
fn mirror() -> Registration {
    Registration::new(says("mirror", |ctx| {
        Ok(Judgement::score("x", ctx.output().as_f64().unwrap_or(0.0)))
    }))
}

async fn past(bed: &Bed, count: i64) {
    for number in 0..count {
        let builder = ExecutionBuilder::new("f").queued_at(minute(number));
        bed.end(complete(builder, json!(0.5))).await;
    }
}

async fn judged(bed: &Bed, query: PastQuery) -> (Vec<usize>, usize, usize) {
    let (mut sizes, mut skipped, mut evaluated) = (Vec::new(), 0, 0);
    let mut query = query;
    loop {
        let found = bed.evaluators.evaluate_past(&Caller::default(), &query).await.unwrap();
        sizes.push(found.looked_at);
        skipped += found.skipped;
        evaluated += found.evaluations.len();
        assert_eq!(found.failed, []);
        query.after = found.next;
        if query.after.is_none() {
            return (sizes, skipped, evaluated);
        }
    }
}

#[tokio::test]
async fn the_past_is_judged_in_chunks_and_only_once_unless_asked_for() {
    let bed = Bed::new();
    past(&bed, 25).await;
    bed.end(complete(ExecutionBuilder::new("g").queued_at(minute(25)), json!(1))).await;
    bed.end(failed(ExecutionBuilder::new("f").queued_at(minute(26)))).await;
    bed.evaluators.add(mirror()).unwrap();
    let query = PastQuery { flow: flow("f"), limit: 10, ..PastQuery::default() };
    let (sizes, skipped, evaluated) = judged(&bed, query.clone()).await;
    assert_eq!((sizes.iter().sum::<usize>(), skipped, evaluated), (25, 0, 25));
    assert!(sizes.iter().all(|size| *size <= 10));
    assert_eq!(judged(&bed, query.clone()).await.1, 25, "all are known");
    let again = PastQuery { again: true, ..query };
    assert_eq!(judged(&bed, again).await.2, 25);
}

#[tokio::test]
async fn the_past_has_a_beginning_and_an_end() {
    let bed = Bed::new();
    past(&bed, 20).await;
    bed.evaluators.add(mirror()).unwrap();
    let (since, until) = (Some(minute(5)), Some(minute(8)));
    let query = PastQuery { since, until, limit: 4, ..PastQuery::default() };
    let (_, _, evaluated) = judged(&bed, query).await;
    assert_eq!(evaluated, 3);
}

#[tokio::test]
async fn sets_are_compared_by_scores_success_cost_and_time() {
    let bed = Bed::new();
    for number in 0..8 {
        let old = ExecutionBuilder::new("old").queued_at(minute(number));
        bed.end(complete(old, json!(0.5 + 0.01 * number as f64))).await;
        let new = ExecutionBuilder::new("new").queued_at(minute(number));
        bed.end(complete(new, json!(0.8 + 0.01 * number as f64))).await;
    }
    bed.end(failed(ExecutionBuilder::new("new"))).await;
    bed.evaluators.add(mirror()).unwrap();
    judged(&bed, PastQuery::default()).await;
    let set = |name| ExecutionSet { flow: flow(name), ..ExecutionSet::default() };
    let all = Caller::default();
    let found = bed.evaluators.compare(&all, &set("old"), &set("new")).await.unwrap();
    assert_eq!(found.sizes, [8, 9]);
    let row = |metric: &str| found.rows.iter().find(|row| row.metric == metric).unwrap();
    assert_eq!(row("overall").verdict, ComparisonVerdict::Better);
    assert_eq!(row("score:x").counts, [8, 8]);
    assert_eq!(row("successRate").verdict, ComparisonVerdict::NoEvidence);
    assert_eq!(row("cost").verdict, ComparisonVerdict::TooFew);
    assert_eq!(row("latency").means, [Some(2000.0), Some(2000.0)]);
    let nothing = bed.evaluators.compare(&of_tenant("t"), &set("old"), &set("new")).await;
    assert_eq!(nothing.unwrap().sizes, [0, 0]);
}

/// Books a request to a vendor, for an execution and in the name of a flow.
async fn spend(bed: &Bed, execution: &Execution, flow: &str, dollars: f64) {
    let entry = LedgerEntry {
        id: AttemptId::mint(minute(0)),
        timestamp: minute(0),
        execution_id: Some(execution.id()),
        path: None,
        flow_name: FlowName::new(flow).unwrap(),
        user_id: None,
        tenant_id: None,
        provider: "p".to_owned(),
        model: "m".to_owned(),
        usage: Usage::default(),
        cost: Money::from_dollars(dollars),
        outcome: AttemptOutcome::Answered,
        unpriced: false,
        duration: Duration::ZERO,
    };
    bed.store.commit(Batch::new().with(Op::Settle(Box::new(entry)))).await.unwrap();
}

#[tokio::test]
async fn what_judges_cost_is_no_cost_of_the_execution() {
    let bed = Bed::new();
    for number in 0..6_i32 {
        let execution = bed.end_with(json!(1)).await;
        spend(&bed, &execution, "f", 0.01 * f64::from(number)).await;
        spend(&bed, &execution, JUDGE_FLOW, 5.0).await;
    }
    let set = ExecutionSet { flow: flow("f"), ..ExecutionSet::default() };
    let found = bed.evaluators.compare(&Caller::default(), &set, &set).await.unwrap();
    let cost = found.rows.iter().find(|row| row.metric == "cost").unwrap();
    assert!((cost.means[0].unwrap() - 0.025).abs() < 1e-9, "{cost:?}");
    assert_eq!(cost.verdict, ComparisonVerdict::NoEvidence);
}

#[tokio::test]
async fn forks_are_compared_with_what_they_fork_one_by_one() {
    let bed = Bed::new();
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for number in 0..6 {
        // The cases differ far more from each other than a fork from its origin.
        let score = 0.1 * f64::from(number) + 0.1;
        let origin = bed.end_with(json!(score)).await.id();
        let fork = ForkOrigin { of: origin, at: "a#1".to_owned(), changes: ForkChanges::default() };
        let fork = complete(ExecutionBuilder::new("f").fork(fork), json!(score + 0.05));
        old.push(origin);
        new.push(bed.end(fork).await.id());
    }
    new.reverse();
    bed.evaluators.add(mirror()).unwrap();
    judged(&bed, PastQuery::default()).await;
    let set = |executions| ExecutionSet { executions, ..ExecutionSet::default() };
    let found = bed.evaluators.compare(&Caller::default(), &set(old), &set(new)).await.unwrap();
    assert_eq!(found.pairs, Some(6));
    assert_eq!(found.rows[0].method.as_deref(), Some("paired t"));
    assert_eq!(found.rows[0].verdict, ComparisonVerdict::Better);
}

#[tokio::test]
async fn a_set_has_to_be_described_and_to_exist() {
    let bed = Bed::new();
    let code = |result: Result<_, Error>| result.unwrap_err().code();
    let all = Caller::default();
    let empty = ExecutionSet::default();
    assert_eq!(
        code(bed.evaluators.compare(&all, &empty, &empty).await),
        ErrorCode::ValidationError
    );
    let mine = complete(ExecutionBuilder::new("f").tenant("one"), json!(1));
    let executions = vec![bed.end(mine).await.id()];
    let set = ExecutionSet { executions, ..empty };
    let two = of_tenant("two");
    assert_eq!(code(bed.evaluators.compare(&two, &set, &set).await), ErrorCode::ExecutionNotFound);
}
