//! Policy: every operation is judged, callers see their own tenant alone, and turns come in order.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use runcor_core::{
    Admission, Caller, Clock, Error, ErrorCode, ExecutionId, ExecutionQuery, ExecutionState,
    FlowName, Fork, Operation, Policy, PolicyRequest, RateKey, RateQueue, RateScope, RateTake,
    Result, Runtime, TenantId, Trigger, UserId, WaitSignal,
};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, code, done, echo, eventually, on_every_store};

on_every_store![
    every_operation_is_judged_on_behalf_of_somebody,
    what_a_policy_denies_leaves_no_record,
    a_policy_may_change_the_input_and_the_schema_sees_the_changed_one,
    a_known_key_is_no_way_around_a_policy,
    callers_of_a_tenant_see_nothing_of_another_by_any_call,
    a_caller_can_not_trigger_for_another_tenant_or_user,
    a_rate_limit_refuses_with_the_time_to_wait_and_a_denied_or_known_trigger_counts_nothing,
    what_is_queued_by_a_rate_limit_runs_in_order_when_its_turn_comes,
    turns_outlive_the_process,
    a_replay_is_counted_once,
    a_fork_with_another_input_is_no_way_around_a_rule_about_the_input,
    rules_see_the_input_of_what_is_to_run_again,
    what_a_caller_has_is_never_made_somebody_elses,
    nobody_hears_of_flows_that_they_may_not_see,
    a_flow_can_not_call_what_its_tenant_may_not_trigger,
];

/// A policy that a test writes down as a function, and that remembers what it was asked.
#[derive(Default)]
struct Written {
    asked: Mutex<Vec<(Operation, Option<String>, Caller)>>,
    rule: Option<Rule>,
}

type Rule = Box<dyn Fn(&PolicyRequest<'_>) -> Result<Admission> + Send + Sync>;

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Written")
    }
}

#[async_trait]
impl Policy for Written {
    async fn admit(&self, request: &PolicyRequest<'_>) -> Result<Admission> {
        let flow = request.flow.map(ToString::to_string);
        self.asked.lock().push((request.operation, flow, request.caller.clone()));
        self.rule.as_ref().map_or_else(|| Ok(Admission::default()), |rule| rule(request))
    }

    fn sees_flow(&self, caller: &Caller, flow: &FlowName) -> bool {
        caller.user.is_none() || flow.as_str() != "waits"
    }
}

