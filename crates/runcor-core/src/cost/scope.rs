//! The scope of a model call: who asks, who counts the money, and the bill so far.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::budget::BudgetLimit;
use super::ledger::LedgerEntry;
use super::meter::Meter;
use crate::execution::ExecutionSpec;
use crate::id::{ExecutionId, FlowName, TenantId, UserId};
use crate::store::Op;

/// On whose behalf something happens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The user.
    pub user: Option<UserId>,
    /// The tenant.
    pub tenant: Option<TenantId>,
}

impl Caller {
    /// Returns on whose behalf an execution runs.
    #[must_use]
    pub fn of(spec: &ExecutionSpec) -> Self {
        Self { user: spec.user_id.clone(), tenant: spec.tenant_id.clone() }
    }

    /// Returns the caller of a tenant.
    #[must_use]
    pub fn tenant(tenant: TenantId) -> Self {
        Self { user: None, tenant: Some(tenant) }
    }

    /// Returns whether what belongs to `tenant` may be seen: without a tenant
    /// of their own callers see everything.
    #[must_use]
    pub fn sees(&self, tenant: Option<&TenantId>) -> bool {
        self.tenant.as_ref().is_none_or(|own| tenant == Some(own))
    }
}

/// Who makes a model call and who counts its money; it stays inside of runcor.
///
/// It rides on a [`ModelRequest`](crate::ModelRequest) from the flow to the
/// router, which opens an entry of the bill for each request to a vendor. Two
/// scopes are equal, whatever they say: they are no part of what is asked.
#[derive(Clone, Default)]
pub struct CallScope {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    caller: Caller,
    execution: Option<ExecutionId>,
    path: Option<String>,
    flow: FlowName,
    /// The flow's own budget, in place of the one that holds for every flow.
    budget: Option<BudgetLimit>,
    meter: Arc<dyn Meter>,
    bill: Mutex<Bill>,
}

/// What a call has cost so far and is not yet in the store.
///
/// Whoever takes it commits it, together with the answer that it pays for.
#[derive(Debug, Clone, Default)]
pub struct Bill {
    /// What came of requests; each is one row of the ledger.
    pub entries: Vec<LedgerEntry>,
}

impl Bill {
    /// Returns whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the operations that settle it, each row with the event that tells of it.
    ///
    /// A commit whose answer was lost is done again: then the row is there
    /// already and only the event comes twice, with the same `id`.
    #[must_use]
    pub fn into_ops(self) -> Vec<Op> {
        let mut ops = Vec::with_capacity(2 * self.entries.len());
        for entry in self.entries {
            let event = entry.event();
            ops.push(Op::Settle(Box::new(entry)));
            ops.extend(event.map(Op::Emit));
        }
        ops
    }
}

impl CallScope {
    /// Makes the scope of calls that belong to no execution.
    #[must_use]
    pub fn outside(flow: FlowName, caller: Caller, meter: Arc<dyn Meter>) -> Self {
        let (execution, path, budget, bill) = (None, None, None, Mutex::default());
        Self::new(Inner { caller, execution, path, flow, budget, meter, bill })
    }

    /// Makes the scope of a call at a place of an execution's journal.
    #[must_use]
    pub fn of(
        spec: &ExecutionSpec,
        path: &str,
        budget: Option<BudgetLimit>,
        meter: Arc<dyn Meter>,
    ) -> Self {
        Self::new(Inner {
            caller: Caller::of(spec),
            execution: Some(spec.id),
            path: Some(path.to_owned()),
            flow: spec.flow.clone(),
            budget,
            meter,
            bill: Mutex::default(),
        })
    }

    fn new(inner: Inner) -> Self {
        Self { inner: Some(Arc::new(inner)) }
    }

    /// Returns who counts the money; `None` where nobody does.
    #[must_use]
    pub fn meter(&self) -> Option<&Arc<dyn Meter>> {
        self.inner.as_ref().map(|inner| &inner.meter)
    }

    /// Returns on whose behalf the call is made.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.inner.as_ref().map(|inner| &inner.caller)
    }

    /// Returns the execution that the call belongs to.
    #[must_use]
    pub fn execution(&self) -> Option<ExecutionId> {
        self.inner.as_ref()?.execution
    }

    /// Returns where the execution's journal has the call.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.inner.as_ref()?.path.as_deref()
    }

    /// Returns the flow, or the name of the part of the runtime that asks.
    #[must_use]
    pub fn flow(&self) -> Option<&FlowName> {
        self.inner.as_ref().map(|inner| &inner.flow)
    }

    /// Returns the flow's own budget.
    #[must_use]
    pub fn flow_budget(&self) -> Option<BudgetLimit> {
        self.inner.as_ref()?.budget
    }

    /// Adds what came of a request to the bill.
    pub fn charge(&self, entry: LedgerEntry) {
        if let Some(inner) = &self.inner {
            inner.bill.lock().entries.push(entry);
        }
    }

    /// Puts a bill back that could not be committed.
    pub fn put_back(&self, bill: Bill) {
        if let Some(inner) = &self.inner {
            inner.bill.lock().entries.extend(bill.entries);
        }
    }

    /// Takes the bill, to be committed with the answer that it pays for.
    pub fn pay(&self) -> Paying {
        Paying { scope: self.clone(), bill: self.take_bill() }
    }

    /// Takes the bill, to be committed.
    #[must_use]
    pub fn take_bill(&self) -> Bill {
        self.inner.as_ref().map(|inner| std::mem::take(&mut *inner.bill.lock())).unwrap_or_default()
    }
}

/// A bill that is being committed: it goes back unless somebody says that it is
/// paid, also when the commit is given up in the middle.
#[derive(Debug)]
#[must_use = "what is dropped goes back"]
pub struct Paying {
    scope: CallScope,
    bill: Bill,
}

impl Paying {
    /// Returns the operations that settle it.
    #[must_use]
    pub fn ops(&self) -> Vec<Op> {
        self.bill.clone().into_ops()
    }

    /// Says that it is durable.
    pub fn paid(mut self) {
        self.bill.entries.clear();
    }
}

impl Drop for Paying {
    fn drop(&mut self) {
        if !self.bill.is_empty() {
            self.scope.put_back(std::mem::take(&mut self.bill));
        }
    }
}

/// What nobody has committed when the call is given up is the meter's to commit.
impl Drop for Inner {
    fn drop(&mut self) {
        let bill = std::mem::take(self.bill.get_mut());
        if !bill.is_empty() {
            self.meter.leave(bill);
        }
    }
}

impl PartialEq for CallScope {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for CallScope {}

impl fmt::Debug for CallScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallScope")
            .field("execution", &self.execution())
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
