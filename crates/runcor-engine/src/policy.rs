//! Policy: every operation is judged on somebody's behalf before it happens.

use runcor_core::{
    Batch, Caller, Error, ErrorCode, Event, Execution, ExecutionId, ExecutionQuery, ExecutionSpec,
    ExecutionState, FlowName, Op, Operation, Policy, PolicyRequest, RateTake, Result, StoreError,
    Trigger,
};
use serde_json::Value;

use crate::operations::not_found;
use crate::shared::Shared;

/// Something that a policy allows, and what it counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowed {
    /// What rate limits count; to be committed with what was allowed.
    pub(crate) takes: Vec<RateTake>,
}

impl Allowed {
    /// Returns whether any of the limits lets what comes too early wait for its turn.
    pub(crate) fn may_wait(&self) -> bool {
        self.takes.iter().any(|take| take.queue.is_some())
    }

    /// Returns the operations that count it, now or not at all.
    pub(crate) fn now(&self) -> Vec<Op> {
        let now = |take: &RateTake| RateTake { queue: None, ..take.clone() };
        self.takes.iter().map(now).map(|take| Op::Take(Box::new(take))).collect()
    }

    /// Returns the operations that count it, now or when its turn comes.
    pub(crate) fn in_turn(&self) -> Vec<Op> {
        self.takes.iter().cloned().map(|take| Op::Take(Box::new(take))).collect()
    }
}

impl Shared {
    fn policy(&self) -> Option<&dyn Policy> {
        self.governance.policy.as_deref()
    }

    /// Judges a trigger, or a call of a flow by another one, and changes its input where the policy says so.
    pub(crate) async fn judge_trigger(
        &self,
        operation: Operation,
        spec: &mut ExecutionSpec,
    ) -> Result<Allowed> {
        let Some(policy) = self.policy() else { return Ok(Allowed::default()) };
        let caller = Caller::of(spec);
        let request = PolicyRequest {
            operation,
            flow: Some(&spec.flow),
            caller: &caller,
            input: &spec.input,
            execution: None,
            metadata: spec.metadata.as_ref(),
            now: self.now(),
        };
        let admission = policy.admit(&request).await?;
        if let Some(input) = admission.input {
            spec.input = input;
        }
        Ok(Allowed { takes: admission.takes })
    }

    /// Announces that a rate limit refused a trigger, and makes the error of it.
    pub(crate) fn refuse_trigger(&self, spec: &ExecutionSpec, error: StoreError) -> Error {
        let (StoreError::RateLimited(refusal), Some(policy)) = (&error, self.policy()) else {
            return error.into();
        };
        let caller = Caller::of(spec);
        let request = PolicyRequest {
            operation: Operation::Trigger,
            flow: Some(&spec.flow),
            caller: &caller,
            input: &spec.input,
            execution: None,
            metadata: spec.metadata.as_ref(),
            now: self.now(),
        };
        policy.refused(&request, refusal)
    }

    /// Judges an operation on an execution: on behalf of the caller, or else of
    /// those for whom the execution runs. What callers may not see does not exist for them.
    pub(crate) async fn judge(
        &self,
        caller: Option<&Caller>,
        operation: Operation,
        id: ExecutionId,
    ) -> Result<()> {
        let allowed = self.judged(caller, operation, id).await?;
        self.count(allowed).await
    }

    /// As [`judge`](Self::judge), for operations that commit themselves what they count.
    pub(crate) async fn judged(
        &self,
        caller: Option<&Caller>,
        operation: Operation,
        id: ExecutionId,
    ) -> Result<Allowed> {
        self.judged_with(caller, operation, id, None).await
    }

    /// Judges that an execution is run again, with the input that the new one will have.
    ///
    /// Rules see that input. One that nobody has judged yet is judged as that of a
    /// trigger besides, and may be changed: a fork is no way around a rule.
    pub(crate) async fn judged_again(
        &self,
        caller: Option<&Caller>,
        id: ExecutionId,
        other: Option<&mut Value>,
    ) -> Result<Allowed> {
        let allowed = self.judged_with(caller, Operation::Replay, id, other.as_deref()).await?;
        let (Some(policy), Some(input)) = (self.policy(), other) else { return Ok(allowed) };
        let execution = self.execution(id).await?;
        let spec = &*execution.spec;
        let own = Caller::of(spec);
        let request = PolicyRequest {
            operation: Operation::Trigger,
            flow: Some(&spec.flow),
            caller: caller.unwrap_or(&own),
            input,
            execution: None,
            metadata: spec.metadata.as_ref(),
            now: self.now(),
        };
        // What it counts is counted once, as a replay.
        if let Some(changed) = policy.admit(&request).await?.input {
            *input = changed;
        }
        Ok(allowed)
    }

