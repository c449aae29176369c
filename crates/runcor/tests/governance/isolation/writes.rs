//! Every operation of one tenant on what is the other's: refused in the same
//! words as on what does not exist, and without effect.

use runcor::execution::{Decision, ExecutionId, Fork};
use runcor::governance::{BudgetScope, Budgets, Caller, ExecutionSet, FlagStatus, Quality, TopUp};
use runcor::model::Money;
use runcor::{Error, Runtime as _, Trigger};
use serde_json::json;

use super::reads::everything;
use super::{Side, World};

pub(crate) fn top_up_of_user(user: &runcor::execution::UserId, side: &Side) -> TopUp {
    TopUp {
        scope: BudgetScope::User,
        subject: user.as_str().to_owned(),
        tenant: Some(side.tenant.clone()),
        amount: Money::from_nanos(5),
    }
}

pub(crate) async fn are_refused_as_if_nothing_were_there(world: &World, own: usize, other: usize) {
    let (side, other) = (&world.sides[own], &world.sides[other]);
    let before = snapshot(world, other).await;
    for caller in [&side.callers()[0], &side.callers()[3]] {
        for id in &other.ids {
            // An id that nobody has.
            let unknown = ExecutionId::mint(runcor::engine::Clock::now(&world.bed.clock));
            let (refused, absent) =
                (attempts(world, caller, *id).await, attempts(world, caller, unknown).await);
            for ((what, refused), (_, absent)) in refused.into_iter().zip(absent) {
                let absent = absent.replace(&unknown.to_string(), &id.to_string());
                assert_eq!(refused, absent, "{what} tells that there is something");
                assert!(!refused.contains(other.mark), "{what} shows the other's: {refused}");
            }
        }
        for wish in foreign_top_ups(other) {
            let refused = world.bed.runcor.costs().unwrap().top_up(caller, &wish).await;
            assert_eq!(refused.unwrap_err().code().as_str(), "BUDGET_NOT_FOUND", "{wish:?}");
        }
        foreign_triggers(world, caller, other).await;
        assert_eq!(super::seen_by(world, caller).wake_budget_waits().await.unwrap(), 0);
    }
    assert_eq!(snapshot(world, other).await, before, "nothing has changed");
}

/// Returns what every operation on an execution says.
async fn attempts(world: &World, caller: &Caller, id: ExecutionId) -> Vec<(&'static str, String)> {
    let runtime = super::seen_by(world, caller);
    let quality = world.bed.runcor.evaluators().unwrap();
    let set = |id| ExecutionSet { executions: vec![id], ..ExecutionSet::default() };
    let token = || "0".repeat(32);
    let approve = Decision::Approve { token: token(), by: None, note: None };
    let finished = crate::bed::within_reason(runtime.finished(id)).await;
    let input = Some(json!({ "mark": "x" }));
    vec![
        ("execution", said(runtime.execution(id).await)),
        ("finished", said(finished)),
        ("timeline", said(runtime.timeline(id).await)),
        ("journal_value", said(runtime.journal_value(id, "model#1").await)),
        ("resume", said(runtime.resume(id, Some(json!(1))).await)),
        ("replay", said(runtime.replay(id).await)),
        ("fork", said(runtime.fork(id, Fork { input, ..Fork::default() }).await)),
        ("decide", said(runtime.decide(id, approve).await)),
        ("happened", said(runtime.decide(id, Decision::Happened { result: json!(1) }).await)),
        ("cancel", said(runtime.cancel(id, None).await)),
        ("delete", said(runtime.delete(id).await)),
        ("evaluate", said(quality.evaluate(caller, id).await)),
        ("evaluation", said(quality.evaluation(caller, id).await)),
        ("flag", said(quality.flag(caller, id, None).await)),
        ("update_flag", said(quality.update_flag(caller, id, FlagStatus::Reviewed).await)),
        ("compare", said(quality.compare(caller, &set(id), &set(id)).await)),
        ("flag_of", format!("{:?}", quality.flag_of(caller, id).await.unwrap())),
        ("top_up", said(world.bed.runcor.costs().unwrap().top_up(caller, &of_execution(id)).await)),
    ]
}

fn said<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.expect_err("it is refused");
    format!("{} {error} {:?} {:?}", error.code(), error.details(), error.retry())
}

fn of_execution(id: ExecutionId) -> TopUp {
    let subject = id.to_string();
    TopUp { scope: BudgetScope::Execution, subject, tenant: None, amount: Money::from_nanos(5) }
}

fn foreign_top_ups(other: &Side) -> Vec<TopUp> {
    let tenant = TopUp {
        scope: BudgetScope::Tenant,
        subject: other.tenant.as_str().to_owned(),
        tenant: None,
        amount: Money::from_nanos(5),
    };
    let global = TopUp { scope: BudgetScope::Global, subject: String::new(), ..tenant.clone() };
    let flow = TopUp { scope: BudgetScope::Flow, subject: "work".to_owned(), ..tenant.clone() };
    vec![tenant, global, flow, top_up_of_user(&other.user(2), other)]
}

async fn foreign_triggers(world: &World, caller: &Caller, other: &Side) {
    let runtime = super::seen_by(world, caller);
    let as_other = Trigger::new("k0", json!(null)).with_tenant(other.tenant.as_str().to_owned());
    let refused = runtime.trigger("work", as_other).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "ACCESS_DENIED");
    // The other's flow, under a key that it has used, and a flow that nobody has, in the same words.
    let mut said = Vec::new();
    for flow in [other.own_flow(), "own-nobody".to_owned()] {
        let refused = runtime.trigger(&flow, Trigger::new("k0", json!(null))).await.unwrap_err();
        said.push(
            format!("{} {refused} {:?}", refused.code(), refused.details()).replace(&flow, "f"),
        );
    }
    assert_eq!(said[0], said[1]);
}

/// Everything that the other has, as the operator sees it.
async fn snapshot(world: &World, side: &Side) -> String {
    let runtime = &world.bed.runcor;
    let mut all = String::new();
    let listed = runtime.executions(&everything()).await.unwrap().items;
    all += &format!(
        "{:?}",
        listed.iter().filter(|it| side.ids.contains(&it.id())).collect::<Vec<_>>()
    );
    for id in &side.ids {
        all += &format!("{:?}", world.bed.store.journal(*id).await.unwrap());
        all += &format!("{:?}", world.bed.store.quality().flag(*id).await.unwrap());
        all += &format!("{:?}", world.bed.store.quality().evaluation(*id).await.unwrap());
    }
    let caller = Caller::tenant(side.tenant.clone());
    all + &format!("{:?}", world.bed.runcor.costs().unwrap().budgets(&caller).await.unwrap())
}
