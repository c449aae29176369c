//! The work that the power cut meets: batches of several records, from several tasks at once.

use std::rc::Rc;

use runcor_core::{
    Batch, Event, Execution, ExecutionState, JournalEntry, JournalKind, LedgerEntry, MemoryWrite,
    Money, Op, RateTake, Store, StoreError, Timestamp,
};
use runcor_store_sqlite::{Durability, SqliteConfig, SqliteStore};
use serde_json::{Value, json};
use tokio::task::LocalSet;

use super::layer::Layer;
use super::random::{Random, hash};
use super::recording::{Recording, Start};
use crate::support::{at, claimed, complete, step, worker};
use crate::wealth::{remember, reservation, take};

/// What may be spent in all.
pub(super) const LIMIT: Money = Money::from_nanos(15);

const TEST: &str = "power::work::the_process_under_the_layer_works_and_tells";
const SEED: &str = "RUNCOR_TEST_POWER_SEED";
const DURABILITY: &str = "RUNCOR_TEST_POWER_DURABILITY";
const FAILS: &str = "RUNCOR_TEST_POWER_FAILS";

/// Records the work that a seed stands for: of one process, or of two where flushes fail,
/// since the second one can't know what has failed for the first.
pub(crate) fn record(seed: u64, durability: Durability, fails: bool, start: Start) -> Recording {
    let durability = serde_json::to_string(&durability).unwrap();
    let mut env = vec![(SEED, seed.to_string()), (DURABILITY, durability)];
    if !fails {
        return Recording::of(&[TEST], start, &env);
    }
    env.push((FAILS, "1".to_owned()));
    Recording::of(&[TEST, TEST], start, &env)
}

/// Returns the configuration that a seed stands for; its logs are short, so that
/// there are many checkpoints.
pub(crate) fn config(seed: u64, durability: Durability) -> SqliteConfig {
    let mut random = Random::new(seed);
    SqliteConfig {
        durability,
        readers: 1,
        log_bytes: *random.pick(&[16 << 10, 64 << 10, 256 << 10, 16 << 20]),
        cache_bytes: 256 << 10,
        ..SqliteConfig::default()
    }
}

