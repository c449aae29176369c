//! Two tenants on one runtime never see, change or use up anything of each other, by any call.

mod history;
mod reads;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use runcor::cost::BudgetLimits;
use runcor::eval::{KeywordEvaluator, Registration};
use runcor::execution::{Execution, ExecutionId, ExecutionState, TenantId, UserId};
use runcor::governance::{BudgetLimit, Caller, RateScope};
use runcor::model::Money;
use runcor::policy::{PolicyConfig, RateLimit, TenantPolicy};
use runcor::{ErrorCode, EvaluationSettings, Runtime, Trigger};
use serde_json::json;

use crate::bed::{Bed, Kind, budgets};
use history::{Act, flows, provider};

/// One of the two tenants, and everything that belongs to it.
pub(crate) struct Side {
    /// Stands in everything that is theirs.
    pub(crate) mark: &'static str,
    pub(crate) tenant: TenantId,
    pub(crate) ids: Vec<ExecutionId>,
}

impl Side {
    fn new(mark: &'static str) -> Self {
        Self { mark, tenant: TenantId::new(format!("t:{mark}")).unwrap(), ids: Vec::new() }
    }

    /// Returns the callers that the tenant has: itself, and three users with awkward names.
    pub(crate) fn callers(&self) -> Vec<Caller> {
        let mut all = vec![Caller::tenant(self.tenant.clone())];
        all.extend(
            (0..3).map(|user| Caller {
                user: Some(self.user(user)),
                tenant: Some(self.tenant.clone()),
            }),
        );
        all
    }

    /// The last one has the same name in both tenants.
    pub(crate) fn user(&self, number: usize) -> UserId {
        let names = [format!("u{}", self.mark), format!("u{}:x/%_", self.mark), "same".to_owned()];
        UserId::new(names[number].clone()).unwrap()
    }

    pub(crate) fn own_flow(&self) -> String {
        format!("own-{}", self.mark)
    }
}

/// The runtime with everything on, and the two tenants.
pub(crate) struct World {
    pub(crate) bed: Bed,
    pub(crate) sides: [Side; 2],
}

impl World {
    async fn new(kind: Kind) -> Self {
        let sides = [Side::new("mkone"), Side::new("mktwo")];
        let config = PolicyConfig {
            tenants: sides.iter().map(tenant_policy).collect(),
            rate_limits: vec![RateLimit::new(
                "per-user",
                RateScope::User,
                100_000,
                Duration::from_secs(60),
            )],
            ..PolicyConfig::default()
        };
        let wide = Some(BudgetLimit::hard(Money::from_nanos(1_000_000_000_000)));
        let limits = BudgetLimits {
            per_user: wide,
            per_execution: wide,
            per_tenant: wide,
            per_flow: wide,
            global: wide,
            ..BudgetLimits::default()
        };
        let bed = Bed::new(kind, |b| {
            b.registration(provider())
                .costs(budgets(limits))
                .policies(config)
                .evaluation(EvaluationSettings::default())
        })
        .await;
        let words = KeywordEvaluator::new("w").words(vec!["never there".to_owned()], vec![]);
        bed.runcor.evaluators().unwrap().add(Registration::new(words.unwrap())).unwrap();
        for flow in flows(&sides) {
            bed.runcor.register(flow).unwrap();
        }
        Self { bed, sides }
    }

    /// Does what both do, in turn, and waits until nothing moves any more.
    async fn live(&mut self, acts: &[(bool, Act)]) {
        for (second, act) in acts {
            history::act(self, usize::from(*second), act).await;
        }
        self.come_to_rest().await;
        self.find_ids().await;
    }

    async fn come_to_rest(&self) {
        crate::bed::eventually(async || {
            let all = self.bed.runcor.executions(&reads::everything()).await.unwrap().items;
            let rests =
                |it: &Execution| it.state().is_terminal() || it.state() == ExecutionState::Waiting;
            let waits_for_child = |it: &Execution| {
                let kind = it.status.wait.as_ref().map(|wait| wait.kind);
                it.state() == ExecutionState::Waiting
                    && kind == Some(runcor::flow::WaitKind::Call)
                    && !all.iter().any(|child| {
                        child.spec.parent.as_ref().is_some_and(|parent| parent.id == it.id())
                            && child.state() == ExecutionState::Waiting
                    })
            };
            let judged = self.bed.store.quality().unevaluated(1).await.unwrap().is_empty();
            (all.iter().all(rests) && !all.iter().any(waits_for_child) && judged).then_some(())
        })
        .await;
    }

