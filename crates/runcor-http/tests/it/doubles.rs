//! Small budgets and a small quality over a store, until there is more to them.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use runcor_core::{
    AccountId, Batch, BudgetAccount, BudgetKey, BudgetLimit, BudgetScope, BudgetStatus,
    BudgetWindow, Budgets, Caller, Comparison, Confidence, Error, ErrorCode, Evaluation,
    EvaluationQuery, ExecutionId, ExecutionSet, ExecutionState, Flag, FlagQuery, FlagSource,
    FlagStatus, Money, Op, Page, PastEvaluations, PastQuery, Quality, Result, Store, TenantId,
    Timestamp, TopUp,
};

/// Budgets in memory: they are what a test puts there.
#[derive(Debug, Default)]
pub(crate) struct Purse {
    statuses: Mutex<Vec<BudgetStatus>>,
}

impl Purse {
    /// Adds a budget of ten dollars a day of which one is spent.
    pub(crate) fn open(&self, scope: BudgetScope, tenant: Option<&str>, subject: &str) {
        let tenant = tenant.map(|tenant| TenantId::new(tenant).unwrap());
        let key = BudgetKey { scope, tenant, subject: subject.to_owned() };
        let account = AccountId::at(key, BudgetWindow::Daily, Timestamp::from_millis(0));
        let spent = Money::from_dollars(1.0);
        self.statuses.lock().push(BudgetStatus {
            until: account.until(),
            account,
            limit: BudgetLimit::hard(Money::from_dollars(10.0)),
            state: BudgetAccount { spent, ..BudgetAccount::default() },
        });
    }
}

#[async_trait]
impl Budgets for Purse {
    async fn budgets(&self, caller: &Caller) -> Result<Vec<BudgetStatus>> {
        let mut seen = self.statuses.lock().clone();
        seen.retain(|status| caller.sees(status.account.key.tenant.as_ref()));
        Ok(seen)
    }

    async fn top_up(&self, _: &Caller, wish: &TopUp) -> Result<BudgetStatus> {
        let mut statuses = self.statuses.lock();
        let wanted = BudgetKey {
            scope: wish.scope,
            tenant: wish.tenant.clone(),
            subject: wish.subject.clone(),
        };
        let found = statuses.iter_mut().find(|status| status.account.key == wanted);
        let status = found
            .ok_or_else(|| Error::new(ErrorCode::BudgetNotFound, format!("no budget {wanted}")))?;
        status.state.top_up(wish.amount);
        Ok(status.clone())
    }
}

/// Quality that finds everything middling, and keeps it in a store.
#[derive(Debug)]
pub(crate) struct Middling {
    store: Arc<dyn Store>,
}

impl Middling {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    async fn keep(&self, op: Op) -> Result<()> {
        self.store.commit(Batch::new().with(op)).await?;
        Ok(())
    }
}

fn no_execution() -> Error {
    Error::new(ErrorCode::ExecutionNotFound, "no such execution")
}

#[async_trait]
impl Quality for Middling {
    async fn evaluate(&self, caller: &Caller, id: ExecutionId) -> Result<Evaluation> {
        let found = self.store.execution(id).await?.ok_or_else(no_execution)?;
        if !caller.sees(found.spec.tenant_id.as_ref()) {
            return Err(no_execution());
        }
        if found.state() != ExecutionState::Complete {
            return Err(Error::new(ErrorCode::InvalidState, "it is not complete"));
        }
        let evaluation = Evaluation {
            execution_id: id,
            flow_name: found.spec.flow.clone(),
            user_id: found.spec.user_id.clone(),
            tenant_id: found.spec.tenant_id.clone(),
            timestamp: Timestamp::from_millis(1_000),
            evaluator_results: Vec::new(),
            aggregate_scores: [("style".to_owned(), 0.6)].into(),
            overall_score: 0.6,
            confidence: Confidence::Medium,
            labels: Vec::new(),
            errors: Vec::new(),
        };
        self.keep(Op::Evaluate(Box::new(evaluation.clone()))).await?;
        Ok(evaluation)
    }