fn written(
    rule: impl Fn(&PolicyRequest<'_>) -> Result<Admission> + Send + Sync + 'static,
) -> Arc<Written> {
    Arc::new(Written { rule: Some(Box::new(rule)), ..Written::default() })
}

async fn bed(kind: Kind, policy: &Arc<Written>) -> Bed {
    let policy = Arc::clone(policy);
    let bed = Bed::of_parts(kind, |mut parts| {
        parts.governance.policy = Some(policy);
        parts
    })
    .await;
    bed.register("echo", echo);
    bed.register("waits", async |ctx: runcor_core::FlowContext| {
        ctx.wait_for(WaitSignal::new("for somebody")).await?;
        Ok(done())
    });
    bed
}

fn denied() -> Error {
    Error::new(ErrorCode::AccessDenied, "no")
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn of_tenant(bed: &Bed, name: &str) -> Arc<dyn Runtime> {
    bed.engine.as_caller(Caller::tenant(tenant(name)))
}

async fn every_operation_is_judged_on_behalf_of_somebody(kind: Kind) {
    let policy = Arc::new(Written::default());
    let bed = bed(kind, &policy).await;
    let trigger = Trigger::new("k", Value::Null).with_user("alice").with_tenant("acme");
    let waiting = bed.trigger_with("waits", trigger).await.id();
    bed.until_state(waiting, ExecutionState::Waiting).await;
    policy.asked.lock().clear();
    let engine = &bed.engine;
    engine.execution(waiting).await.unwrap();
    engine.timeline(waiting).await.unwrap();
    let _ = engine.journal_value(waiting, "x").await;
    let _ = engine.decide(waiting, runcor_core::Decision::DidNotHappen).await;
    engine.resume(waiting, None).await.unwrap();
    engine.finished(waiting).await.unwrap();
    let _ = engine.cancel(waiting, None).await;
    let replayed = engine.replay(waiting).await.unwrap().id();
    let _ = engine.fork(waiting, Fork::default()).await;
    engine.cancel(replayed, None).await.unwrap();
    engine.delete(waiting).await.unwrap();
    let alice = Caller { user: Some(UserId::new("alice").unwrap()), tenant: Some(tenant("acme")) };
    let asked = policy.asked.lock().clone();
    let operations: Vec<_> = asked.iter().map(|(operation, ..)| *operation).collect();
    use Operation::{Cancel, Delete, Read, Replay, Resume};
    let expected = [Read, Read, Read, Resume, Resume, Read, Cancel, Replay, Replay, Cancel, Delete];
    assert_eq!(operations, expected);
    let on_behalf = |(_, flow, caller): &(_, Option<String>, Caller)| {
        flow.as_deref() == Some("waits") && *caller == alice
    };
    assert!(asked.iter().all(on_behalf), "{asked:?}");
    let waits =
        ExecutionQuery { state: Some(ExecutionState::Waiting), ..ExecutionQuery::default() };
    policy.asked.lock().clear();
    engine.as_caller(alice).executions(&waits).await.unwrap();
    assert_eq!(policy.asked.lock()[0].0, Operation::ListWaiting);
}

async fn what_a_policy_denies_leaves_no_record(kind: Kind) {
    let policy = written(|request| match request.operation {
        Operation::Trigger => Err(denied()),
        _ => Ok(Admission::default()),
    });
    let bed = bed(kind, &policy).await;
    let refused = bed.engine.trigger("echo", Trigger::new("k", Value::Null)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::AccessDenied);
    let page = bed.engine.executions(&ExecutionQuery::default()).await.unwrap();
    assert!(page.items.is_empty());
}

async fn a_policy_may_change_the_input_and_the_schema_sees_the_changed_one(kind: Kind) {
    let policy = written(|request| {
        let input = (request.input == &json!("one")).then(|| json!(1));
        Ok(Admission { input, ..Admission::default() })
    });
    let bed = bed(kind, &policy).await;
    let flow = crate::bed::flow("number", echo).with_input_schema(json!({ "type": "integer" }));
    bed.engine.register(flow).unwrap();
    let accepted = bed.trigger_with("number", Trigger::new("k", json!("one"))).await;
    assert_eq!(accepted.spec.input, json!(1));
    assert_eq!(bed.ended(accepted.id()).await.status.result.as_deref(), Some(&json!(1)));
    let refused = bed.engine.trigger("number", Trigger::new("l", json!("two"))).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidInput);
}

async fn a_known_key_is_no_way_around_a_policy(kind: Kind) {
    let policy = written(|request| match request.caller.user.as_ref().map(UserId::as_str) {
        Some("mallory") => Err(denied()),
        _ => Ok(Admission::default()),
    });
    let bed = bed(kind, &policy).await;
    bed.trigger("echo", "k").await;
    let guessed = Trigger::new("k", Value::Null).with_user("mallory");
    let refused = bed.engine.trigger("echo", guessed).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::AccessDenied);
}