    /// Finds out whose executions there are: by what stands in them, not by what they say.
    async fn find_ids(&mut self) {
        let all = self.bed.runcor.executions(&reads::everything()).await.unwrap().items;
        for side in &mut self.sides {
            let marked = |it: &&Execution| it.spec.input.to_string().contains(side.mark);
            side.ids = all.iter().filter(marked).map(Execution::id).collect();
        }
        let owned: usize = self.sides.iter().map(|side| side.ids.len()).sum();
        assert_eq!(owned, all.len(), "every execution belongs to one of them");
    }
}

fn tenant_policy(side: &Side) -> TenantPolicy {
    let flows = ["work".to_owned(), "child".to_owned(), side.own_flow()];
    TenantPolicy::new(side.tenant.clone()).with_allowed_flows(flows).with_rate_limit(
        // Both have one of this name.
        RateLimit::new("own", RateScope::Global, 100_000, Duration::from_secs(60)),
    )
}

fn check(kind: Kind, acts: &[(bool, Act)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(kind).await;
        let mut heard = reads::listen(&world);
        world.live(acts).await;
        for (own, other) in [(0, 1), (1, 0)] {
            reads::show_nothing_of_others(&world, own, other, &mut heard).await;
            writes::are_refused_as_if_nothing_were_there(&world, own, other).await;
        }
        world.bed.runcor.shutdown().await.unwrap();
    });
}

fn acts(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(bool, Act)>> {
    prop::collection::vec((any::<bool>(), history::any_act()), length)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 64, ..Default::default() })]
    #[test]
    fn tenants_never_see_or_change_anything_of_each_other_in_memory(acts in acts(4..28)) {
        check(Kind::Memory, &acts);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 16, ..Default::default() })]
    #[test]
    fn tenants_never_see_or_change_anything_of_each_other_in_a_file(acts in acts(4..28)) {
        check(Kind::Sqlite, &acts);
    }
}

#[tokio::test]
async fn what_one_tenant_uses_up_is_not_taken_from_the_other() {
    let day = Duration::from_secs(86_400);
    let tenant = |name: &str| {
        let own = RateLimit::new("own", RateScope::Global, 2, day);
        TenantPolicy::new(TenantId::new(name).unwrap()).with_rate_limit(own)
    };
    let config = PolicyConfig {
        tenants: vec![tenant("a"), tenant("b")],
        rate_limits: vec![RateLimit::new("user", RateScope::User, 1, day)],
        ..PolicyConfig::default()
    };
    let bed = Bed::new(Kind::Memory, |b| b.policies(config)).await;
    bed.runcor
        .register(history::flow("f", async |_: runcor::FlowContext| {
            Ok(runcor::flow::FlowOutcome::Complete(json!(1)))
        }))
        .unwrap();
    let as_tenant = |name: &str| bed.runcor.as_caller(Caller::tenant(TenantId::new(name).unwrap()));
    let (a, b) = (as_tenant("a"), as_tenant("b"));
    let trigger = |key: &str| Trigger::new(key, json!(null));
    a.trigger("f", trigger("1").with_user("same")).await.unwrap();
    let refused = a.trigger("f", trigger("2").with_user("same")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::RateLimited);
    assert!(refused.is_retryable());
    a.trigger("f", trigger("3")).await.unwrap();
    assert_eq!(a.trigger("f", trigger("4")).await.unwrap_err().code(), ErrorCode::RateLimited);
    // The same user's name, the same limit's name and the same keys: nothing of it was used up.
    let first = b.trigger("f", trigger("1").with_user("same")).await.unwrap();
    assert!(
        !first.replayed
            && first.execution.spec.tenant_id.as_ref().is_some_and(|it| it.as_str() == "b")
    );
    b.trigger("f", trigger("3")).await.unwrap();
    assert_eq!(b.trigger("f", trigger("4")).await.unwrap_err().code(), ErrorCode::RateLimited);
}

/// Keeps the clone of a runtime that a caller has.
pub(crate) fn seen_by(world: &World, caller: &Caller) -> Arc<dyn Runtime> {
    world.bed.runcor.as_caller(caller.clone())
}
