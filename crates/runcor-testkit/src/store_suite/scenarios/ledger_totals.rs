//! Totals of the ledger: what the rows add up to, whoever asks and however.

use std::collections::BTreeMap;

use runcor_core::{
    AttemptOutcome, Batch, ExecutionId, LedgerDimension, LedgerEntry, LedgerFilter, LedgerTotal,
    Op, Timestamp, Usage,
};

use super::ledger_rows::filters_of;
use crate::store_suite::chance::Chance;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::money_ops::{nanos, row_at, settle_op, tenant, user};
use crate::store_suite::subject::{Subject, at, flow, sample};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

const DIMENSIONS: [LedgerDimension; 6] = [
    LedgerDimension::Flow,
    LedgerDimension::User,
    LedgerDimension::Tenant,
    LedgerDimension::Provider,
    LedgerDimension::Model,
    LedgerDimension::Day,
];

fn name_in(entry: &LedgerEntry, by: LedgerDimension) -> Option<String> {
    match by {
        LedgerDimension::Flow => Some(entry.flow_name.to_string()),
        LedgerDimension::User => entry.user_id.as_ref().map(ToString::to_string),
        LedgerDimension::Tenant => entry.tenant_id.as_ref().map(ToString::to_string),
        LedgerDimension::Provider => Some(entry.provider.clone()),
        LedgerDimension::Model => Some(entry.model.clone()),
        LedgerDimension::Day => entry.timestamp.to_string().get(..10).map(str::to_owned),
    }
}

/// Adds rows up plainly.
fn naive(
    rows: &[LedgerEntry],
    filter: &LedgerFilter,
    by: Option<LedgerDimension>,
) -> Vec<LedgerTotal> {
    let mut totals: BTreeMap<Option<String>, LedgerTotal> = BTreeMap::new();
    if by.is_none() {
        totals.insert(None, LedgerTotal::default());
    }
    for row in rows.iter().filter(|row| filter.fits(row)) {
        totals.entry(by.and_then(|by| name_in(row, by))).or_default().add(row);
    }
    totals.into_iter().map(|(name, total)| LedgerTotal { name, ..total }).collect()
}

/// Checks totals of every kind against a plain sum.
async fn expect_totals(subject: &Subject, rows: &[LedgerEntry], filter: &LedgerFilter) {
    for by in [None].into_iter().chain(DIMENSIONS.map(Some)) {
        let mut found = subject.totals(filter, by).await;
        let is_ordered = found.is_sorted_by(|a, b| a.cost >= b.cost);
        assert!(is_ordered, "expected the highest cost first for {filter:?} by {by:?}");
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let expected = naive(rows, filter, by);
        assert_eq!(found, expected, "expected the totals of {filter:?} by {by:?}");
    }
}

pub(crate) async fn an_empty_ledger_adds_up_to_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    expect_totals(&subject, &[], &LedgerFilter::default()).await;
    let filter = LedgerFilter { user: Some(user("u")), ..LedgerFilter::default() };
    expect_totals(&subject, &[], &filter).await;
    subject.settle(&row_at(0, 7)).await;
    expect_totals(&subject, &[], &filter).await;
}

pub(crate) async fn a_total_tells_requests_from_answers_of_a_journal(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let usage = Usage {
        prompt_tokens: 100,
        completion_tokens: 20,
        cached_tokens: 30,
        reasoning_tokens: 5,
        estimated: true,
    };
    let answered = LedgerEntry { usage, ..row_at(0, 7) };
    let replayed = LedgerEntry { outcome: AttemptOutcome::Replayed, usage, ..row_at(0, 0) };
    let unpriced = LedgerEntry { usage, unpriced: true, ..row_at(0, 0) };
    for entry in [answered, replayed, unpriced] {
        subject.settle(&entry).await;
    }
    let expected = LedgerTotal {
        name: None,
        cost: nanos(7),
        count: 2,
        replayed: 1,
        unpriced: 1,
        prompt_tokens: 200,
        completion_tokens: 40,
        cached_tokens: 60,
        reasoning_tokens: 10,
        saved_tokens: 120,
    };
    let found = subject.totals(&LedgerFilter::default(), None).await;
    assert_eq!(found, [expected], "expected each of the sums");
}

