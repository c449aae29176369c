//! Evaluations: one for each execution, and a line of executions that wait for theirs.

use runcor_core::{
    Batch, Evaluation, EvaluationQuery, Execution, ExecutionId, MAX_ID_BYTES, Op, Order, Timestamp,
};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::money_ops::tenant;
use crate::store_suite::ops::impossible;
use crate::store_suite::quality_ops::{evaluate_op, evaluation};
use crate::store_suite::subject::{Subject, at, flow, sample};

async fn executions(subject: &Subject, count: usize) -> Vec<Execution> {
    let mut executions = Vec::new();
    for _ in 0..count {
        executions.push(subject.insert(sample()).await);
    }
    executions
}

pub(super) fn ids_of(evaluations: &[Evaluation]) -> Vec<ExecutionId> {
    evaluations.iter().map(|evaluation| evaluation.execution_id).collect()
}

pub(crate) async fn every_field_of_an_evaluation_is_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample().user("u").tenant("t'")).await;
    assert_eq!(subject.evaluation(execution.id()).await, None, "expected none at first");
    let full = evaluation(&execution, 5);
    subject.evaluate(&full).await;
    assert_eq!(subject.evaluation(execution.id()).await, Some(full), "expected every field");
    let other = subject.insert(sample()).await;
    let mut empty = evaluation(&other, -5);
    empty.evaluator_results.iter_mut().for_each(|result| result.feedback = None);
    (empty.labels, empty.errors) = (Vec::new(), Vec::new());
    empty.aggregate_scores.clear();
    subject.evaluate(&empty).await;
    assert_eq!(subject.evaluation(other.id()).await, Some(empty), "expected empty fields as well");
    let long = subject.insert(sample().tenant(&"t".repeat(MAX_ID_BYTES))).await;
    let mut long = evaluation(&long, 0);
    long.labels = vec!["l".repeat(100_000)];
    subject.evaluate(&long).await;
    let found = subject.evaluation(long.execution_id).await;
    assert!(found == Some(long), "expected long fields as well");
}

pub(crate) async fn an_evaluation_takes_the_place_of_the_former(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let executions = executions(&subject, 3).await;
    for (execution, millis) in executions.iter().zip(0..) {
        subject.evaluate(&evaluation(execution, millis)).await;
    }
    let [first, second, third] = [0, 1, 2].map(|n: usize| executions[n].id());
    let mut again = evaluation(&executions[0], 9);
    again.overall_score = 0.75;
    subject.evaluate(&again).await;
    assert_eq!(subject.evaluation(first).await, Some(again), "expected the newest evaluation");
    let found = subject.evaluations(&EvaluationQuery::default()).await.items;
    let expected = [second, third, first];
    assert_eq!(ids_of(&found), expected, "expected each once, in order of writing");
}

pub(crate) async fn evaluations_come_in_pages_in_order_of_writing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut written = Vec::new();
    for (execution, millis) in executions(&subject, 5).await.iter().rev().zip([3, 1, 2, 5, 4]) {
        let evaluation = evaluation(execution, millis);
        subject.evaluate(&evaluation).await;
        written.push(evaluation);
    }
    let reversed = written.iter().rev().cloned().collect();
    for (order, expected) in [(Order::Oldest, written), (Order::Newest, reversed)] {
        let mut query = EvaluationQuery { order, limit: 2, ..EvaluationQuery::default() };
        let (mut found, mut sizes) = (Vec::new(), Vec::new());
        loop {
            let page = subject.evaluations(&query).await;
            sizes.push(page.items.len());
            found.extend(page.items);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!((found, sizes), (expected, vec![2, 2, 1]), "expected all pages in {order:?}");
    }
    let none = EvaluationQuery { limit: 0, ..EvaluationQuery::default() };
    assert!(subject.evaluations(&none).await.items.is_empty(), "expected nothing for limit 0");
}

pub(crate) async fn evaluations_are_filtered(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let builders = [
        sample(),
        sample().tenant("t"),
        crate::ExecutionBuilder::new("g").tenant("t"),
        crate::ExecutionBuilder::new("g"),
        sample().tenant("T"),
        sample().tenant("t"),
    ];
    let mut all = Vec::new();
    for (builder, millis) in builders.into_iter().zip([60, 50, 40, 30, 20, 10]) {
        let evaluation = evaluation(&subject.insert(builder).await, millis);
        subject.evaluate(&evaluation).await;
        all.push(evaluation);
    }
    for flow in [None, Some(flow("f")), Some(flow("g")), Some(flow("none"))] {
        for tenant in [None, Some(tenant("t")), Some(tenant("T")), Some(tenant("none"))] {
            for since in [None, Some(at(10)), Some(at(40)), Some(at(41)), Some(Timestamp::MAX)] {
                let fits = |one: &&Evaluation| {
                    flow.as_ref().is_none_or(|flow| one.flow_name == *flow)
                        && (tenant.is_none() || one.tenant_id == tenant)
                        && since.is_none_or(|since| one.timestamp >= since)
                };
                let expected: Vec<_> = all.iter().filter(fits).cloned().collect();
                let (flow, tenant) = (flow.clone(), tenant.clone());
                let query = EvaluationQuery { flow, tenant, since, ..Default::default() };
                let found = subject.evaluations(&query).await.items;
                assert_eq!(ids_of(&found), ids_of(&expected), "expected those of {query:?}");
            }
        }
    }
}

