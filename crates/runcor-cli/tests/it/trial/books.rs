//! The auditor: compares what runcor says with what the vendors charge.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcor::execution::{ExecutionQuery, Page};
use runcor::governance::{LedgerFilter, LedgerQuery};
use runcor::store::{SqliteConfig, SqliteStore, Store};
use serde_json::Value;

use super::api::Api;
use super::office::CARD_OF_CUSTOMERS;
use super::vendor::{CARD_OF_VENDORS, Vendor};
use crate::bed::{PATIENCE, Project};

/// Five dollars.
const LIMIT: u64 = 5_000_000_000;

/// Looks at the books of all sides.
#[derive(Clone)]
pub(super) struct Auditor {
    api: Api,
    vendors: Vec<Arc<Vendor>>,
    looks: Arc<AtomicUsize>,
}

impl Auditor {
    pub(super) fn new(api: Api, vendors: Vec<Arc<Vendor>>) -> Self {
        Self { api, vendors, looks: Arc::default() }
    }

    pub(super) fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }

    /// Returns what the vendors charge, in nano-dollars.
    fn charged(&self) -> u64 {
        self.vendors.iter().map(|vendor| vendor.charged()).sum()
    }

    /// Looks as long as it is let.
    pub(super) async fn watch_for_ever(self) {
        loop {
            self.look().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Looks once; returns what is spent and what is reserved where somebody answers.
    ///
    /// What a vendor charges was reserved before it was asked, so it is in the books by the
    /// time at which they are read here.
    async fn look(&self) -> Option<(u64, u64)> {
        let charged = self.charged();
        let summary = self.api.look("/cost/summary").await?;
        let budgets = self.api.look("/budgets").await?;
        let global = budgets["budgets"].get(0)?;
        assert_eq!(global["scopeKey"], "global", "{budgets}");
        let amount = |from: &Value, key: &str| from[key].as_u64().unwrap();
        let (spent, reserved) = (amount(global, "spentNanos"), amount(global, "reservedNanos"));
        let booked = amount(&summary, "totalNanos");
        assert!(spent + reserved <= LIMIT, "{spent} + {reserved}");
        assert!(booked <= spent, "the ledger is ahead: {booked} > {spent}");
        assert!(charged <= spent + reserved, "{charged} > {spent} + {reserved}");
        self.looks.fetch_add(1, Ordering::Relaxed);
        Some((spent, reserved))
    }

    /// Waits until nothing is reserved any more, compares all books, and returns what is spent.
    pub(super) async fn settled(&self) -> u64 {
        let waiting = async {
            loop {
                if let Some((spent, 0)) = self.look().await {
                    return spent;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let spent = tokio::time::timeout(PATIENCE, waiting).await.expect("money stays reserved");
        let booked = self.api.get("/cost/summary").await["totalNanos"].as_u64().unwrap();
        assert_eq!(booked, spent, "the ledger and the budget differ");
        assert!(self.charged() <= booked, "{} was charged, {booked} booked", self.charged());
        spent
    }
}

/// Asserts that neither card number is in a text, however it is written.
#[track_caller]
pub(super) fn holds_no_card(what: &str, text: &str) {
    let bare: String = text.chars().filter(|sign| !matches!(sign, ' ' | '-')).collect();
    for card in [CARD_OF_CUSTOMERS, CARD_OF_VENDORS] {
        let at = bare.find(&card.replace(' ', ""));
        let around = at.map(|at| bare.get(at.saturating_sub(80)..at + 16));
        assert!(around.is_none(), "{what} has a card number: {around:?}");
    }
}

/// Reads the database as it lies there: what the vendors said is in it without their card.
pub(super) async fn stored_without_cards(project: &Project, auditor: &Auditor) {
    let store = SqliteStore::open(project.path("runcor.db"), SqliteConfig::default()).unwrap();
    let query = ExecutionQuery { limit: 1_000, ..ExecutionQuery::default() };
    let executions = store.executions(&query).await.unwrap().items;
    let mut answers = 0;
    for execution in &executions {
        let status = &execution.status;
        holds_no_card("a stored execution", &format!("{status:?}"));
        for entry in store.journal(execution.id()).await.unwrap() {
            let text = format!("{entry:?}");
            answers += usize::from(text.contains("[card]"));
            holds_no_card("a journal", &text);
        }
    }
    assert!(answers > 100, "{answers}");
    let query = LedgerQuery { limit: 10_000, ..LedgerQuery::default() };
    let Page { items, .. } = store.ledger().ledger(&query).await.unwrap();
    let booked: u64 = items.iter().map(|entry| u64::try_from(entry.cost.as_nanos()).unwrap()).sum();
    let totals = store.ledger().ledger_totals(&LedgerFilter::default(), None).await.unwrap();
    assert_eq!(i128::from(booked), i128::from(totals[0].cost.as_nanos()));
    assert!(auditor.charged() <= booked);
    store.close().await.unwrap();

    // The card of the vendors was never given to runcor to keep, so it is in no file at all.
    for entry in std::fs::read_dir(project.dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            for card in [CARD_OF_VENDORS.to_owned(), CARD_OF_VENDORS.replace(' ', "")] {
                assert!(!text.contains(&card), "{} has the vendors' card", path.display());
            }
        }
    }
}