pub(crate) async fn the_edges_of_a_range_of_time_belong_to_it(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let edges = [0, 1, HOUR - 1, HOUR, HOUR + 1, DAY - 1, DAY, 2 * DAY - 1, 2 * DAY, 3 * DAY];
    let mut rows = Vec::new();
    for (millis, bit) in edges.into_iter().zip(0..) {
        // Each row has a cost of its own that no sum of others has.
        let entry = row_at(millis, 1 << bit);
        subject.settle(&entry).await;
        rows.push(entry);
    }
    for from in edges {
        for to in edges {
            let (from, to) = (Some(at(from)), Some(at(to)));
            let filter = LedgerFilter { from, to, ..LedgerFilter::default() };
            let found = subject.totals(&filter, None).await;
            assert_eq!(found, naive(&rows, &filter, None), "expected the total of {filter:?}");
        }
        let filter = LedgerFilter { from: Some(at(from)), ..LedgerFilter::default() };
        expect_totals(&subject, &rows, &filter).await;
        let filter = LedgerFilter { to: Some(at(from)), ..LedgerFilter::default() };
        expect_totals(&subject, &rows, &filter).await;
    }
}

/// A row of few flows, users, tenants and hours, so that many have much in common.
fn random_row(chance: &mut Chance, executions: &[ExecutionId]) -> LedgerEntry {
    let pick = |n: usize, names: &[&str]| names.get(n).map(|name| (*name).to_owned());
    let edge = [0, 0, 1, -1][chance.below(4)];
    let hour = i64::try_from(chance.below(60)).unwrap_or(0);
    let within = if chance.below(3) == 0 { edge } else { chance.amount(HOUR) };
    let outcome = AttemptOutcome::ALL[chance.below(AttemptOutcome::ALL.len())];
    let names = ["a", "b", "a:b", "ä", ""];
    LedgerEntry {
        execution_id: executions.get(chance.below(6)).copied(),
        flow_name: flow(names[chance.below(4)]),
        user_id: pick(chance.below(6), &names[..4]).map(|name| user(&name)),
        tenant_id: pick(chance.below(4), &names[..3]).map(|name| tenant(&name)),
        provider: names[chance.below(3)].to_owned(),
        model: names[chance.below(5)].to_owned(),
        usage: Usage {
            prompt_tokens: u64::try_from(chance.amount(1_000)).unwrap_or(0),
            completion_tokens: u64::try_from(chance.amount(500)).unwrap_or(0),
            cached_tokens: u64::try_from(chance.amount(50)).unwrap_or(0),
            reasoning_tokens: u64::try_from(chance.amount(50)).unwrap_or(0),
            estimated: chance.below(2) == 0,
        },
        cost: nanos(chance.amount(1_000_000_000)),
        outcome,
        unpriced: chance.below(5) == 0,
        ..row_at(hour * HOUR + within, 0)
    }
}

fn random_filter(chance: &mut Chance, rows: &[LedgerEntry]) -> LedgerFilter {
    let mut filter = LedgerFilter::default();
    for _ in 0..chance.below(4) {
        let Some(row) = rows.get(chance.below(rows.len())) else { continue };
        let filters = filters_of(row);
        let Some(other) = filters.get(chance.below(filters.len())).cloned() else { continue };
        filter = LedgerFilter {
            execution: filter.execution.or(other.execution),
            flow: filter.flow.or(other.flow),
            user: filter.user.or(other.user),
            tenant: filter.tenant.or(other.tenant),
            provider: filter.provider.or(other.provider),
            model: filter.model.or(other.model),
            from: filter.from.or(other.from),
            to: filter.to.or(other.to),
        };
    }
    filter
}

/// Writes random rows and returns them.
async fn random_rows(subject: &Subject, chance: &mut Chance, count: usize) -> Vec<LedgerEntry> {
    let executions: Vec<_> = (0..4).map(|_| sample().build().id()).collect();
    let rows: Vec<_> = (0..count).map(|_| random_row(chance, &executions)).collect();
    for rows in rows.chunks(20) {
        subject.commit(rows.iter().map(settle_op).fold(Batch::new(), Batch::with)).await;
    }
    rows
}

