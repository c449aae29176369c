//! What a database holds after the power came back, and whether it may.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use runcor_core::{
    Batch, BudgetScope, Event, Execution, ExecutionId, ExecutionQuery, ExecutionState,
    LedgerFilter, LedgerQuery, Money, Store, StoreError, Timestamp,
};
use runcor_store_sqlite::{SqliteConfig, SqliteStore, verify};
use rusqlite::types::ValueRef;
use tempfile::TempDir;

use super::disk::{Files, files_in};
use super::random::{Random, hash, mixed};
use super::work::LIMIT;
use crate::support::queued;

/// All rows of all tables, as one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Content(u64);

/// What is known of the executions: the version, and how many entries the journal has.
pub(crate) type Facts = HashMap<ExecutionId, (u64, usize)>;

/// A place where databases are put to be opened.
#[derive(Debug)]
pub(crate) struct Bench {
    dir: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        // Memory, where there is such a place: nothing here needs to be kept.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { dir: dir.unwrap() }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir().join("runcor.db")
    }

    /// Puts these files here and nothing else.
    pub(crate) fn put(&self, files: &Files) {
        for entry in std::fs::read_dir(self.dir()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for (name, bytes) in files {
            std::fs::write(self.dir().join(name), bytes).unwrap();
        }
    }

    /// Leaves rubbish where the index of the log is: it is never flushed.
    pub(crate) fn spoil_index(&self, random: &mut Random) {
        let mut rubbish = vec![0; 32 << 10];
        random.fill(&mut rubbish);
        std::fs::write(self.dir().join("runcor.db-shm"), rubbish).unwrap();
    }

    pub(crate) fn files(&self) -> Files {
        files_in(self.dir())
    }

    /// Opens what is here with the real store, and returns what it holds.
    pub(crate) fn open(&self, config: &SqliteConfig) -> Result<Content, String> {
        drop(self.store(config)?);
        self.sound()
    }

    /// Opens what is here, checks that each batch is there whole, and returns what is known.
    ///
    /// Of `deletes` it is not known whether they are there.
    pub(crate) fn open_and_compare(
        &self,
        config: &SqliteConfig,
        deletes: &HashSet<ExecutionId>,
    ) -> Result<(Content, Facts), String> {
        let store = self.store(config)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let facts = runtime.block_on(facts(&store, deletes))?;
        drop(store);
        let report = verify(self.database()).map_err(|error| error.to_string())?;
        if let Some(finding) = report.findings.first() {
            return Err(format!("the check finds {finding:?}"));
        }
        Ok((self.sound()?, facts))
    }

    /// Opens what is here, and checks that it can be worked with.
    pub(crate) fn open_and_work(&self, config: &SqliteConfig) -> Result<(), String> {
        let store = self.store(config)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let batch = Batch::new().insert(queued("f", "after the power cut"));
        runtime.block_on(store.commit(batch)).map_err(|error| error.to_string())?;
        drop(store);
        self.sound().map(|_| ())
    }

    fn store(&self, config: &SqliteConfig) -> Result<SqliteStore, String> {
        SqliteStore::open(self.database(), config.clone())
            .map_err(|error| format!("it does not open: {error}"))
    }

    /// Asks SQLite whether the file is sound, and reads all of it.
    fn sound(&self) -> Result<Content, String> {
        let look = || -> rusqlite::Result<Result<Content, String>> {
            let conn = rusqlite::Connection::open(self.database())?;
            let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            if verdict != "ok" {
                return Ok(Err(verdict));
            }
            content(&conn).map(Ok)
        };
        look().unwrap_or_else(|error| Err(format!("it can't be read: {error}")))
    }
}

fn content(conn: &rusqlite::Connection) -> rusqlite::Result<Content> {
    let mut sum = 0;
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut tables = conn.prepare(sql)?;
    for table in tables.query_map([], |row| row.get::<_, String>(0))? {
        let table = table?;
        sum = mixed(sum, hash(table.as_bytes()));
        let mut statement = conn.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                sum = mixed(sum, value(row.get_ref(column)?));
            }
        }
    }
    Ok(Content(sum))
}

