//! Flags: one for each execution, moved on by whoever knows where it stands.

use runcor_core::{Batch, Execution, Flag, FlagQuery, FlagSource, FlagStatus, Op};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::kept_ops::expect_stale;
use crate::store_suite::money_ops::tenant;
use crate::store_suite::ops::impossible;
use crate::store_suite::quality_ops::{flag, flag_op, moved};
use crate::store_suite::subject::{Subject, at, flow, sample};

pub(crate) async fn every_field_of_a_flag_is_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample().tenant("t:é")).await;
    assert_eq!(subject.flag(execution.id()).await, None, "expected none at first");
    let first = flag(&execution, -3);
    subject.put_flag(&first).await;
    assert_eq!(subject.flag(execution.id()).await, Some(first.clone()), "expected every field");
    let changed = Flag {
        reason: String::new(),
        source: FlagSource::Manual,
        updated_at: at(9),
        status: FlagStatus::Reviewed,
        ..first
    };
    let op = flag_op(&changed, Some(FlagStatus::Pending));
    subject.commit(Batch::new().with(op)).await;
    assert_eq!(subject.flag(execution.id()).await, Some(changed), "expected the flag as changed");
    let without = subject.insert(sample()).await;
    let without = flag(&without, 0);
    subject.put_flag(&without).await;
    let found = subject.flag(without.execution_id).await;
    assert_eq!(found, Some(without), "expected one without a tenant as well");
}

pub(crate) async fn a_flag_is_changed_from_where_it_stands(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample()).await;
    let (mut current, other) = (flag(&execution, 0), sample().build());
    let stages = [
        (None, FlagStatus::Pending),
        (Some(FlagStatus::Pending), FlagStatus::Reviewed),
        (Some(FlagStatus::Reviewed), FlagStatus::Resolved),
        // The store asks for no order of stages; that is for others to know.
        (Some(FlagStatus::Resolved), FlagStatus::Pending),
    ];
    for (stands, next) in stages {
        let next = moved(&current, next);
        let all = [None].into_iter().chain(FlagStatus::ALL.map(Some));
        for wrong in all.filter(|expect| *expect != stands) {
            let batch = Batch::new().insert(other.clone()).with(flag_op(&next, wrong));
            expect_stale(&subject.refuse(batch).await);
            assert_eq!(subject.find(other.id()).await, None, "expected nothing of the batch");
        }
        let before = subject.flag(execution.id()).await;
        assert_eq!(before.map(|flag| flag.status), stands, "expected it where it stood");
        subject.commit(Batch::new().with(flag_op(&next, stands))).await;
        assert_eq!(subject.flag(execution.id()).await, Some(next.clone()), "expected it moved");
        current = next;
    }
}

async fn flagged(subject: &Subject) -> Vec<(Execution, Flag)> {
    let builders = [
        sample(),
        sample().tenant("t"),
        crate::ExecutionBuilder::new("g").tenant("t"),
        crate::ExecutionBuilder::new("g"),
        sample().tenant("T"),
    ];
    let mut all = Vec::new();
    for (builder, millis) in builders.into_iter().zip([50, 40, 30, 20, 10]) {
        let execution = subject.insert(builder).await;
        let flag = flag(&execution, millis);
        subject.put_flag(&flag).await;
        all.push((execution, flag));
    }
    all
}

pub(crate) async fn flags_come_in_pages_oldest_first(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let all = flagged(&subject).await;
    let mut expected: Vec<_> = all.into_iter().map(|(_, flag)| flag).collect();
    // A flag that is changed keeps its place.
    expected[1] = moved(&expected[1], FlagStatus::Reviewed);
    let op = flag_op(&expected[1], Some(FlagStatus::Pending));
    subject.commit(Batch::new().with(op)).await;
    let mut query = FlagQuery { limit: 2, ..FlagQuery::default() };
    let (mut found, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = subject.flags(&query).await;
        sizes.push(page.items.len());
        found.extend(page.items);
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!((found, sizes), (expected, vec![2, 2, 1]), "expected all, in the order they came");
    let none = subject.flags(&FlagQuery { limit: 0, ..FlagQuery::default() }).await;
    assert!(none.items.is_empty(), "expected nothing for limit 0");
}

pub(crate) async fn flags_are_filtered(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut all: Vec<_> = flagged(&subject).await.into_iter().map(|(_, flag)| flag).collect();
    for (n, status) in [(0, FlagStatus::Reviewed), (2, FlagStatus::Resolved)] {
        let next: Flag = moved(&all[n], status);
        subject.commit(Batch::new().with(flag_op(&next, Some(FlagStatus::Pending)))).await;
        all[n] = next;
    }
    for status in [None].into_iter().chain(FlagStatus::ALL.map(Some)) {
        for flow in [None, Some(flow("f")), Some(flow("g")), Some(flow("none"))] {
            for tenant in [None, Some(tenant("t")), Some(tenant("T")), Some(tenant("none"))] {
                let fits = |one: &&Flag| {
                    status.is_none_or(|status| one.status == status)
                        && flow.as_ref().is_none_or(|flow| one.flow_name == *flow)
                        && (tenant.is_none() || one.tenant_id == tenant)
                };
                let expected: Vec<_> = all.iter().filter(fits).cloned().collect();
                let flow = flow.clone();
                let query = FlagQuery { status, flow, tenant, ..FlagQuery::default() };
                let found = subject.flags(&query).await.items;
                assert_eq!(found, expected, "expected those of {query:?}");
            }
        }
    }
}

pub(crate) async fn a_refused_operation_takes_back_a_flag(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let [one, other] = [subject.insert(sample()).await, subject.insert(sample()).await];
    let first = flag(&one, 0);
    subject.put_flag(&first).await;
    let batch = Batch::new()
        .with(flag_op(&moved(&first, FlagStatus::Resolved), Some(FlagStatus::Pending)))
        .with(flag_op(&flag(&other, 1), None))
        .with(Op::Emit(runcor_core::Event::Ready));
    subject.refuse(batch.with(impossible())).await;
    let found = subject.flags(&FlagQuery::default()).await.items;
    assert_eq!(found, [first], "expected the flags of before");
    let resolved = FlagQuery { status: Some(FlagStatus::Resolved), ..FlagQuery::default() };
    assert!(subject.flags(&resolved).await.items.is_empty(), "expected none that is resolved");
}