async fn callers_of_a_tenant_see_nothing_of_another_by_any_call(kind: Kind) {
    let bed = bed(kind, &Arc::new(Written::default())).await;
    let (ours, theirs) = (of_tenant(&bed, "ours"), of_tenant(&bed, "theirs"));
    let mut heard = ours.subscribe();
    let secret = theirs.trigger("waits", Trigger::new("k", json!("secret"))).await.unwrap();
    let secret = secret.execution.id();
    bed.until_state(secret, ExecutionState::Waiting).await;
    let is_hidden = |error: Error| assert_eq!(error.code(), ErrorCode::ExecutionNotFound);
    is_hidden(ours.execution(secret).await.unwrap_err());
    is_hidden(ours.finished(secret).await.unwrap_err());
    is_hidden(ours.timeline(secret).await.unwrap_err());
    is_hidden(ours.journal_value(secret, "wait#1").await.unwrap_err());
    is_hidden(ours.resume(secret, None).await.unwrap_err());
    is_hidden(ours.decide(secret, runcor_core::Decision::DidNotHappen).await.unwrap_err());
    is_hidden(ours.cancel(secret, None).await.unwrap_err());
    is_hidden(ours.replay(secret).await.unwrap_err());
    is_hidden(ours.fork(secret, Fork::default()).await.unwrap_err());
    is_hidden(ours.delete(secret).await.unwrap_err());
    assert!(ours.executions(&ExecutionQuery::default()).await.unwrap().items.is_empty());
    let sly = ExecutionQuery { tenant: Some(tenant("theirs")), ..ExecutionQuery::default() };
    assert_eq!(ours.executions(&sly).await.unwrap_err().code(), ErrorCode::AccessDenied);
    assert!(ours.events(0, 100).await.unwrap().is_empty());
    assert!(!theirs.events(0, 100).await.unwrap().is_empty());
    // The same key is another execution for another tenant.
    let own = ours.trigger("echo", Trigger::new("k", json!("own"))).await.unwrap();
    assert!(!own.replayed);
    let first = heard.next().await.unwrap().unwrap();
    assert_eq!(first.event.execution_id(), Some(own.execution.id()));
    let seen = ours.executions(&ExecutionQuery::default()).await.unwrap().items;
    assert_eq!(seen.iter().map(|one| one.id()).collect::<Vec<_>>(), [own.execution.id()]);
}

async fn a_caller_can_not_trigger_for_another_tenant_or_user(kind: Kind) {
    let bed = bed(kind, &Arc::new(Written::default())).await;
    let alice = Caller { user: Some(UserId::new("alice").unwrap()), tenant: Some(tenant("acme")) };
    let alice = bed.engine.as_caller(alice);
    let own = alice.trigger("echo", Trigger::new("k", Value::Null)).await.unwrap().execution;
    assert_eq!(own.spec.user_id.as_ref().map(UserId::as_str), Some("alice"));
    assert_eq!(own.spec.tenant_id, Some(tenant("acme")));
    for foreign in [
        Trigger::new("l", Value::Null).with_tenant("other"),
        Trigger::new("m", Value::Null).with_user("bob"),
    ] {
        let refused = alice.trigger("echo", foreign).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::AccessDenied);
    }
}

/// Allows `limit` in ten seconds, and lets what comes too early wait where `depth` is above zero.
fn limited(limit: u32, depth: u32) -> Arc<Written> {
    written(move |request| {
        if request.input == &json!("denied") {
            return Err(denied());
        }
        let key = RateKey {
            limit: "all".to_owned(),
            scope: RateScope::Global,
            tenant: None,
            subject: String::new(),
        };
        let queue = (depth > 0).then_some(RateQueue { depth, timeout: Duration::from_secs(100) });
        let window = Duration::from_secs(10);
        let take = RateTake { key, limit, window, now: request.now, queue };
        let counts = matches!(request.operation, Operation::Trigger | Operation::Replay);
        let takes = if counts { vec![take] } else { Vec::new() };
        Ok(Admission { takes, ..Admission::default() })
    })
}