fn value(value: ValueRef<'_>) -> u64 {
    match value {
        ValueRef::Null => 1,
        ValueRef::Integer(number) => mixed(2, number.cast_unsigned()),
        ValueRef::Real(number) => mixed(3, number.to_bits()),
        ValueRef::Text(bytes) => mixed(4, hash(bytes)),
        ValueRef::Blob(bytes) => mixed(5, hash(bytes)),
    }
}

async fn facts(store: &SqliteStore, deletes: &HashSet<ExecutionId>) -> Result<Facts, String> {
    let query = ExecutionQuery { limit: usize::MAX, ..ExecutionQuery::default() };
    let page = store.executions(&query).await.map_err(|error| error.to_string())?;
    groups_are_whole(&page.items, deletes)?;
    events_agree(store, &page.items, deletes).await?;
    money_agrees(store).await.map_err(|error| error.to_string())?;
    let mut facts = Facts::new();
    for execution in &page.items {
        let id = execution.id();
        let journal = store.journal(id).await.map_err(|error| error.to_string())?;
        facts.insert(id, (execution.fence().version, journal.len()));
    }
    Ok(facts)
}

/// The members of a group were inserted in one batch: its name says how many there are.
fn groups_are_whole(all: &[Execution], deletes: &HashSet<ExecutionId>) -> Result<(), String> {
    let mut missing: HashMap<&str, usize> = HashMap::new();
    for execution in all {
        let key: Vec<_> = execution.spec.idempotency_key.as_str().split(':').collect();
        let [group, _member, size] = key.as_slice() else { continue };
        *missing.entry(group).or_insert_with(|| size.parse().unwrap()) -= 1;
    }
    // Of a group that is not whole something was deleted.
    let present = all.iter().filter(|execution| deletes.contains(&execution.id())).count();
    match missing.values().sum::<usize>() <= deletes.len() - present {
        true => Ok(()),
        false => Err("a batch is there in part".to_owned()),
    }
}

/// No limit is exceeded, and what was spent is what the ledger has.
async fn money_agrees(store: &SqliteStore) -> Result<(), StoreError> {
    let ledger = store.ledger();
    let wrong = |message: &str| StoreError::Corrupt { message: message.to_owned() };
    let mut spent = Money::ZERO;
    for (id, account) in
        ledger.budget_accounts(None, Timestamp::from_millis(i64::MIN), usize::MAX).await?
    {
        if account.used() > LIMIT {
            return Err(wrong("a hard limit is exceeded"));
        }
        if id.key.scope == BudgetScope::Global {
            spent += account.spent;
        }
    }
    let all = ledger.ledger_totals(&LedgerFilter::default(), None).await?;
    let rows = LedgerQuery { limit: usize::MAX, ..LedgerQuery::default() };
    let rows = ledger.ledger(&rows).await?.items.iter().map(|entry| entry.cost).sum::<Money>();
    match all.first() {
        Some(total) if total.cost == spent && rows == spent => Ok(()),
        _ => Err(wrong("the ledger, its totals and the accounts differ")),
    }
}

/// An execution and the events of it are one batch.
async fn events_agree(
    store: &SqliteStore,
    all: &[Execution],
    deletes: &HashSet<ExecutionId>,
) -> Result<(), String> {
    let events = store.events(0, usize::MAX).await.map_err(|error| error.to_string())?;
    let mut ended = HashSet::new();
    for (expected, record) in (1..).zip(&events) {
        if record.seq != expected {
            return Err(format!("event {expected} is missing"));
        }
        if let Event::ExecutionComplete(complete) = &record.event {
            ended.insert(complete.execution_id);
        }
    }
    let complete = all.iter().filter(|execution| execution.state() == ExecutionState::Complete);
    let complete: HashSet<_> = complete.map(Execution::id).collect();
    if !complete.difference(&ended).all(|id| deletes.contains(id)) {
        return Err("an execution is complete and no event says so".to_owned());
    }
    match ended.difference(&complete).all(|id| deletes.contains(id)) {
        true => Ok(()),
        false => Err("an event tells of an end that did not come".to_owned()),
    }
}
