//! Rows of the ledger: every field, in order of writing, by pages and filters.

use std::time::Duration;

use runcor_core::{
    AttemptOutcome, Batch, Cursor, LedgerEntry, LedgerFilter, LedgerQuery, MAX_ID_BYTES, Order,
    Timestamp, Usage,
};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::money_ops::{
    hard, nanos, reservation, reserve_op, row_at, settle_op, tenant, user,
};
use crate::store_suite::subject::{Subject, at, flow, sample};

/// Rows in which every field says something, and such in which none does.
pub(super) fn full_rows() -> Vec<LedgerEntry> {
    let usage = Usage {
        prompt_tokens: u64::from(u32::MAX) * 7,
        completion_tokens: 2,
        cached_tokens: 3,
        reasoning_tokens: 4,
        estimated: true,
    };
    let full = |outcome| LedgerEntry {
        execution_id: Some(sample().build().id()),
        path: Some("call „x“#1/model#2".to_owned()),
        flow_name: flow("流れ"),
        user_id: Some(user("a:b")),
        tenant_id: Some(tenant("T'--")),
        provider: "anthropic".to_owned(),
        model: "m%_\\".to_owned(),
        usage,
        cost: nanos(1_234_567_890_123),
        outcome,
        unpriced: true,
        duration: Duration::from_millis(86_400_000),
        ..row_at(-5, 0)
    };
    let mut rows: Vec<_> = AttemptOutcome::ALL.into_iter().map(full).collect();
    let empty = LedgerEntry { usage: Usage::default(), duration: Duration::ZERO, ..row_at(0, 0) };
    rows.push(LedgerEntry { model: String::new(), ..empty });
    let long = "x".repeat(MAX_ID_BYTES);
    rows.push(LedgerEntry { provider: long.clone(), model: long, ..row_at(0, -7) });
    rows
}

pub(crate) async fn every_field_of_a_row_is_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let rows = full_rows();
    for entry in &rows {
        subject.settle(entry).await;
    }
    assert_eq!(subject.rows().await, rows, "expected every field of every row");
}

pub(crate) async fn every_field_of_a_lapsed_row_is_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let rows = full_rows();
    for (entry, millis) in rows.iter().zip(1..) {
        let holds = vec![hard(&super::accounts::any(), 1, 100)];
        let mut one = reservation(holds, 0);
        (one.entry, one.lapses) = (entry.clone(), at(millis));
        subject.commit(Batch::new().with(reserve_op(&one))).await;
    }
    subject.lapse(at(1_000), 100).await;
    assert_eq!(subject.rows().await, rows, "expected the rows as the reservations brought them");
}

pub(crate) async fn rows_come_in_pages_in_order_of_writing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    // Neither the time nor the identity tells the order.
    let rows: Vec<_> = [30, 10, 20, 50, 40].map(|millis| row_at(millis, 1)).into();
    for entry in &rows {
        subject.settle(entry).await;
    }
    for (order, expected) in
        [(Order::Oldest, rows.clone()), (Order::Newest, rows.into_iter().rev().collect())]
    {
        let mut query = LedgerQuery { order, limit: 2, ..LedgerQuery::default() };
        let mut found = Vec::new();
        let mut sizes = Vec::new();
        loop {
            let page = subject.ledger(&query).await;
            sizes.push(page.items.len());
            found.extend(page.items);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!((found, sizes), (expected, vec![2, 2, 1]), "expected all pages in {order:?}");
    }
}

pub(crate) async fn a_page_of_rows_that_is_just_full_is_the_last(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let page = subject.ledger(&LedgerQuery::default()).await;
    assert!(page.items.is_empty() && page.next.is_none(), "expected no rows in an empty store");
    for millis in 0..4 {
        let entry = LedgerEntry { user_id: Some(user("u")), ..row_at(millis, 1) };
        subject.settle(&entry).await;
        subject.settle(&row_at(millis, 1)).await;
    }
    let filter = LedgerFilter { user: Some(user("u")), ..LedgerFilter::default() };
    let query = LedgerQuery { filter, limit: 4, ..LedgerQuery::default() };
    let page = subject.ledger(&query).await;
    assert_eq!((page.items.len(), page.next), (4, None), "expected a full page and no next one");
    let page = subject.ledger(&LedgerQuery { limit: 0, ..query.clone() }).await;
    assert!(page.items.is_empty(), "expected nothing for limit 0");
    let beyond = LedgerQuery { after: Some(Cursor::new(u64::MAX / 2)), ..query };
    assert!(subject.ledger(&beyond).await.items.is_empty(), "expected nothing after the end");
}