async fn a_rate_limit_refuses_with_the_time_to_wait_and_a_denied_or_known_trigger_counts_nothing(
    kind: Kind,
) {
    let bed = bed(kind, &limited(2, 0)).await;
    bed.trigger("echo", "a").await;
    for _ in 0..5 {
        bed.trigger("echo", "a").await;
        let denied = Trigger::new("d", json!("denied"));
        bed.engine.trigger("echo", denied).await.unwrap_err();
    }
    bed.trigger("echo", "b").await;
    bed.clock.advance(Duration::from_secs(4));
    let refused = bed.engine.trigger("echo", Trigger::new("c", Value::Null)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::RateLimited);
    assert_eq!(refused.retry(), runcor_core::Retry::After(Some(Duration::from_secs(6))));
    let known = bed.engine.trigger("echo", Trigger::new("b", Value::Null)).await.unwrap();
    assert!(known.replayed, "what is known is no new trigger");
    bed.clock.advance(Duration::from_secs(6));
    bed.trigger("echo", "c").await;
}

async fn what_is_queued_by_a_rate_limit_runs_in_order_when_its_turn_comes(kind: Kind) {
    let bed = bed(kind, &limited(1, 2)).await;
    let first = bed.trigger("echo", "1").await.id();
    let second = bed.trigger("echo", "2").await;
    let third = bed.trigger("echo", "3").await;
    assert_eq!((second.state(), third.state()), (ExecutionState::Queued, ExecutionState::Queued));
    assert_eq!(second.status.due, Some(bed.clock.now().after(Duration::from_secs(10))));
    let full = bed.engine.trigger("echo", Trigger::new("4", Value::Null)).await.unwrap_err();
    assert_eq!(full.code(), ErrorCode::RateLimited);
    bed.ended(first).await;
    for (own, other) in [(second.id(), Some(third.id())), (third.id(), None)] {
        bed.advance(Duration::from_secs(10)).await;
        bed.ended(own).await;
        if let Some(other) = other {
            assert_eq!(bed.get(other).await.state(), ExecutionState::Queued);
        }
    }
}

async fn turns_outlive_the_process(kind: Kind) {
    let bed = bed(kind, &limited(1, 5)).await;
    let first = bed.trigger("echo", "1").await.id();
    bed.ended(first).await;
    let second = bed.trigger("echo", "2").await.id();
    let bed = bed.reopened(kind).await;
    bed.register("echo", echo);
    assert_eq!(bed.get(second).await.state(), ExecutionState::Queued);
    bed.advance(Duration::from_secs(10)).await;
    bed.ended(second).await;
}

async fn a_replay_is_counted_once(kind: Kind) {
    let bed = bed(kind, &limited(2, 0)).await;
    let first: ExecutionId = bed.trigger("echo", "1").await.id();
    bed.ended(first).await;
    bed.engine.replay(first).await.unwrap();
    assert_eq!(bed.engine.replay(first).await.unwrap_err().code(), ErrorCode::RateLimited);
}

async fn a_flow_can_not_call_what_its_tenant_may_not_trigger(kind: Kind) {
    let policy = written(|request| match request.flow.map(AsRef::as_ref) {
        Some("echo") => Err(denied()),
        _ => Ok(Admission::default()),
    });
    let bed = bed(kind, &policy).await;
    bed.register("sly", async |ctx: runcor_core::FlowContext| {
        let got: Value = ctx.call("echo", &Value::Null).await?;
        Ok(runcor_core::FlowOutcome::Complete(got))
    });
    let sly = bed.trigger("sly", "k").await.id();
    let ended = bed.ended(sly).await;
    assert_eq!(code(&ended), "ACCESS_DENIED");
    eventually(async || bed.get(sly).await.state().is_terminal().then_some(())).await;
}

