//! Lists: order, cursors, offsets and filters.

use runcor_core::{
    Change, Execution, ExecutionId, ExecutionQuery, ExecutionState, Order, TenantId, UserId,
};

use crate::ExecutionBuilder;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::delete_op;
use crate::store_suite::subject::{Subject, at, complete, fail, flow, ids, must, sample, worker};

fn query() -> ExecutionQuery {
    ExecutionQuery::default()
}

/// Inserts executions whose ids and queueing times are not in order of creation.
async fn several(subject: &Subject, count: i64) -> Vec<Execution> {
    let mut inserted = Vec::new();
    for number in 0..count {
        let queued_at = at((number * 7) % 5);
        inserted.push(subject.insert(sample().queued_at(queued_at)).await);
    }
    inserted
}

/// Walks through all pages and returns what is on each.
async fn pages(subject: &Subject, mut query: ExecutionQuery) -> Vec<Vec<ExecutionId>> {
    let mut pages = Vec::new();
    loop {
        let page = subject.list(&query).await;
        pages.push(ids(&page.items));
        match page.next {
            Some(next) if pages.len() < 100 => query.after = Some(next),
            Some(_) => fail("expected the pages to come to an end"),
            None => return pages,
        }
    }
}

pub(crate) async fn an_empty_store_lists_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let page = subject.list(&query()).await;
    assert!(page.items.is_empty(), "expected an empty page");
    assert_eq!(page.next, None, "expected no next page");
}

pub(crate) async fn executions_are_listed_in_order_of_creation(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let inserted = several(&subject, 10).await;
    let page = subject.list(&query()).await;
    assert_eq!(page.items, inserted, "expected all fields, in the order of the inserts");
    assert_eq!(page.next, None, "expected no next page");
}

pub(crate) async fn newest_first_is_the_reverse(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut expected = ids(&several(&subject, 10).await);
    expected.reverse();
    let newest = ExecutionQuery { order: Order::Newest, ..query() };
    assert_eq!(subject.ids(&newest).await, expected, "expected the reverse order of the inserts");
}

pub(crate) async fn pages_cover_everything_once(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut expected = ids(&several(&subject, 10).await);
    for order in [Order::Oldest, Order::Newest] {
        let found = pages(&subject, ExecutionQuery { order, limit: 3, ..query() }).await;
        let sizes: Vec<_> = found.iter().map(Vec::len).collect();
        assert_eq!(sizes, [3, 3, 3, 1], "expected ten executions on pages of three");
        assert_eq!(found.concat(), expected, "expected each once, {order:?} first");
        expected.reverse();
    }
}

pub(crate) async fn a_page_that_is_just_full_is_the_last(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    several(&subject, 6).await;
    let sizes: Vec<_> = pages(&subject, ExecutionQuery { limit: 3, ..query() })
        .await
        .iter()
        .map(Vec::len)
        .collect();
    assert_eq!(sizes, [3, 3], "expected no empty page at the end");
}

pub(crate) async fn a_state_filter_follows_changes(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let in_state = |state| ExecutionQuery { state: Some(state), ..query() };
    let queued = subject.insert(sample()).await;
    let mut execution = subject.insert(sample()).await;
    let life = [
        Change::Claim { worker: worker() },
        Change::Retry { due: at(9) },
        Change::Continue,
        crate::store_suite::subject::wait(None),
        Change::Resume { data: None },
        Change::Claim { worker: worker() },
        complete(None),
    ];
    for change in life {
        subject.change(&mut execution, change, at(1)).await;
        for state in ExecutionState::ALL {
            let mut expected = Vec::new();
            if state == ExecutionState::Queued {
                expected.push(queued.id());
            }
            if state == execution.state() {
                expected.push(execution.id());
            }
            let found = subject.ids(&in_state(state)).await;
            assert_eq!(found, expected, "expected those that are {state}");
        }
    }
}

