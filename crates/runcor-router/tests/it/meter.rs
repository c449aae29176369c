//! A meter that records what is reserved, and that may refuse.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use runcor_core::{
    AttemptId, AttemptOutcome, AttemptPlan, Bill, CallScope, Error, ErrorCode, ExecutionId,
    ExecutionSpec, FlowName, Held, IdempotencyKey, LedgerEntry, Meter, ModelRequest, Money,
    TenantId, Timestamp, TokenPrice, Usage,
};

/// The input tokens that every reservation assumes.
pub(crate) const PROMPT_CEILING: u64 = 50;

/// Whom a reservation is for, which model, and at what price.
type Planned = (String, Option<String>, Option<TokenPrice>);

/// A meter that keeps every reservation, and every row that came of one.
#[derive(Debug)]
pub(crate) struct Recording {
    spec: ExecutionSpec,
    plans: Mutex<Vec<Planned>>,
    booked: Mutex<Vec<LedgerEntry>>,
    allowed: Mutex<usize>,
    /// The one reservation, from 1, that is refused although others are allowed.
    refused: Option<usize>,
    asked: Mutex<usize>,
    price: Option<TokenPrice>,
}

impl Recording {
    pub(crate) fn new(allowed: usize, price: Option<TokenPrice>) -> Arc<Self> {
        Arc::new(Self {
            spec: spec(),
            plans: Mutex::default(),
            booked: Mutex::default(),
            allowed: Mutex::new(allowed),
            refused: None,
            asked: Mutex::default(),
            price,
        })
    }

    /// Allows every reservation but one.
    pub(crate) fn refusing_the(turn: usize) -> Arc<Self> {
        let all = Arc::into_inner(Self::new(usize::MAX, None)).unwrap();
        Arc::new(Self { refused: Some(turn), ..all })
    }

    pub(crate) fn spec(&self) -> &ExecutionSpec {
        &self.spec
    }

    /// The scope of one call; its bill comes here when the call is over.
    pub(crate) fn scope(self: &Arc<Self>) -> CallScope {
        let meter: Arc<dyn Meter> = Arc::<Self>::clone(self);
        CallScope::of(&self.spec, "model#1", None, meter)
    }

    pub(crate) fn reserved(&self) -> usize {
        self.plans.lock().len()
    }

    pub(crate) fn plans(&self) -> Vec<Planned> {
        self.plans.lock().clone()
    }

    pub(crate) fn booked(&self) -> Vec<LedgerEntry> {
        self.booked.lock().clone()
    }

    pub(crate) fn outcomes(&self) -> Vec<(String, AttemptOutcome)> {
        let row = |entry: &LedgerEntry| (entry.provider.clone(), entry.outcome);
        self.booked.lock().iter().map(row).collect()
    }
}

/// A scope whose meter allows everything.
pub(crate) fn metered() -> (CallScope, Arc<Recording>) {
    let meter = Recording::new(usize::MAX, None);
    (meter.scope(), meter)
}

/// The error of a budget, as a meter gives it.
pub(crate) fn refusal() -> Error {
    Error::new(ErrorCode::BudgetExceeded, "the budget is spent")
        .retryable(Some(std::time::Duration::from_secs(7)))
        .with_details(serde_json::json!({ "scope": "global" }))
}

fn spec() -> ExecutionSpec {
    let now = Timestamp::from_millis(0);
    ExecutionSpec {
        id: ExecutionId::mint(now),
        flow: FlowName::new("greet").unwrap(),
        idempotency_key: IdempotencyKey::new("k").unwrap(),
        input: serde_json::Value::Null,
        user_id: None,
        session_id: None,
        tenant_id: Some(TenantId::new("acme").unwrap()),
        metadata: None,
        timeout: None,
        wait_timeout: None,
        replay_of: None,
        parent: None,
        fork: None,
        queued_at: now,
    }
}

#[async_trait]
impl Meter for Recording {
    async fn reserve(&self, scope: &CallScope, plan: AttemptPlan<'_>) -> Result<Held, Error> {
        {
            let mut asked = self.asked.lock();
            *asked += 1;
            if self.refused == Some(*asked) {
                return Err(refusal());
            }
            let mut allowed = self.allowed.lock();
            *allowed = allowed.checked_sub(1).ok_or_else(refusal)?;
        }
        let model = plan.request.model.clone();
        let planned = (plan.provider.to_owned(), model, plan.price);
        self.plans.lock().push(planned);
        let ceiling = Usage {
            prompt_tokens: PROMPT_CEILING,
            completion_tokens: limit(plan.request),
            ..Usage::default()
        };
        Ok(Held::new(scope, self.entry(&plan), self.price.or(plan.price), ceiling))
    }

    fn leave(&self, bill: Bill) {
        self.booked.lock().extend(bill.entries);
    }

    async fn flush(&self) -> Result<(), Error> {
        Ok(())
    }
}

impl Recording {
    fn entry(&self, plan: &AttemptPlan<'_>) -> LedgerEntry {
        LedgerEntry {
            id: AttemptId::mint(plan.now),
            timestamp: plan.now,
            execution_id: Some(self.spec.id),
            path: None,
            flow_name: self.spec.flow.clone(),
            user_id: None,
            tenant_id: None,
            provider: plan.provider.to_owned(),
            model: plan.request.model.clone().unwrap_or_default(),
            usage: Usage::default(),
            cost: Money::ZERO,
            outcome: AttemptOutcome::Lost,
            unpriced: true,
            duration: std::time::Duration::ZERO,
        }
    }
}

fn limit(request: &ModelRequest) -> u64 {
    u64::from(request.max_tokens.unwrap_or(ModelRequest::DEFAULT_MAX_TOKENS))
}
