//! Many writers at once: one order, and every answer after its commit.

use std::collections::HashSet;
use std::sync::Arc;

use runcor_core::{
    Batch, Change, ClaimRequest, ExecutionQuery, ExecutionState, Op, Order, Store, StoreError,
};
use serde_json::json;

use crate::support::{Home, at, claimed, complete, flow, queued, run_to_end, step, worker};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_equal_triggers_one_is_inserted_and_the_others_get_it() {
    let home = Home::new();
    let store = Arc::new(home.open());
    let mut tasks = Vec::new();
    for _ in 0..200 {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let execution = queued("f", "same");
            match store.commit(Batch::new().insert(execution.clone())).await {
                Ok(_) => (true, execution.id()),
                Err(StoreError::Duplicate { existing }) => (false, existing.id()),
                Err(error) => panic!("{error}"),
            }
        }));
    }
    let mut inserted = 0;
    let mut ids = HashSet::new();
    for task in tasks {
        let (is_new, id) = task.await.unwrap();
        inserted += usize::from(is_new);
        ids.insert(id);
    }
    assert_eq!((inserted, ids.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_execution_is_claimed_once_however_many_workers_want_it() {
    let home = Home::new();
    let store = Arc::new(home.open());
    for n in 0..300 {
        store.commit(Batch::new().insert(queued("f", &n.to_string()))).await.unwrap();
    }
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let worker = worker();
            store.commit(Batch::new().with(Op::Lease { worker, until: at(9_999) })).await.unwrap();
            let mut mine = Vec::new();
            loop {
                let request =
                    ClaimRequest { worker, now: at(10), limit: 7, flows: vec![flow("f")] };
                let claims = store.claim(request).await.unwrap();
                if claims.is_empty() {
                    return mine;
                }
                mine.extend(claims.into_iter().map(|claim| claim.execution.id()));
            }
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    let distinct: HashSet<_> = all.iter().copied().collect();
    assert_eq!((all.len(), distinct.len()), (300, 300));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_tells_every_event_once_in_the_order_of_the_log() {
    let home = Home::new();
    let store = Arc::new(home.open());
    let mut feed = store.feed().subscribe();
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { run_to_end(&store, &n.to_string()).await })
        })
        .collect();
    let mut told = Vec::new();
    for _ in 0..64 * 3 {
        told.push((*feed.next().await.unwrap().unwrap()).clone());
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(told, store.events(0, 1_000).await.unwrap());
    let numbers: Vec<_> = told.iter().map(|record| record.seq).collect();
    assert_eq!(numbers, (1..=192).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_batch_that_fails_midway_leaves_nothing_and_its_neighbours_stand() {
    let home = Home::new();
    let store = Arc::new(home.open());
    store.commit(Batch::new().insert(queued("f", "old"))).await.unwrap();
    let half = Batch::new()
        .insert(queued("f", "half"))
        .insert(queued("f", "old"))
        .emit_all(vec![runcor_core::Event::Ready]);
    let neighbours = tokio::join!(
        store.commit(Batch::new().insert(queued("f", "before"))),
        store.commit(half),
        store.commit(Batch::new().insert(queued("f", "after"))),
    );
    assert!(neighbours.0.is_ok() && neighbours.2.is_ok());
    assert!(matches!(neighbours.1, Err(StoreError::Duplicate { .. })));
    let page = store.executions(&ExecutionQuery::default()).await.unwrap();
    let keys: Vec<_> =
        page.items.iter().map(|execution| execution.spec.idempotency_key.as_str()).collect();
    assert_eq!(keys, ["old", "before", "after"]);
    assert_eq!(store.last_event().await.unwrap(), 0);
}

#[tokio::test]
async fn a_creation_number_is_not_used_again_after_deleting_and_reopening() {
    let home = Home::new();
    let store = home.open();
    for key in ["a", "b"] {
        store.commit(Batch::new().insert(queued("f", key))).await.unwrap();
    }
    let query = ExecutionQuery { limit: 1, ..ExecutionQuery::default() };
    let page = store.executions(&query).await.unwrap();
    let after_first = page.next.unwrap();
    let newest = ExecutionQuery { order: Order::Newest, ..query.clone() };
    let last = store.executions(&newest).await.unwrap().items.remove(0);
    let delete = Op::Delete { id: last.id(), expect: last.fence() };
    store.commit(Batch::new().with(delete)).await.unwrap();
    store.close().await.unwrap();

    let store = home.open();
    store.commit(Batch::new().insert(queued("f", "c"))).await.unwrap();
    store.commit(Batch::new().insert(queued("f", "d"))).await.unwrap();
    let rest = ExecutionQuery { after: Some(after_first), ..query };
    let next = store.executions(&rest).await.unwrap().next.unwrap();
    assert_eq!(next.number(), after_first.number() + 2);
}

#[tokio::test]
async fn calls_after_closing_say_so_and_closing_twice_does_nothing() {
    let home = Home::new();
    let store = home.open();
    store.commit(Batch::new().insert(queued("f", "a"))).await.unwrap();
    store.close().await.unwrap();
    store.close().await.unwrap();
    let commit = store.commit(Batch::new().insert(queued("f", "b"))).await;
    assert!(matches!(commit, Err(StoreError::Closed)));
    assert!(matches!(store.last_event().await, Err(StoreError::Closed)));
    let list = store.executions(&ExecutionQuery::default()).await;
    assert!(matches!(list, Err(StoreError::Closed)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_queued_when_the_store_closes_is_answered() {
    let home = Home::new();
    let store = Arc::new(home.open());
    let tasks: Vec<_> = (0..500)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                store.commit(Batch::new().insert(queued("f", &n.to_string()))).await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await.unwrap();
    let mut committed = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => committed += 1,
            Err(StoreError::Closed) => {}
            Err(error) => panic!("{error}"),
        }
    }
    drop(store);
    let query = ExecutionQuery { limit: 1_000, ..ExecutionQuery::default() };
    assert_eq!(home.open().executions(&query).await.unwrap().items.len(), committed);
}

#[tokio::test]
async fn filters_and_pages_agree_with_looking_at_everything() {
    let home = Home::new();
    let store = home.open();
    let mut all = Vec::new();
    for n in 0..60_i64 {
        let flow_name = ["f", "g", "h"][usize::try_from(n % 3).unwrap()];
        let (mut execution, _) = claimed(flow_name, &n.to_string(), worker());
        let mut spec = (*execution.spec).clone();
        spec.user_id = (n % 2 == 0).then(|| runcor_core::UserId::new("u").unwrap());
        spec.tenant_id = (n % 5 == 0).then(|| runcor_core::TenantId::new("t").unwrap());
        execution.spec = Arc::new(spec);
        store.commit(Batch::new().insert(execution.clone())).await.unwrap();
        if n % 4 == 0 {
            store.commit(step(&mut execution, complete(json!(n)), at(n))).await.unwrap();
        } else if n % 7 == 0 {
            store.commit(step(&mut execution, Change::Retry { due: at(n) }, at(n))).await.unwrap();
        }
        all.push(execution);
    }
    let states = [None, Some(ExecutionState::Complete), Some(ExecutionState::Running)];
    let flows = [None, Some(flow("g"))];
    let users = [None, runcor_core::UserId::new("u").ok()];
    let tenants = [None, runcor_core::TenantId::new("t").ok()];
    for state in states {
        for flow in &flows {
            for user in &users {
                for tenant in &tenants {
                    for order in [Order::Oldest, Order::Newest] {
                        let query = ExecutionQuery {
                            state,
                            flow: flow.clone(),
                            user: user.clone(),
                            tenant: tenant.clone(),
                            order,
                            limit: 4,
                            offset: 1,
                            ..ExecutionQuery::default()
                        };
                        let mut expected: Vec<_> = all
                            .iter()
                            .filter(|e| state.is_none_or(|state| e.state() == state))
                            .filter(|e| flow.as_ref().is_none_or(|flow| e.spec.flow == *flow))
                            .filter(|e| user.is_none() || e.spec.user_id == *user)
                            .filter(|e| tenant.is_none() || e.spec.tenant_id == *tenant)
                            .map(|e| e.id())
                            .collect();
                        if order == Order::Newest {
                            expected.reverse();
                        }
                        let expected: Vec<_> = expected.into_iter().skip(1).collect();
                        assert_eq!(walk(&store, query.clone()).await, expected, "{query:?}");
                    }
                }
            }
        }
    }
}

/// Reads every page of a query; the offset counts for the first one only.
async fn walk(store: &impl Store, mut query: ExecutionQuery) -> Vec<runcor_core::ExecutionId> {
    let mut ids = Vec::new();
    loop {
        let page = store.executions(&query).await.unwrap();
        ids.extend(page.items.iter().map(|execution| execution.id()));
        query.offset = 0;
        query.after = page.next;
        if page.next.is_none() {
            return ids;
        }
    }
}

#[tokio::test]
async fn what_was_written_is_counted_and_what_was_refused_is_not() {
    let home = Home::new();
    let store = home.open();
    let statistics = store.statistics();
    let counted = || (statistics.commits(), statistics.transactions());
    let request =
        || ClaimRequest { worker: worker(), now: at(10), limit: 7, flows: vec![flow("f")] };
    assert!(store.claim(request()).await.unwrap().is_empty());
    assert_eq!(counted(), (0, 0));
    store.commit(Batch::new().insert(queued("f", "a"))).await.unwrap();
    store.commit(Batch::new().insert(queued("f", "a"))).await.unwrap_err();
    assert_eq!(store.claim(request()).await.unwrap().len(), 1);
    assert_eq!(counted(), (2, 2));
}