pub(crate) async fn flow_user_and_tenant_filter(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mine = subject.insert(ExecutionBuilder::new("g").user("u").tenant("t")).await.id();
    let (user, tenant) = (UserId::new("u").ok(), TenantId::new("t").ok());
    for builder in [sample(), sample().user("v"), sample().tenant("s")] {
        subject.insert(builder).await;
    }
    for (filter, wanted) in [
        ("flow", ExecutionQuery { flow: Some(flow("g")), ..query() }),
        ("user", ExecutionQuery { user: user.clone(), ..query() }),
        ("tenant", ExecutionQuery { tenant: tenant.clone(), ..query() }),
    ] {
        assert_eq!(subject.ids(&wanted).await, [mine], "expected the {filter} filter to find one");
    }
    let nobody = ExecutionQuery { user: UserId::new("t").ok(), ..query() };
    assert!(subject.ids(&nobody).await.is_empty(), "expected nothing of an unknown user");
}

pub(crate) async fn filters_are_combined(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut expected = Vec::new();
    for number in 0..24 {
        let (flow, user) = (["f", "g"][number % 2], ["u", "v", "w"][number % 3]);
        let tenant = ["s", "t"][(number / 6) % 2];
        let builder = ExecutionBuilder::new(flow).user(user).tenant(tenant).queued_at(at(0));
        let mut execution = subject.insert(builder).await;
        if number >= 12 {
            subject.change(&mut execution, Change::Claim { worker: worker() }, at(1)).await;
        }
        if (flow, user, tenant) == ("g", "u", "t") && number >= 12 {
            expected.push(execution.id());
        }
    }
    let all = ExecutionQuery {
        state: Some(ExecutionState::Running),
        flow: Some(flow("g")),
        user: UserId::new("u").ok(),
        tenant: TenantId::new("t").ok(),
        limit: 1,
        ..query()
    };
    assert!(!expected.is_empty(), "the scenario itself is wrong: nothing to find");
    let found = pages(&subject, all.clone()).await.concat();
    assert_eq!(found, expected, "expected what all four filters let through");
    let none = ExecutionQuery { state: Some(ExecutionState::Failed), ..all };
    assert!(subject.ids(&none).await.is_empty(), "expected nothing that failed");
}

pub(crate) async fn an_offset_is_counted_from_the_cursor(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let inserted = ids(&several(&subject, 10).await);
    let page = subject.list(&ExecutionQuery { offset: 4, limit: 2, ..query() }).await;
    assert_eq!(ids(&page.items), inserted[4..6], "expected the fifth and sixth");
    let after = Some(must(page.next, "a next page"));
    let further = ExecutionQuery { after, offset: 1, limit: 2, ..query() };
    assert_eq!(subject.ids(&further).await, inserted[7..9], "expected the eighth and ninth");
    let beyond = subject.list(&ExecutionQuery { offset: 10, ..query() }).await;
    assert!(beyond.items.is_empty(), "expected nothing beyond the end");
    assert_eq!(beyond.next, None, "expected no page after it");
}

pub(crate) async fn a_cursor_outlives_its_execution(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let inserted = several(&subject, 6).await;
    let page = subject.list(&ExecutionQuery { limit: 3, ..query() }).await;
    for execution in &inserted[1..4] {
        subject.commit(runcor_core::Batch::new().with(delete_op(execution))).await;
    }
    let rest = subject.ids(&ExecutionQuery { after: page.next, ..query() }).await;
    assert_eq!(rest, ids(&inserted[4..]), "expected the cursor to keep its place");
}

pub(crate) async fn new_executions_do_not_disturb_a_walk_through_older_ones(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut expected = ids(&several(&subject, 6).await);
    expected.reverse();
    let newest = ExecutionQuery { order: Order::Newest, limit: 3, ..query() };
    let first = subject.list(&newest).await;
    several(&subject, 3).await;
    let rest = subject.ids(&ExecutionQuery { after: first.next, ..newest }).await;
    assert_eq!([ids(&first.items), rest].concat(), expected, "expected the older ones, each once");
}

pub(crate) async fn a_limit_of_zero_gives_an_empty_page(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    several(&subject, 2).await;
    let page = subject.list(&ExecutionQuery { limit: 0, ..query() }).await;
    assert!(page.items.is_empty(), "expected an empty page");
    let page = subject.list(&ExecutionQuery { limit: usize::MAX, ..query() }).await;
    assert_eq!(page.items.len(), 2, "expected everything for the greatest limit");
}
