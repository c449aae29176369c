//! The test bed: a whole runtime under a manual clock, on either store.

use std::sync::Arc;
use std::time::Duration;

use runcor::cost::{BudgetLimits, CostConfig};
use runcor::engine::ManualClock;
use runcor::execution::{Execution, ExecutionId, ExecutionState};
use runcor::governance::{LedgerEntry, LedgerFilter, LedgerQuery};
use runcor::model::{ModelResponse, TokenPrice, Usage};
use runcor::router::Registration;
use runcor::store::{MemoryStore, SqliteConfig, SqliteStore, Store};
use runcor::testkit::{ScriptStep, ScriptedProvider};
use runcor::{Builder, Runcor, Runtime, Trigger};
use serde_json::Value;

/// Which store a bed stands on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Memory,
    Sqlite,
}

/// Emits each listed scenario once for each store.
macro_rules! on_every_store {
    ($($name:ident),* $(,)?) => {
        mod on_memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::bed::Kind::Memory).await;
            })*
        }
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::bed::Kind::Sqlite).await;
            })*
        }
    };
}
pub(crate) use on_every_store;

/// A runtime under a manual clock.
pub(crate) struct Bed {
    pub(crate) runcor: Runcor,
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<dyn Store>,
    _dir: tempfile::TempDir,
}

impl Bed {
    pub(crate) async fn new(kind: Kind, build: impl FnOnce(Builder) -> Builder) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::new();
        let builder = Runcor::builder().clock(clock.clone()).seed(1);
        let builder = match kind {
            Kind::Memory => builder.store(MemoryStore::new()),
            Kind::Sqlite => {
                let path = dir.path().join("runcor.db");
                builder.store(SqliteStore::open(&path, SqliteConfig::default()).unwrap())
            }
        };
        let runcor = build(builder).start().await.unwrap();
        let store = Arc::clone(runcor.store());
        Self { runcor, clock, store, _dir: dir }
    }

    pub(crate) async fn trigger(&self, flow: &str, key: &str) -> ExecutionId {
        self.trigger_with(flow, Trigger::new(key, Value::Null)).await
    }

    pub(crate) async fn trigger_with(&self, flow: &str, trigger: Trigger) -> ExecutionId {
        self.runcor.trigger(flow, trigger).await.unwrap().execution.id()
    }

    pub(crate) async fn ended(&self, id: ExecutionId) -> Execution {
        within_reason(self.runcor.finished(id)).await.unwrap()
    }

    pub(crate) async fn until(&self, id: ExecutionId, state: ExecutionState) -> Execution {
        eventually(async || {
            let execution = self.runcor.execution(id).await.unwrap();
            (execution.state() == state).then_some(execution)
        })
        .await
    }

    /// Moves the clock on once somebody sleeps until that instant or earlier.
    pub(crate) async fn advance(&self, duration: Duration) {
        use runcor::engine::Clock;
        let target = self.clock.now().after(duration);
        eventually(async || self.clock.next_wake().filter(|wake| *wake <= target)).await;
        self.clock.advance(duration);
    }

    /// Returns the ledger, oldest first.
    pub(crate) async fn ledger(&self) -> Vec<LedgerEntry> {
        let query = LedgerQuery {
            filter: LedgerFilter::default(),
            limit: 10_000,
            ..LedgerQuery::default()
        };
        self.store.ledger().ledger(&query).await.unwrap().items
    }
}

/// Asks again and again until there is an answer; gives up after twenty seconds.
pub(crate) async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    within_reason(async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// Gives up after twenty seconds of real time, so that a bug is a failure and no hang.
pub(crate) async fn within_reason<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it takes too long")
}

/// A thousand nano-dollars for each token, in and out.
pub(crate) fn price() -> TokenPrice {
    TokenPrice { input_picos: 1_000_000, output_picos: 1_000_000, ..TokenPrice::default() }
}

/// An answer of ten tokens in and five out: 15,000 nano-dollars.
pub(crate) fn answer(text: &str) -> ScriptStep {
    let usage = Usage { prompt_tokens: 10, completion_tokens: 5, ..Usage::default() };
    ScriptStep::Answer(ModelResponse {
        text: text.to_owned(),
        model: "scripted-1".to_owned(),
        usage,
        ..ModelResponse::default()
    })
}

pub(crate) fn priced(provider: &ScriptedProvider) -> Registration {
    Registration::new(Arc::new(provider.clone())).with_price(price())
}

/// Settings with these budgets and nothing else.
pub(crate) fn budgets(budgets: BudgetLimits) -> CostConfig {
    CostConfig { budgets, ..CostConfig::default() }
}