    async fn judged_with(
        &self,
        caller: Option<&Caller>,
        operation: Operation,
        id: ExecutionId,
        input: Option<&Value>,
    ) -> Result<Allowed> {
        if caller.is_none() && self.policy().is_none() {
            return Ok(Allowed::default());
        }
        let execution = self.execution(id).await?;
        check_sees(caller, &execution)?;
        let Some(policy) = self.policy() else { return Ok(Allowed::default()) };
        let spec = &*execution.spec;
        let own = Caller::of(spec);
        let input = match operation {
            Operation::Replay => input.unwrap_or(&spec.input),
            _ => &Value::Null,
        };
        let request = PolicyRequest {
            operation,
            flow: Some(&spec.flow),
            caller: caller.unwrap_or(&own),
            input,
            execution: Some(id),
            metadata: spec.metadata.as_ref(),
            now: self.now(),
        };
        Ok(Allowed { takes: policy.admit(&request).await?.takes })
    }

    /// Judges a list, and narrows it to what the caller may see.
    pub(crate) async fn judge_list(
        &self,
        caller: Option<&Caller>,
        query: &mut ExecutionQuery,
    ) -> Result<()> {
        if let Some(tenant) = caller.and_then(|caller| caller.tenant.as_ref()) {
            if query.tenant.as_ref().is_some_and(|asked| asked != tenant) {
                return Err(Error::new(
                    ErrorCode::AccessDenied,
                    "callers of a tenant see that tenant alone",
                ));
            }
            query.tenant = Some(tenant.clone());
        }
        let (Some(policy), Some(caller)) = (self.policy(), caller) else { return Ok(()) };
        let operation = match query.state {
            Some(ExecutionState::Waiting) => Operation::ListWaiting,
            _ => Operation::Read,
        };
        let request = PolicyRequest {
            operation,
            flow: query.flow.as_ref(),
            caller,
            input: &Value::Null,
            execution: None,
            metadata: None,
            now: self.now(),
        };
        let takes = policy.admit(&request).await?.takes;
        self.count(Allowed { takes }).await
    }

    /// Returns whether a caller may see a flow and its executions.
    pub(crate) fn sees_flow(&self, caller: Option<&Caller>, flow: &FlowName) -> bool {
        match (self.policy(), caller) {
            (Some(policy), Some(caller)) => policy.sees_flow(caller, flow),
            _ => true,
        }
    }

    /// Returns whether a caller may hear of an event.
    pub(crate) fn sees_event(&self, caller: &Caller, event: &Event) -> bool {
        caller.sees(event.tenant())
            && self.policy().is_none_or(|policy| policy.sees_event(caller, event))
    }

    /// Counts what was allowed and has no batch of its own.
    async fn count(&self, allowed: Allowed) -> Result<()> {
        if allowed.takes.is_empty() {
            return Ok(());
        }
        self.store.commit(Batch { ops: allowed.now() }).await?;
        Ok(())
    }
}

/// Fails for what belongs to somebody else's tenant, as if it did not exist.
pub(crate) fn check_sees(caller: Option<&Caller>, execution: &Execution) -> Result<()> {
    match caller {
        Some(caller) if !caller.sees(execution.spec.tenant_id.as_ref()) => {
            Err(not_found(execution.id()))
        }
        _ => Ok(()),
    }
}

/// Puts the caller's identity on a trigger.
///
/// # Errors
/// `ACCESS_DENIED` when the trigger names another user or tenant.
pub(crate) fn sign(caller: Option<&Caller>, mut trigger: Trigger) -> Result<Trigger> {
    let Some(caller) = caller else { return Ok(trigger) };
    let same = |own: Option<&str>, named: &mut Option<String>, what: &str| match (own, &named) {
        (Some(own), Some(other)) if own != other.as_str() => {
            let message = format!("the caller is {what} {own:?} and can't trigger for another one");
            Err(Error::new(ErrorCode::AccessDenied, message))
        }
        (Some(own), _) => {
            *named = Some(own.to_owned());
            Ok(())
        }
        (None, _) => Ok(()),
    };
    same(caller.tenant.as_ref().map(AsRef::as_ref), &mut trigger.tenant_id, "tenant")?;
    same(caller.user.as_ref().map(AsRef::as_ref), &mut trigger.user_id, "user")?;
    Ok(trigger)
}