pub(crate) async fn totals_are_the_sums_of_their_rows(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut chance = Chance::new(7);
    let rows = random_rows(&subject, &mut chance, 400).await;
    for _ in 0..60 {
        let filter = random_filter(&mut chance, &rows);
        expect_totals(&subject, &rows, &filter).await;
    }
}

/// The number of rows that a store keeps by this, and how many it removed.
async fn keep(subject: &Subject, keep: u64, limit: usize) -> usize {
    let (now, keep_ledger) = (at(0), Some(keep));
    let op = Op::Expire { now, limit, keep_ledger, keep_evaluations: None };
    subject.commit(Batch::new().with(op)).await.expired
}

pub(crate) async fn totals_outlive_their_rows(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut chance = Chance::new(11);
    let rows = random_rows(&subject, &mut chance, 200).await;
    assert_eq!(keep(&subject, 50, 100).await, 100, "expected as many as the limit to go");
    assert_eq!(subject.rows().await, rows[100..], "expected the newest rows to stay");
    assert_eq!(keep(&subject, 50, 100).await, 50, "expected the rest to go");
    assert_eq!(keep(&subject, 50, 100).await, 0, "expected no more to go");
    assert_eq!(subject.rows().await, rows[150..], "expected as many rows as are to be kept");
    for _ in 0..30 {
        let mut filter = random_filter(&mut chance, &rows);
        // The rows of one execution, and those of a piece of an hour, can't be told any more.
        filter.execution = None;
        filter.from = filter.from.map(|from| aligned(from, 0));
        filter.to = filter.to.map(|to| aligned(to, HOUR - 1));
        expect_totals(&subject, &rows, &filter).await;
    }
    let more = random_rows(&subject, &mut chance, 40).await;
    let rows = [rows, more].concat();
    expect_totals(&subject, &rows, &LedgerFilter::default()).await;
    assert_eq!(subject.rows().await, rows[150..], "expected new rows after the old ones");
}

fn aligned(at: Timestamp, offset: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis().div_euclid(HOUR) * HOUR + offset)
}

pub(crate) async fn pages_go_on_when_rows_are_removed(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for cost in 0..6 {
        subject.settle(&row_at(0, cost)).await;
    }
    let mut query = runcor_core::LedgerQuery { limit: 2, ..Default::default() };
    query.after = subject.ledger(&query).await.next;
    keep(&subject, 3, 100).await;
    let costs = async |query| -> Vec<i64> {
        subject.ledger(query).await.items.iter().map(|row| row.cost.as_nanos()).collect()
    };
    assert_eq!(costs(&query).await, [3, 4], "expected the page to go on with what is left");
    keep(&subject, 0, 100).await;
    assert!(costs(&query).await.is_empty(), "expected nothing when all are removed");
    let entry = row_at(0, 9);
    subject.settle(&entry).await;
    assert_eq!(costs(&query).await, [9], "expected what was written afterwards");
    let expected = LedgerTotal { count: 7, cost: nanos(24), ..LedgerTotal::default() };
    let found = subject.totals(&LedgerFilter::default(), None).await;
    let found: Vec<_> = found.iter().map(|total| (total.count, total.cost)).collect();
    assert_eq!(found, [(expected.count, expected.cost)], "expected all rows in the total");
}

pub(crate) async fn a_refused_operation_takes_back_a_removal_of_rows(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut chance = Chance::new(13);
    let rows = random_rows(&subject, &mut chance, 30).await;
    let expire = Op::Expire { now: at(0), limit: 99, keep_ledger: Some(3), keep_evaluations: None };
    let more = settle_op(&row_at(5, 5));
    let batch = Batch::new().with(more).with(expire).with(settle_op(&row_at(6, 6)));
    subject.refuse(batch.with(crate::store_suite::ops::impossible())).await;
    assert_eq!(subject.rows().await, rows, "expected every row to be there again");
    for _ in 0..20 {
        let filter = random_filter(&mut chance, &rows);
        expect_totals(&subject, &rows, &filter).await;
        let query = runcor_core::LedgerQuery { limit: 99, filter, ..Default::default() };
        let found = subject.ledger(&query).await.items;
        let expected: Vec<_> = rows.iter().filter(|row| query.filter.fits(row)).cloned().collect();
        assert_eq!(found, expected, "expected the rows of {:?}", query.filter);
    }
}
