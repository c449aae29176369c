//! What people ask of quality: judge, look, flag.

use async_trait::async_trait;
use runcor_core::{
    Batch, Caller, Comparison, Error, ErrorCode, Evaluation, EvaluationQuery, Execution,
    ExecutionId, ExecutionSet, ExecutionState, Flag, FlagQuery, FlagSource, FlagStatus, Op, Page,
    PastEvaluations, PastQuery, Quality, Result, StoreError,
};

use crate::evaluator::cut;
use crate::evaluators::{Evaluators, flagged};

/// The reason of a flag for which nobody gave one.
const BY_HAND: &str = "flagged by hand";

/// The longest reason of a flag, in characters.
const MAX_REASON: usize = 2000;

impl Evaluators {
    /// Returns an execution that a caller may see.
    pub(crate) async fn execution_for(
        &self,
        caller: &Caller,
        id: ExecutionId,
    ) -> Result<Execution> {
        let found = self.store.execution(id).await?;
        found.filter(|it| caller.sees(it.spec.tenant_id.as_ref())).ok_or_else(|| {
            Error::new(ErrorCode::ExecutionNotFound, format!("there is no execution {id}"))
        })
    }

    async fn flag_for(&self, caller: &Caller, id: ExecutionId) -> Result<Flag> {
        self.flag_of(caller, id).await?.ok_or_else(|| {
            Error::new(ErrorCode::FlagNotFound, format!("execution {id} is not flagged"))
        })
    }
}

#[async_trait]
impl Quality for Evaluators {
    async fn evaluate(&self, caller: &Caller, id: ExecutionId) -> Result<Evaluation> {
        let execution = self.execution_for(caller, id).await?;
        if execution.state() != ExecutionState::Complete {
            let message = format!("execution {id} is not complete, so there is nothing to judge");
            return Err(Error::new(ErrorCode::InvalidState, message));
        }
        let panel = self.catalog.applicable(&execution.spec.flow);
        if panel.is_empty() {
            let message = format!("no evaluator applies to flow {}", execution.spec.flow);
            return Err(Error::new(ErrorCode::EvaluationNotFound, message));
        }
        Ok(self.judge(&panel, execution).await?.evaluation)
    }

    async fn evaluate_past(&self, caller: &Caller, query: &PastQuery) -> Result<PastEvaluations> {
        self.judge_past(caller, query).await
    }

    async fn compare(
        &self,
        caller: &Caller,
        first: &ExecutionSet,
        second: &ExecutionSet,
    ) -> Result<Comparison> {
        let (first, second) =
            (self.samples(caller, first).await?, self.samples(caller, second).await?);
        Ok(crate::compare::compare(&first, &second))
    }

    async fn evaluation(&self, caller: &Caller, id: ExecutionId) -> Result<Evaluation> {
        let found = self.store.quality().evaluation(id).await?;
        found.filter(|it| caller.sees(it.tenant_id.as_ref())).ok_or_else(|| {
            Error::new(ErrorCode::EvaluationNotFound, format!("execution {id} was not evaluated"))
        })
    }

    async fn evaluations(
        &self,
        caller: &Caller,
        query: &EvaluationQuery,
    ) -> Result<Page<Evaluation>> {
        let mut query = query.clone();
        if !narrow(&mut query.tenant, caller) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        Ok(self.store.quality().evaluations(&query).await?)
    }

    async fn flag(&self, caller: &Caller, id: ExecutionId, reason: Option<String>) -> Result<Flag> {
        let execution = self.execution_for(caller, id).await?;
        let now = self.clock.now();
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        let flag = Flag {
            execution_id: id,
            flow_name: execution.spec.flow.clone(),
            tenant_id: execution.spec.tenant_id.clone(),
            status: FlagStatus::Pending,
            reason: cut(reason.unwrap_or_else(|| BY_HAND.to_owned()), MAX_REASON),
            source: FlagSource::Manual,
            created_at: now,
            updated_at: now,
        };
        let batch = Batch::new()
            .with(Op::Flag { flag: Box::new(flag.clone()), expect: None })
            .with(Op::Emit(flagged(&flag)));
        match self.store.commit(batch).await {
            Err(StoreError::Stale { .. }) => {
                let message = format!("execution {id} is flagged already");
                Err(Error::new(ErrorCode::AlreadyFlagged, message))
            }
            kept => Ok(kept.map(|_| flag)?),
        }
    }

    async fn flag_of(&self, caller: &Caller, id: ExecutionId) -> Result<Option<Flag>> {
        let found = self.store.quality().flag(id).await?;
        Ok(found.filter(|flag| caller.sees(flag.tenant_id.as_ref())))
    }

    async fn update_flag(&self, caller: &Caller, id: ExecutionId, to: FlagStatus) -> Result<Flag> {
        let flag = self.flag_for(caller, id).await?;
        let from = flag.status;
        if !from.may_become(to) {
            let problem = match (from, to) {
                (from, to) if from == to => format!("is {} already", from.as_str()),
                (FlagStatus::Pending, _) => "is pending; it has to be reviewed first".to_owned(),
                (from, to) => format!("is {} and can't become {}", from.as_str(), to.as_str()),
            };
            let message = format!("the flag of execution {id} {problem}");
            return Err(Error::new(ErrorCode::InvalidFlagTransition, message));
        }
        let flag = Flag { status: to, updated_at: self.clock.now(), ..flag };
        let op = Op::Flag { flag: Box::new(flag.clone()), expect: Some(from) };
        match self.store.commit(Batch::new().with(op)).await {
            Err(StoreError::Stale { .. }) => {
                let message = format!("somebody else has just moved the flag of execution {id}");
                Err(Error::new(ErrorCode::InvalidFlagTransition, message))
            }
            kept => Ok(kept.map(|_| flag)?),
        }
    }

    async fn flags(&self, caller: &Caller, query: &FlagQuery) -> Result<Page<Flag>> {
        let mut query = query.clone();
        if !narrow(&mut query.tenant, caller) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        Ok(self.store.quality().flags(&query).await?)
    }
}

/// Narrows a query to what a caller may see; false when that is nothing of it.
pub(crate) fn narrow(wanted: &mut Option<runcor_core::TenantId>, caller: &Caller) -> bool {
    match (&wanted, &caller.tenant) {
        (Some(wanted), Some(own)) => wanted == own,
        (None, Some(own)) => {
            *wanted = Some(own.clone());
            true
        }
        (_, None) => true,
    }
}