pub(crate) async fn rows_written_meanwhile_do_not_disturb_a_walk(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for cost in [1, 2, 3] {
        subject.settle(&row_at(0, cost)).await;
    }
    let mut query = LedgerQuery { order: Order::Newest, limit: 2, ..LedgerQuery::default() };
    query.after = subject.ledger(&query).await.next;
    subject.settle(&row_at(0, 4)).await;
    let costs: Vec<_> =
        subject.ledger(&query).await.items.iter().map(|row| row.cost.as_nanos()).collect();
    assert_eq!(costs, [1], "expected the walk to go on where it was");
}

/// Rows that differ from each other in one thing each.
fn differing() -> Vec<LedgerEntry> {
    let base = |millis| LedgerEntry {
        execution_id: Some(sample().build().id()),
        user_id: Some(user("u")),
        tenant_id: Some(tenant("t")),
        ..row_at(millis, 1)
    };
    vec![
        base(0),
        LedgerEntry { execution_id: None, ..base(1) },
        LedgerEntry { flow_name: flow("g"), ..base(2) },
        LedgerEntry { user_id: None, ..base(3) },
        LedgerEntry { user_id: Some(user("U")), ..base(4) },
        LedgerEntry { tenant_id: None, ..base(5) },
        LedgerEntry { tenant_id: Some(tenant("u")), ..base(6) },
        LedgerEntry { provider: "P".to_owned(), ..base(7) },
        LedgerEntry { model: "m%".to_owned(), ..base(8) },
        LedgerEntry { outcome: AttemptOutcome::Replayed, ..base(9) },
    ]
}

pub(super) fn filters_of(entry: &LedgerEntry) -> Vec<LedgerFilter> {
    let none = LedgerFilter::default;
    vec![
        none(),
        LedgerFilter { execution: entry.execution_id, ..none() },
        LedgerFilter { flow: Some(entry.flow_name.clone()), ..none() },
        LedgerFilter { user: entry.user_id.clone(), ..none() },
        LedgerFilter { tenant: entry.tenant_id.clone(), ..none() },
        LedgerFilter { provider: Some(entry.provider.clone()), ..none() },
        LedgerFilter { model: Some(entry.model.clone()), ..none() },
        LedgerFilter { from: Some(entry.timestamp), ..none() },
        LedgerFilter { to: Some(entry.timestamp), ..none() },
        LedgerFilter { from: Some(entry.timestamp), to: Some(entry.timestamp), ..none() },
        LedgerFilter {
            user: entry.user_id.clone(),
            tenant: entry.tenant_id.clone(),
            flow: Some(entry.flow_name.clone()),
            to: Some(entry.timestamp),
            ..none()
        },
    ]
}

pub(crate) async fn rows_are_filtered_by_everything(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let rows = differing();
    let batch = rows.iter().map(settle_op).fold(Batch::new(), Batch::with);
    subject.commit(batch).await;
    let mut filters: Vec<_> = rows.iter().flat_map(filters_of).collect();
    filters.push(LedgerFilter { user: Some(user("nobody")), ..LedgerFilter::default() });
    filters.push(LedgerFilter { model: Some(String::new()), ..LedgerFilter::default() });
    let (from, to) = (Some(at(2)), Some(at(1)));
    filters.push(LedgerFilter { from, to, ..LedgerFilter::default() });
    for filter in filters {
        let expected: Vec<_> = rows.iter().filter(|row| filter.fits(row)).cloned().collect();
        let query = LedgerQuery { filter, ..LedgerQuery::default() };
        let found = subject.ledger(&query).await.items;
        assert_eq!(found, expected, "expected the rows of {:?}", query.filter);
        let query = LedgerQuery { order: Order::Newest, ..query };
        let found: Vec<_> = subject.ledger(&query).await.items.into_iter().rev().collect();
        assert_eq!(found, expected, "expected the rows of {:?} also backwards", query.filter);
    }
}

pub(crate) async fn rows_at_the_edges_of_time_are_found(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut rows = Vec::new();
    for millis in [i64::MIN, -1, 0, i64::MAX] {
        let entry = LedgerEntry { timestamp: Timestamp::from_millis(millis), ..row_at(0, 1) };
        subject.settle(&entry).await;
        rows.push(entry);
    }
    assert_eq!(subject.rows().await, rows, "expected every instant unchanged");
    for (from, to, count) in [(0, i64::MAX, 2), (i64::MIN, -1, 2), (i64::MIN, i64::MAX, 4)] {
        let [from, to] = [from, to].map(|at| Some(Timestamp::from_millis(at)));
        let filter = LedgerFilter { from, to, ..LedgerFilter::default() };
        let totals = subject.totals(&filter, None).await;
        let counts: Vec<_> = totals.iter().map(|total| total.count).collect();
        assert_eq!(counts, [count], "expected the rows of {filter:?} in the total");
    }
}
