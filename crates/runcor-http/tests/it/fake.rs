//! A runtime of the tests: executions begin at once and end when a test says so.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use runcor_core::{
    Caller, Change, Clock, Cursor, Decision, Degraded, EngineHealth, EngineStatus, Error,
    ErrorCode, Event, EventFeed, EventRecord, EventSubscription, Execution, ExecutionError,
    ExecutionId, ExecutionQuery, ExecutionSpec, ExecutionState, Flow, FlowContext, FlowInfo,
    FlowName, FlowOutcome, Fork, ForkOrigin, IdempotencyKey, JournalEntry, ManualClock, Order,
    Outcome, Page, Parent, ProviderHealth, ProviderInfo, ProviderReport, Result, Runtime, Timeline,
    Trigger, Triggered, UserId, WaitSignal, WorkerId,
};
use serde_json::Value;
use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct Fake {
    /// Itself, for callers.
    me: Weak<Self>,
    state: Mutex<State>,
    feed: EventFeed,
    changed: Notify,
    clock: ManualClock,
    /// How many calls of `trigger` are being answered.
    pub(crate) triggering: AtomicUsize,
}

#[derive(Debug)]
struct State {
    executions: Vec<Execution>,
    events: Vec<EventRecord>,
    next_seq: u64,
    status: EngineStatus,
    failure: Option<Error>,
    triggers: Vec<Trigger>,
    /// On whose behalf it was asked.
    callers: Vec<Caller>,
    resumed_with: Option<Option<Value>>,
    decision: Option<Decision>,
    fork: Option<Fork>,
    degraded: Option<Degraded>,
    /// What every execution has done.
    journal: Vec<JournalEntry>,
}

/// The token with which a decision has to come.
pub(crate) const TOKEN: &str = "5ec2e7";

impl Fake {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            state: Mutex::new(State {
                executions: Vec::new(),
                events: Vec::new(),
                next_seq: 1,
                status: EngineStatus::Ready,
                failure: None,
                triggers: Vec::new(),
                callers: Vec::new(),
                resumed_with: None,
                decision: None,
                fork: None,
                degraded: None,
                journal: Vec::new(),
            }),
            feed: EventFeed::new(),
            changed: Notify::new(),
            clock: ManualClock::new(),
            triggering: AtomicUsize::new(0),
        })
    }

    /// Makes the next call fail.
    pub(crate) fn fail_next(&self, error: Error) {
        self.state.lock().failure = Some(error);
    }

    pub(crate) fn set_status(&self, status: EngineStatus) {
        self.state.lock().status = status;
    }

    /// Gives the store trouble, or takes it away.
    pub(crate) fn degrade(&self, trouble: Option<ErrorCode>) {
        self.state.lock().degraded = trouble.map(|code| Degraded {
            code,
            message: "no space left on /secret".to_owned(),
            since: self.clock.now(),
        });
    }

    /// Says what every execution has done.
    pub(crate) fn write_journal(&self, entries: Vec<JournalEntry>) {
        self.state.lock().journal = entries;
    }

    /// The last decision that arrived.
    pub(crate) fn last_decision(&self) -> Decision {
        self.state.lock().decision.clone().expect("no decision arrived")
    }

    /// The last fork that arrived.
    pub(crate) fn last_fork(&self) -> Fork {
        self.state.lock().fork.clone().expect("no fork arrived")
    }

    /// The last trigger that arrived.
    pub(crate) fn last_trigger(&self) -> Trigger {
        self.state.lock().triggers.last().cloned().expect("no trigger arrived")
    }

    /// On whose behalf it was asked last.
    pub(crate) fn last_caller(&self) -> Option<Caller> {
        self.state.lock().callers.last().cloned()
    }

    /// What the last resume brought.
    pub(crate) fn resumed_with(&self) -> Option<Value> {
        self.state.lock().resumed_with.clone().expect("no resume arrived")
    }

    /// Announces an event as a store does.
    pub(crate) fn publish(&self, event: Event) -> u64 {
        let mut state = self.state.lock();
        let seq = state.next_seq;
        state.next_seq += 1;
        let record = EventRecord { seq, event };
        state.events.push(record.clone());
        self.feed.publish(record);
        seq
    }

    /// Forgets history up to and including `seq`.
    pub(crate) fn forget_to(&self, seq: u64) {
        self.state.lock().events.retain(|record| record.seq > seq);
    }

    pub(crate) fn has_listeners(&self) -> bool {
        self.feed.has_listeners()
    }

    /// Puts an execution into the fake without a request.
    pub(crate) fn add(&self, flow: &str, key: &str) -> ExecutionId {
        let execution = self.begin(flow, &Trigger::new(key, Value::Null));
        execution.id()
    }

    pub(crate) fn finish(&self, id: ExecutionId, result: Value) {
        self.change(id, Change::Complete { result, expires: None }).unwrap();
    }

    pub(crate) fn wait(&self, id: ExecutionId) {
        let pause = Box::new(WaitSignal::new("approval").into());
        self.change(id, Change::Wait { pause, due: None }).unwrap();
    }

    /// Puts an execution that another one has called into the fake.
    pub(crate) fn add_child(&self, parent: ExecutionId, key: &str) -> ExecutionId {
        let id = self.add("hello", key);
        let mut state = self.state.lock();
        let child = state.executions.iter_mut().find(|one| one.id() == id).unwrap();
        let mut spec = (*child.spec).clone();
        let path = "call#1".to_owned();
        spec.parent = Some(Parent { id: parent, path, request: None, depth: 1 });
        child.spec = Arc::new(spec);
        id
    }

    fn begin(&self, flow: &str, trigger: &Trigger) -> Execution {
        let now = self.clock.now();
        let mut spec = ExecutionSpec::new(
            ExecutionId::mint(now),
            FlowName::new(flow).unwrap(),
            IdempotencyKey::new(&trigger.idempotency_key).unwrap(),
            trigger.input.clone(),
            now,
        );
        spec.user_id = trigger.user_id.as_ref().map(|id| UserId::new(id).unwrap());
        let execution = Execution::queued(spec);
        let id = execution.id();
        self.state.lock().executions.push(execution);
        self.change(id, Change::Claim { worker: WorkerId::mint(now) }).unwrap()
    }

    fn change(&self, id: ExecutionId, change: Change) -> Result<Execution> {
        let (changed, events) = {
            let mut state = self.state.lock();
            let found = state.executions.iter_mut().find(|one| one.id() == id);
            let execution = found.ok_or_else(|| missing(id))?;
            let applied = execution
                .apply(change, self.clock.now())
                .map_err(|error| Error::new(ErrorCode::InvalidState, error.to_string()))?;
            execution.status = applied.status;
            (execution.clone(), applied.events)
        };
        for event in events {
            self.publish(event);
        }
        self.changed.notify_waiters();
        Ok(changed)
    }

    fn failure(&self) -> Result<()> {
        self.state.lock().failure.take().map_or(Ok(()), Err)
    }
}

