//! The executions: records by creation number, and an index for every way to find them.

use std::collections::BTreeMap;

use runcor_core::{
    Execution, ExecutionId, ExecutionState, ExecutionStatus, FlowName, IdempotencyKey, TenantId,
    UserId,
};

use crate::groups::Groups;
use crate::index::Index;
use crate::record::Record;

/// What an idempotency key is unique in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) flow: FlowName,
    pub(crate) key: IdempotencyKey,
}

impl Key {
    pub(crate) fn of(execution: &Execution) -> Self {
        let spec = &execution.spec;
        Self {
            tenant: spec.tenant_id.clone(),
            flow: spec.flow.clone(),
            key: spec.idempotency_key.clone(),
        }
    }
}

/// Every execution, by number, id and key, and grouped for lists.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Executions {
    last: u64,
    // Boxed, so that splitting a node of the tree moves pointers.
    pub(crate) records: BTreeMap<u64, Box<Record>>,
    numbers: Index<ExecutionId>,
    keys: Index<Key>,
    pub(crate) states: Groups<ExecutionState, u64>,
    pub(crate) flows: Groups<FlowName, u64>,
    pub(crate) users: Groups<UserId, u64>,
    pub(crate) tenants: Groups<TenantId, u64>,
    /// By the execution that called them.
    pub(crate) parents: Groups<ExecutionId, u64>,
}

impl Executions {
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Record> {
        self.records.get(&number).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Record> {
        self.records.get_mut(&number).map(Box::as_mut)
    }

    pub(crate) fn by_id(&self, id: ExecutionId) -> Option<(u64, &Record)> {
        let number = self.numbers.get(id)?;
        self.get(number).map(|record| (number, record))
    }

    pub(crate) fn by_id_mut(&mut self, id: ExecutionId) -> Option<(u64, &mut Record)> {
        let number = self.numbers.get(id)?;
        self.get_mut(number).map(|record| (number, record))
    }

    pub(crate) fn by_key(&self, key: Key) -> Option<&Record> {
        self.keys.get(key).and_then(|number| self.get(number))
    }

    /// Adds an execution under the next number.
    pub(crate) fn add(&mut self, execution: Execution) -> u64 {
        self.last += 1;
        self.put(self.last, Box::new(Record::new(execution)));
        self.last
    }

    /// Takes the newest number back, as if it had never been given.
    pub(crate) fn unadd(&mut self, number: u64) {
        self.take(number);
        self.last = number - 1;
    }

    /// Puts a record where it was taken from.
    pub(crate) fn put(&mut self, number: u64, record: Box<Record>) {
        let spec = &record.execution.spec;
        self.numbers.insert(spec.id, number);
        self.keys.insert(Key::of(&record.execution), number);
        self.states.insert(&record.execution.status.state, number);
        self.flows.insert(&spec.flow, number);
        if let Some(user) = &spec.user_id {
            self.users.insert(user, number);
        }
        if let Some(tenant) = &spec.tenant_id {
            self.tenants.insert(tenant, number);
        }
        if let Some(parent) = &spec.parent {
            self.parents.insert(&parent.id, number);
        }
        self.records.insert(number, record);
    }

    /// Removes a record and every trace of it.
    pub(crate) fn take(&mut self, number: u64) -> Option<Box<Record>> {
        let record = self.records.remove(&number)?;
        let spec = &record.execution.spec;
        self.numbers.remove(spec.id);
        self.keys.remove(Key::of(&record.execution));
        self.states.remove(&record.execution.status.state, &number);
        self.flows.remove(&spec.flow, &number);
        if let Some(user) = &spec.user_id {
            self.users.remove(user, &number);
        }
        if let Some(tenant) = &spec.tenant_id {
            self.tenants.remove(tenant, &number);
        }
        if let Some(parent) = &spec.parent {
            self.parents.remove(&parent.id, &number);
        }
        Some(record)
    }

    /// Exchanges a status; the former one comes back in its place.
    pub(crate) fn swap_status(&mut self, number: u64, status: &mut ExecutionStatus) {
        let Some(record) = self.records.get_mut(&number) else { return };
        std::mem::swap(&mut record.execution.status, status);
        let (former, state) = (status.state, record.execution.status.state);
        if former != state {
            self.states.remove(&former, &number);
            self.states.insert(&state, number);
        }
    }
}