async fn a_fork_with_another_input_is_no_way_around_a_rule_about_the_input(kind: Kind) {
    let policy = written(|request| match request.operation {
        Operation::Trigger if request.input == &json!("forbidden") => Err(denied()),
        Operation::Trigger if request.input == &json!("changed") => {
            Ok(Admission { input: Some(json!("as the rule wants it")), ..Admission::default() })
        }
        _ => Ok(Admission::default()),
    });
    let bed = bed(kind, &policy).await;
    let trigger = Trigger::new("k", json!("fine")).with_tenant("acme");
    let id = bed.trigger_with("echo", trigger).await.id();
    bed.engine.finished(id).await.unwrap();
    let fork = |input: &str| Fork { input: Some(json!(input)), ..Fork::default() };
    for runtime in [Arc::new(bed.engine.clone()) as Arc<dyn Runtime>, of_tenant(&bed, "acme")] {
        let refused = runtime.fork(id, fork("forbidden")).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::AccessDenied);
        let changed = runtime.fork(id, fork("changed")).await.unwrap();
        assert_eq!(changed.spec.input, json!("as the rule wants it"));
    }
    // Who may not see it learns nothing of rules either.
    let refused = of_tenant(&bed, "other").fork(id, fork("forbidden")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ExecutionNotFound);
}

async fn rules_see_the_input_of_what_is_to_run_again(kind: Kind) {
    let policy = written(|request| match request.operation {
        Operation::Replay if request.input == &json!("once only") => Err(denied()),
        _ => Ok(Admission::default()),
    });
    let bed = bed(kind, &policy).await;
    let once = bed.trigger_with("echo", Trigger::new("k", json!("once only"))).await.id();
    bed.engine.finished(once).await.unwrap();
    for refused in [
        bed.engine.replay(once).await.unwrap_err(),
        bed.engine.fork(once, Fork::default()).await.unwrap_err(),
    ] {
        assert_eq!(refused.code(), ErrorCode::AccessDenied);
    }
}

async fn nobody_hears_of_flows_that_they_may_not_see(kind: Kind) {
    let policy = Arc::new(Written::default());
    let bed = bed(kind, &policy).await;
    let narrow = Caller { user: Some(UserId::new("bob").unwrap()), tenant: Some(tenant("acme")) };
    let narrow = bed.engine.as_caller(narrow);
    let (mut bobs, mut all) = (narrow.subscribe(), of_tenant(&bed, "acme").subscribe());
    let trigger = |key: &str| Trigger::new(key, json!("secret")).with_tenant("acme");
    let hidden = bed.trigger_with("waits", trigger("1")).await.id();
    bed.until_state(hidden, ExecutionState::Waiting).await;
    bed.engine.resume(hidden, None).await.unwrap();
    bed.engine.finished(hidden).await.unwrap();
    let shown = bed.trigger_with("echo", trigger("2")).await.id();
    bed.engine.finished(shown).await.unwrap();
    let of_both = |ids: Vec<Option<ExecutionId>>| [hidden, shown].map(|id| ids.contains(&Some(id)));
    let told = |events: Vec<runcor_core::EventRecord>| {
        of_both(events.iter().map(|record| record.event.execution_id()).collect())
    };
    assert_eq!(told(narrow.events(0, 1_000).await.unwrap()), [false, true]);
    assert_eq!(told(of_tenant(&bed, "acme").events(0, 1_000).await.unwrap()), [true, true]);
    let first = bobs.next().await.unwrap().unwrap();
    assert_eq!(first.event.execution_id(), Some(shown));
    assert_eq!(all.next().await.unwrap().unwrap().event.execution_id(), Some(hidden));
}

async fn what_a_caller_has_is_never_made_somebody_elses(kind: Kind) {
    let bed = bed(kind, &Arc::new(Written::default())).await;
    let id = bed.trigger_with("echo", Trigger::new("k", Value::Null).with_tenant("b")).await.id();
    let a = of_tenant(&bed, "a");
    for other in [Caller::default(), Caller::tenant(tenant("b"))] {
        let refused = a.as_caller(other).execution(id).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ExecutionNotFound);
    }
    let user = Caller { user: Some(UserId::new("ann").unwrap()), tenant: None };
    let narrowed = a.as_caller(user);
    let own = narrowed.trigger("echo", Trigger::new("k", Value::Null)).await.unwrap().execution;
    assert_eq!(Caller::of(&own.spec).tenant, Some(tenant("a")));
    assert_eq!(own.spec.user_id.as_ref().map(UserId::as_str), Some("ann"));
}