pub(crate) async fn executions_wait_for_their_evaluation_in_order(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    assert!(subject.unevaluated(9).await.is_empty(), "expected nobody to wait");
    let executions = executions(&subject, 4).await;
    let ids: Vec<_> = [2, 0, 3, 1].into_iter().map(|n: usize| executions[n].id()).collect();
    for id in &ids {
        subject.await_evaluation(*id).await;
    }
    // Whoever is noted twice keeps the place.
    subject.await_evaluation(ids[0]).await;
    assert_eq!(subject.unevaluated(9).await, ids, "expected them in the order of notes");
    assert_eq!(subject.unevaluated(2).await, ids[..2], "expected no more than the limit");
    subject.evaluate(&evaluation(&executions[0], 1)).await;
    subject.commit(Batch::new().with(Op::SkipEvaluation { id: ids[2] })).await;
    assert_eq!(subject.unevaluated(9).await, [ids[0], ids[3]], "expected those that still wait");
    subject.commit(Batch::new().with(Op::SkipEvaluation { id: ids[2] })).await;
    assert_eq!(subject.evaluation(ids[2]).await, None, "expected no evaluation of a skipped one");
    subject.await_evaluation(ids[1]).await;
    let waiting = subject.unevaluated(9).await;
    assert_eq!(waiting, [ids[0], ids[3], ids[1]], "expected one to wait anew at the end");
    let found = subject.evaluation(ids[1]).await;
    assert!(found.is_some(), "expected its evaluation to stay meanwhile");
}

pub(crate) async fn a_refused_operation_takes_back_evaluations(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let executions = executions(&subject, 4).await;
    let [a, b, c, d] = [0, 1, 2, 3].map(|n: usize| &executions[n]);
    for execution in [a, b, c] {
        subject.await_evaluation(execution.id()).await;
    }
    let kept = [evaluation(d, 1), evaluation(a, 2)];
    for evaluation in &kept {
        subject.evaluate(evaluation).await;
    }
    let batch = Batch::new()
        .with(Op::AwaitEvaluation { id: d.id() })
        .with(evaluate_op(&evaluation(b, 3)))
        .with(Op::SkipEvaluation { id: c.id() })
        .with(evaluate_op(&evaluation(d, 4)))
        .with(Op::Expire { now: at(0), limit: 9, keep_ledger: None, keep_evaluations: Some(1) });
    subject.refuse(batch.with(impossible())).await;
    let found = subject.evaluations(&EvaluationQuery::default()).await.items;
    assert_eq!(found, kept, "expected the evaluations of before");
    assert_eq!(subject.unevaluated(9).await, [b.id(), c.id()], "expected the line of before");
}

pub(crate) async fn the_newest_evaluations_are_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let executions = executions(&subject, 5).await;
    for execution in executions.iter().chain(&executions[..1]) {
        subject.evaluate(&evaluation(execution, 1)).await;
    }
    let expire = async |keep, limit| {
        let keep_evaluations = Some(keep);
        let op = Op::Expire { now: at(0), limit, keep_ledger: None, keep_evaluations };
        subject.commit(Batch::new().with(op)).await.expired
    };
    assert_eq!(expire(5, 9).await, 0, "expected none to go that is to be kept");
    assert_eq!(expire(2, 2).await, 2, "expected as many as the limit to go");
    assert_eq!(expire(2, 9).await, 1, "expected the rest to go");
    let found = ids_of(&subject.evaluations(&EvaluationQuery::default()).await.items);
    let expected = [executions[4].id(), executions[0].id()];
    assert_eq!(found, expected, "expected those that were written last");
    assert_eq!(subject.evaluation(executions[1].id()).await, None, "expected the old ones to go");
    let queries = EvaluationQuery { flow: Some(flow("f")), ..EvaluationQuery::default() };
    let found = subject.evaluations(&queries).await.items;
    assert_eq!(found.len(), 2, "expected them to be gone from every list");
}