/// Opens the store once or twice, works, and closes it or is cut off.
#[test]
fn the_process_under_the_layer_works_and_tells() {
    let (Some(layer), Ok(seed)) = (Layer::here(), std::env::var(SEED)) else { return };
    let durability = serde_json::from_str(&std::env::var(DURABILITY).unwrap()).unwrap();
    let config = config(seed.parse().unwrap(), durability);
    let fails = std::env::var_os(FAILS).is_some();
    // The second process does other work than the first.
    let part = layer.number();
    let mut random = Random::new(hash(format!("{seed}{part}").as_bytes()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for opening in 0..=random.below(3) {
        let Ok(store) = SqliteStore::open(layer.database(), config.clone()) else {
            assert!(fails, "the store does not open");
            continue;
        };
        let store = Rc::new(store);
        let tasks = LocalSet::new();
        for task in 0..=random.below(5) {
            let name = format!("{seed}/{part}/{opening}/{task}");
            let (store, layer) = (Rc::clone(&store), layer.clone());
            let random = Random::new(random.next());
            let held = Vec::new();
            tasks.spawn_local(Worker { store, layer, random, name, fails, held }.work());
        }
        runtime.block_on(tasks);
        if random.once_in(3) {
            // The process ends without a farewell.
            std::mem::forget(store);
            return;
        }
        runtime.block_on(store.close()).unwrap();
    }
}

/// One of the tasks.
struct Worker {
    store: Rc<SqliteStore>,
    layer: Layer,
    random: Random,
    name: String,
    /// Whether flushes fail now and then.
    fails: bool,
    /// What is set aside and may be settled.
    held: Vec<LedgerEntry>,
}

/// An execution as this task left it, and how many entries its journal has.
type Mine = (Execution, usize);

impl Worker {
    async fn work(mut self) {
        let mut mine = Vec::new();
        for n in 0..=self.random.below(16) {
            if self.fails && self.random.once_in(4) {
                self.let_a_flush_fail();
            }
            match self.random.below(12) {
                _ if mine.is_empty() => self.insert(n, &mut mine).await,
                0..=2 => self.insert(n, &mut mine).await,
                3..=4 => self.record(&mut mine).await,
                5..=6 => self.end(&mut mine).await,
                7..=8 => self.reserve().await,
                9 => self.settle().await,
                10 => self.remember(n, &mine).await,
                _ => self.delete(&mut mine).await,
            }
        }
    }

    fn let_a_flush_fail(&mut self) {
        const EIO: i32 = 5;
        let file = self.random.pick(&["runcor.db-wal", "runcor.db-wal", "runcor.db"]);
        let (skip, count) = (self.random.below(4), 1 + self.random.below(2));
        self.layer.clear();
        self.layer.fail("sync", file, EIO, skip, count);
    }

    /// Inserts a group of executions, which is there whole or not at all.
    async fn insert(&mut self, n: usize, mine: &mut Vec<Mine>) {
        let size = 1 + self.random.below(3);
        let mut batch = Batch::new().emit_all(vec![Event::Ready]);
        let mut group = Vec::new();
        for member in 0..size {
            let key = format!("{}/{n}:{member}:{size}", self.name);
            let (mut execution, _) = claimed("f", &key, worker());
            let mut spec = (*execution.spec).clone();
            spec.input = self.value();
            execution.spec = spec.into();
            batch = batch.insert(execution.clone());
            group.push((execution, 0));
        }
        if self.commit(batch, &group).await {
            mine.extend(group);
        }
    }

    async fn record(&mut self, mine: &mut Vec<Mine>) {
        let Some(place) = self.choose(mine, ExecutionState::Running) else { return };
        let (_, entries) = mine.get_mut(place).unwrap();
        *entries += 1;
        let path = format!("step#{entries}");
        let entry = JournalEntry::done(path, JournalKind::Step, self.value(), at(2));
        let batch = Batch::new().journal(&mine.get(place).unwrap().0, entry);
        if !self.commit(batch, mine.get(place..=place).unwrap()).await {
            mine.swap_remove(place);
        }
    }

    async fn end(&mut self, mine: &mut Vec<Mine>) {
        let Some(place) = self.choose(mine, ExecutionState::Running) else { return };
        let result = self.value();
        let batch = step(&mut mine.get_mut(place).unwrap().0, complete(result), at(3));
        if !self.commit(batch, mine.get(place..=place).unwrap()).await {
            mine.swap_remove(place);
        }
    }

    async fn delete(&mut self, mine: &mut Vec<Mine>) {
        let Some(place) = self.choose(mine, ExecutionState::Complete) else { return };
        let (execution, _) = mine.swap_remove(place);
        self.layer.mark(&format!("deletes {}", execution.id()));
        let delete = Op::Delete { id: execution.id(), expect: execution.fence() };
        if self.commit(Batch::new().with(delete).emit_all(vec![Event::Ready]), &[]).await {
            self.layer.mark(&format!("deleted {}", execution.id()));
        }
    }

    /// Sets money aside, within a limit that is often met.
    async fn reserve(&mut self) {
        let amount = Money::from_nanos(1 + i64::try_from(self.random.below(9)).unwrap());
        let now = at(i64::try_from(self.random.below(9_000_000)).unwrap());
        let new = reservation("ada", amount, LIMIT, now);
        let entry = new.entry.clone();
        let take = Op::Take(Box::new(RateTake { limit: 9, ..take(now) }));
        let batch = Batch::new().with(Op::Reserve(Box::new(new))).with(take);
        match self.store.commit(batch).await {
            Ok(_) => self.held.push(entry),
            Err(StoreError::OverBudget(_) | StoreError::RateLimited(_)) => {}
            Err(StoreError::Unavailable { .. }) if self.fails => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Settles what was set aside, or lets everything lapse as a new process does.
    async fn settle(&mut self) {
        let lapse = Op::Lapse { now: Timestamp::MAX, limit: 2 };
        let op = match self.held.pop() {
            Some(entry) if !self.random.once_in(4) => Op::Settle(Box::new(entry)),
            _ => lapse,
        };
        self.commit(Batch::new().with(op).emit_all(vec![Event::Ready]), &[]).await;
    }

    async fn remember(&mut self, n: usize, mine: &[Mine]) {
        let place = self.random.below(mine.len());
        let Some((execution, _)) = mine.get(place) else { return };
        let write = MemoryWrite {
            value: (n > 2).then(|| self.value()),
            ..remember(execution.id(), &(n % 4).to_string(), at(4))
        };
        self.commit(Batch::new().with(Op::Remember(Box::new(write))), &[]).await;
    }

    /// Commits, and tells of the answer; returns whether it was a good one.
    async fn commit(&self, batch: Batch, touched: &[Mine]) -> bool {
        match self.store.commit(batch).await {
            Ok(_) => {}
            // Whoever is told so does not know what is there, and leaves it alone.
            Err(StoreError::Unavailable { .. }) if self.fails => return false,
            Err(error) => panic!("{error}"),
        }
        let tell = |(execution, entries): &Mine| {
            format!("has {} {} {entries}", execution.id(), execution.fence().version)
        };
        self.layer.mark(&touched.iter().map(tell).collect::<Vec<_>>().join("\n"));
        true
    }

    fn choose(&mut self, mine: &[Mine], state: ExecutionState) -> Option<usize> {
        let places: Vec<_> = (0..mine.len())
            .filter(|place| mine.get(*place).is_some_and(|(found, _)| found.state() == state))
            .collect();
        (!places.is_empty()).then(|| *self.random.pick(&places))
    }

    /// A value of any size, most of them small.
    fn value(&mut self) -> Value {
        let bytes = match self.random.below(10) {
            0 => self.random.below(60_000),
            1..=2 => self.random.below(6_000),
            _ => self.random.below(200),
        };
        let letter = char::from(b'a' + u8::try_from(self.random.below(26)).unwrap());
        json!(letter.to_string().repeat(bytes))
    }
}