fn missing(id: ExecutionId) -> Error {
    Error::new(ErrorCode::ExecutionNotFound, format!("no execution {id}"))
}

pub(crate) const FLOWS: [&str; 2] = ["hello", "a b/c"];

#[async_trait]
impl Runtime for Fake {
    async fn trigger(&self, flow: &str, trigger: Trigger) -> Result<Triggered> {
        self.failure()?;
        if flow == "panics" {
            panic!("the runtime of this test panics");
        }
        if flow == "hangs" {
            self.triggering.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        if !FLOWS.contains(&flow) {
            return Err(Error::new(ErrorCode::FlowNotFound, format!("no flow {flow:?}")));
        }
        if trigger.idempotency_key.trim().is_empty() {
            return Err(Error::new(ErrorCode::MissingIdempotencyKey, "the key is blank"));
        }
        self.state.lock().triggers.push(trigger.clone());
        let known = {
            let state = self.state.lock();
            let same = |one: &&Execution| {
                one.spec.idempotency_key.as_str() == trigger.idempotency_key
                    && one.spec.flow.as_str() == flow
            };
            state.executions.iter().find(same).cloned()
        };
        match known {
            Some(execution) => Ok(Triggered { execution, replayed: true }),
            None => Ok(Triggered { execution: self.begin(flow, &trigger), replayed: false }),
        }
    }

    async fn execution(&self, id: ExecutionId) -> Result<Execution> {
        self.failure()?;
        let state = self.state.lock();
        state.executions.iter().find(|one| one.id() == id).cloned().ok_or_else(|| missing(id))
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>> {
        self.failure()?;
        let state = self.state.lock();
        let mut all: Vec<_> = (1..).zip(state.executions.iter()).collect();
        if query.order == Order::Newest {
            all.reverse();
        }
        let after = query.after.map(Cursor::number);
        let mut wanted = all.into_iter().filter(|(number, one)| {
            let beyond = after.is_none_or(|after| match query.order {
                Order::Oldest => *number > after,
                Order::Newest => *number < after,
            });
            beyond
                && query.state.is_none_or(|state| one.state() == state)
                && query.flow.as_ref().is_none_or(|flow| one.spec.flow == *flow)
                && query.user.as_ref().is_none_or(|user| one.spec.user_id.as_ref() == Some(user))
                && query.tenant.is_none()
                && query.parent.is_none_or(|parent| {
                    one.spec.parent.as_ref().is_some_and(|called| called.id == parent)
                })
        });
        let mut page: Vec<_> = wanted.by_ref().skip(query.offset).take(query.limit + 1).collect();
        let more = page.len() > query.limit;
        page.truncate(query.limit);
        let next = page.last().filter(|_| more).map(|(number, _)| Cursor::new(*number));
        Ok(Page { items: page.into_iter().map(|(_, one)| one.clone()).collect(), next })
    }

    async fn finished(&self, id: ExecutionId) -> Result<Execution> {
        loop {
            let changed = self.changed.notified();
            let execution = self.execution(id).await?;
            if execution.state().is_terminal() {
                return Ok(execution);
            }
            changed.await;
        }
    }

    async fn wake_budget_waits(&self) -> Result<usize> {
        self.failure()?;
        Ok(0)
    }

    fn as_caller(&self, caller: Caller) -> Arc<dyn Runtime> {
        self.state.lock().callers.push(caller);
        self.me.upgrade().unwrap()
    }

    async fn resume(&self, id: ExecutionId, data: Option<Value>) -> Result<Execution> {
        self.failure()?;
        self.state.lock().resumed_with = Some(data.clone());
        self.change(id, Change::Resume { data })
    }

    async fn replay(&self, id: ExecutionId) -> Result<Execution> {
        let original = self.execution(id).await?;
        if !original.state().is_terminal() {
            return Err(Error::new(ErrorCode::InvalidState, "it has not ended"));
        }
        let now = self.clock.now();
        let mut spec = (*original.spec).clone();
        spec.id = ExecutionId::mint(now);
        spec.replay_of = Some(id);
        let replay = Execution::queued(spec);
        self.state.lock().executions.push(replay.clone());
        Ok(replay)
    }

    async fn decide(&self, id: ExecutionId, decision: Decision) -> Result<Execution> {
        self.failure()?;
        self.state.lock().decision = Some(decision.clone());
        if let Decision::Approve { token, .. } | Decision::Reject { token, .. } = decision
            && token != TOKEN
        {
            return Err(Error::new(ErrorCode::InvalidToken, "that is not the token"));
        }
        self.change(id, Change::Wake)
    }

    async fn fork(&self, id: ExecutionId, fork: Fork) -> Result<Execution> {
        let original = self.execution(id).await?;
        let at = fork.at.clone().unwrap_or_else(|| "1".to_owned());
        self.state.lock().fork = Some(fork.clone());
        if at == "nowhere#1" {
            return Err(Error::new(ErrorCode::EntryNotFound, "the journal has no nowhere#1"));
        }
        let now = self.clock.now();
        let mut spec = (*original.spec).clone();
        spec.id = ExecutionId::mint(now);
        spec.fork = Some(Box::new(ForkOrigin { of: id, at, changes: fork.changes }));
        let fork = Execution::queued(spec);
        self.state.lock().executions.push(fork.clone());
        Ok(fork)
    }

    async fn timeline(&self, id: ExecutionId) -> Result<Timeline> {
        let execution = self.execution(id).await?;
        Ok(Timeline::of(execution, self.state.lock().journal.clone()))
    }

    async fn journal_value(&self, id: ExecutionId, path: &str) -> Result<Value> {
        self.execution(id).await?;
        let state = self.state.lock();
        let found = state.journal.iter().find(|entry| entry.path == path);
        match found.and_then(JournalEntry::outcome) {
            Some(Outcome::Done(value)) => Ok(value.clone()),
            _ => Err(Error::new(ErrorCode::EntryNotFound, format!("no result at {path}"))),
        }
    }

    async fn cancel(&self, id: ExecutionId, reason: Option<String>) -> Result<Execution> {
        let error = ExecutionError {
            message: reason.unwrap_or_else(|| "cancelled".to_owned()),
            retryable: false,
            retry_count: 0,
            code: Some("CANCELLED".to_owned()),
        };
        self.change(id, Change::Fail { error, expires: None })
    }

    async fn delete(&self, id: ExecutionId) -> Result<()> {
        let execution = self.execution(id).await?;
        if !execution.state().is_terminal() {
            return Err(Error::new(ErrorCode::InvalidTransition, "it has not ended"));
        }
        self.state.lock().executions.retain(|one| one.id() != id);
        Ok(())
    }

    fn flows(&self) -> Vec<FlowInfo> {
        let flow = |name: &&str| {
            let nothing = async |_: FlowContext| Ok(FlowOutcome::Complete(Value::Null));
            Flow::new(FlowName::new(*name).unwrap(), nothing).info
        };
        FLOWS.iter().map(flow).collect()
    }

    fn status(&self) -> EngineStatus {
        self.state.lock().status
    }

    fn health(&self) -> EngineHealth {
        EngineHealth { degraded: self.state.lock().degraded.clone() }
    }

    fn uptime(&self) -> Duration {
        Duration::from_millis(51)
    }

    fn subscribe(&self) -> EventSubscription {
        self.feed.subscribe()
    }

    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>> {
        self.failure()?;
        let state = self.state.lock();
        Ok(state.events.iter().filter(|one| one.seq > after).take(limit).cloned().collect())
    }
}

#[derive(Debug)]
pub(crate) struct Providers;

impl ProviderReport for Providers {
    fn providers(&self) -> Vec<ProviderInfo> {
        vec![ProviderInfo {
            name: "mock".to_owned(),
            health_state: ProviderHealth::Healthy,
            priority: 1,
            price: None,
        }]
    }
}

/// The wire name of a state, for comparing with JSON.
pub(crate) fn state(name: ExecutionState) -> Value {
    Value::from(name.as_str())
}
