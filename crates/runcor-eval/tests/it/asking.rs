//! What people ask of quality, and what they may see.

use std::sync::Arc;

use runcor_core::{
    Caller, Error, ErrorCode, EvaluationQuery, Event, ExecutionId, FlagQuery, FlagSource,
    FlagStatus, Quality, TenantId, Timestamp,
};
use runcor_eval::Registration;
use runcor_testkit::ExecutionBuilder;
use serde_json::json;

use crate::support::{Bed, complete, failed, of_tenant, scores};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.unwrap_err().code()
}

#[tokio::test]
async fn a_flag_goes_from_pending_to_reviewed_to_resolved_and_no_other_way() {
    let bed = Bed::new();
    let all = Caller::default();
    let id = bed.end_with(json!(1)).await.id();
    let flag = bed.evaluators.flag(&all, id, None).await.unwrap();
    assert_eq!((flag.status, flag.source), (FlagStatus::Pending, FlagSource::Manual));
    assert_eq!((flag.flow_name.as_str(), flag.reason.as_str()), ("f", "flagged by hand"));
    assert_eq!(code(bed.evaluators.flag(&all, id, None).await), ErrorCode::AlreadyFlagged);
    let go = async |to| bed.evaluators.update_flag(&all, id, to).await;
    assert_eq!(code(go(FlagStatus::Resolved).await), ErrorCode::InvalidFlagTransition);
    assert_eq!(code(go(FlagStatus::Pending).await), ErrorCode::InvalidFlagTransition);
    bed.clock.advance(std::time::Duration::from_secs(1));
    let reviewed = go(FlagStatus::Reviewed).await.unwrap();
    assert!(reviewed.updated_at > reviewed.created_at);
    assert_eq!(code(go(FlagStatus::Pending).await), ErrorCode::InvalidFlagTransition);
    go(FlagStatus::Resolved).await.unwrap();
    assert_eq!(code(go(FlagStatus::Reviewed).await), ErrorCode::InvalidFlagTransition);
    let events = bed.events().await;
    assert!(matches!(&events[..], [Event::EvalFlagged(it)] if it.source == FlagSource::Manual));
}

#[tokio::test]
async fn only_what_exists_can_be_flagged_judged_or_looked_at() {
    let bed = Bed::new();
    bed.evaluators.add(Registration::new(scores("a", "x", 1.0))).unwrap();
    let (all, nobody) = (Caller::default(), ExecutionId::mint(Timestamp::from_millis(1)));
    assert_eq!(code(bed.evaluators.flag(&all, nobody, None).await), ErrorCode::ExecutionNotFound);
    assert_eq!(code(bed.evaluators.evaluate(&all, nobody).await), ErrorCode::ExecutionNotFound);
    assert_eq!(code(bed.evaluators.evaluation(&all, nobody).await), ErrorCode::EvaluationNotFound);
    let moved = bed.evaluators.update_flag(&all, nobody, FlagStatus::Reviewed).await;
    assert_eq!(code(moved), ErrorCode::FlagNotFound);
    assert_eq!(bed.evaluators.flag_of(&all, nobody).await.unwrap(), None);
    let failed = bed.end(failed(ExecutionBuilder::new("f"))).await.id();
    assert_eq!(code(bed.evaluators.evaluate(&all, failed).await), ErrorCode::InvalidState);
    let id = bed.end_with(json!(1)).await.id();
    bed.evaluators.remove("a");
    assert_eq!(code(bed.evaluators.evaluate(&all, id).await), ErrorCode::EvaluationNotFound);
}

#[tokio::test]
async fn a_tenant_neither_sees_nor_changes_what_belongs_to_others() {
    let bed = Bed::new();
    bed.evaluators.add(Registration::new(scores("a", "x", 1.0))).unwrap();
    let mut ids = Vec::new();
    for tenant in ["one", "two"] {
        let execution = complete(ExecutionBuilder::new("f").tenant(tenant), json!(1));
        ids.push(bed.end(execution).await.id());
    }
    ids.push(bed.end_with(json!(1)).await.id());
    let all = Caller::default();
    for id in &ids {
        bed.evaluators.evaluate(&all, *id).await.unwrap();
        bed.evaluators.flag(&all, *id, None).await.unwrap();
    }
    let one = of_tenant("one");
    let evaluators = &bed.evaluators;
    evaluators.evaluation(&one, ids[0]).await.unwrap();
    evaluators.evaluate(&one, ids[0]).await.unwrap();
    for id in &ids[1..] {
        assert_eq!(code(evaluators.evaluation(&one, *id).await), ErrorCode::EvaluationNotFound);
        assert_eq!(code(evaluators.evaluate(&one, *id).await), ErrorCode::ExecutionNotFound);
        assert_eq!(code(evaluators.flag(&one, *id, None).await), ErrorCode::ExecutionNotFound);
        assert_eq!(evaluators.flag_of(&one, *id).await.unwrap(), None);
        let moved = evaluators.update_flag(&one, *id, FlagStatus::Reviewed).await;
        assert_eq!(code(moved), ErrorCode::FlagNotFound);
    }
    let count = async |tenant: Option<&str>| {
        let tenant = tenant.map(|tenant| TenantId::new(tenant).unwrap());
        let query = EvaluationQuery { tenant: tenant.clone(), ..EvaluationQuery::default() };
        let evaluations = evaluators.evaluations(&one, &query).await.unwrap().items;
        let query = FlagQuery { tenant, ..FlagQuery::default() };
        let flags = evaluators.flags(&one, &query).await.unwrap().items;
        assert!(evaluations.iter().all(|it| it.execution_id == ids[0]));
        assert!(flags.iter().all(|it| it.execution_id == ids[0]));
        (evaluations.len(), flags.len())
    };
    assert_eq!(count(None).await, (1, 1));
    assert_eq!(count(Some("one")).await, (1, 1));
    assert_eq!(count(Some("two")).await, (0, 0), "not even by asking for it");
    let everything = evaluators.flags(&all, &FlagQuery::default()).await.unwrap();
    assert_eq!(everything.items.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_flag_and_move_at_once_one_succeeds() {
    let bed = Bed::new();
    let id = bed.end_with(json!(1)).await.id();
    let race = async |what: fn(Arc<runcor_eval::Evaluators>, ExecutionId) -> Raced| {
        let tasks: Vec<_> =
            (0..20).map(|_| tokio::spawn(what(Arc::clone(&bed.evaluators), id))).collect();
        let mut winners = 0;
        for task in tasks {
            winners += usize::from(task.await.unwrap());
        }
        winners
    };
    assert_eq!(race(|it, id| Box::pin(flag(it, id))).await, 1);
    assert_eq!(race(|it, id| Box::pin(review(it, id))).await, 1);
}

type Raced = std::pin::Pin<Box<dyn Future<Output = bool> + Send>>;

async fn flag(evaluators: Arc<runcor_eval::Evaluators>, id: ExecutionId) -> bool {
    evaluators.flag(&Caller::default(), id, None).await.is_ok()
}

async fn review(evaluators: Arc<runcor_eval::Evaluators>, id: ExecutionId) -> bool {
    let caller = Caller::default();
    evaluators.update_flag(&caller, id, FlagStatus::Reviewed).await.is_ok()
}