    async fn evaluate_past(&self, caller: &Caller, query: &PastQuery) -> Result<PastEvaluations> {
        let wanted = runcor_core::ExecutionQuery {
            flow: query.flow.clone(),
            tenant: caller.tenant.clone(),
            after: query.after,
            limit: query.limit,
            ..runcor_core::ExecutionQuery::default()
        };
        let page = self.store.executions(&wanted).await?;
        let mut past = PastEvaluations {
            looked_at: page.items.len(),
            next: page.next,
            ..PastEvaluations::default()
        };
        for execution in page.items {
            match self.evaluate(caller, execution.id()).await {
                Ok(evaluation) => past.evaluations.push(evaluation),
                Err(_) => past.skipped += 1,
            }
        }
        Ok(past)
    }

    async fn compare(
        &self,
        _: &Caller,
        first: &ExecutionSet,
        second: &ExecutionSet,
    ) -> Result<Comparison> {
        let sizes = [first.executions.len(), second.executions.len()];
        Ok(Comparison { sizes, pairs: None, rows: Vec::new() })
    }

    async fn evaluation(&self, caller: &Caller, id: ExecutionId) -> Result<Evaluation> {
        let found = self.store.quality().evaluation(id).await?;
        found.filter(|one| caller.sees(one.tenant_id.as_ref())).ok_or_else(|| {
            Error::new(ErrorCode::EvaluationNotFound, format!("execution {id} was not evaluated"))
        })
    }

    async fn evaluations(
        &self,
        caller: &Caller,
        query: &EvaluationQuery,
    ) -> Result<Page<Evaluation>> {
        let tenant = caller.tenant.clone().or_else(|| query.tenant.clone());
        let query = EvaluationQuery { tenant, ..query.clone() };
        Ok(self.store.quality().evaluations(&query).await?)
    }

    async fn flag_of(&self, caller: &Caller, id: ExecutionId) -> Result<Option<Flag>> {
        let found = self.store.quality().flag(id).await?;
        Ok(found.filter(|flag| caller.sees(flag.tenant_id.as_ref())))
    }

    async fn flag(&self, _: &Caller, id: ExecutionId, reason: Option<String>) -> Result<Flag> {
        let found = self.store.execution(id).await?.ok_or_else(no_execution)?;
        if self.store.quality().flag(id).await?.is_some() {
            return Err(Error::new(ErrorCode::AlreadyFlagged, "it is flagged already"));
        }
        let flag = Flag {
            execution_id: id,
            flow_name: found.spec.flow.clone(),
            tenant_id: found.spec.tenant_id.clone(),
            status: FlagStatus::Pending,
            reason: reason.unwrap_or_default(),
            source: FlagSource::Manual,
            created_at: Timestamp::from_millis(1_000),
            updated_at: Timestamp::from_millis(1_000),
        };
        self.keep(Op::Flag { flag: Box::new(flag.clone()), expect: None }).await?;
        Ok(flag)
    }

    async fn update_flag(&self, caller: &Caller, id: ExecutionId, to: FlagStatus) -> Result<Flag> {
        let flag = self.flag_of(caller, id).await?;
        let flag = flag.ok_or_else(|| Error::new(ErrorCode::FlagNotFound, "it is not flagged"))?;
        if !flag.status.may_become(to) {
            return Err(Error::new(ErrorCode::InvalidFlagTransition, "that is not the way"));
        }
        let expect = Some(flag.status);
        let flag = Flag { status: to, ..flag };
        self.keep(Op::Flag { flag: Box::new(flag.clone()), expect }).await?;
        Ok(flag)
    }

    async fn flags(&self, caller: &Caller, query: &FlagQuery) -> Result<Page<Flag>> {
        let tenant = caller.tenant.clone().or_else(|| query.tenant.clone());
        let query = FlagQuery { tenant, ..query.clone() };
        Ok(self.store.quality().flags(&query).await?)
    }
}
