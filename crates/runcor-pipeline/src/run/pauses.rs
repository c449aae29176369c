//! Steps that pause the execution: waits, sleeps, approvals, calls of other flows.

use runcor_core::{Approval, Error, ErrorCode, FlowError, WaitSignal};
use serde_json::{Value, json};

use super::driver::Run;
use super::record::StepRecord;
use crate::instant::instant;
use crate::spec::{ApprovalSpec, CallSpec, OnReject, SleepSpec, WaitSpec};

impl Run<'_> {
    pub(crate) async fn wait(
        self,
        name: &str,
        wait: &WaitSpec,
        document: &Value,
    ) -> Result<StepRecord, FlowError> {
        let reason = wait.reason.clone().unwrap_or_else(|| format!("waits at step '{name}'"));
        let mut signal = WaitSignal::new(reason);
        signal.wait_data = wait.data.as_ref().and_then(|data| data.resolve(document));
        signal.timeout = wait.timeout;
        self.ctx.wait_named(name, signal).await.map(StepRecord::plain)
    }

    pub(crate) async fn sleep(
        self,
        name: &str,
        sleep: &SleepSpec,
        document: &Value,
    ) -> Result<StepRecord, FlowError> {
        let until = match sleep {
            SleepSpec::For(duration) => self.ctx.now().after(*duration),
            SleepSpec::Until(mapping) => {
                let value = mapping.resolve(document);
                value.as_ref().and_then(instant).ok_or_else(|| {
                    let found = if value.is_some() { "something else" } else { "nothing" };
                    let message = format!("until must lead to an instant, but leads to {found}");
                    FlowError::new(ErrorCode::StepFailed, message)
                })?
            }
        };
        self.ctx.sleep_until(name, until).await?;
        Ok(StepRecord::plain(Value::Null))
    }

    pub(crate) async fn approval(
        self,
        name: &str,
        spec: &ApprovalSpec,
        document: &Value,
    ) -> Result<StepRecord, FlowError> {
        let subject = spec.subject.resolve(document).unwrap_or_default();
        let approval = Approval::of(&spec.action, &subject).named(name);
        let approval = match spec.within {
            Some(limit) => approval.within(limit),
            None => approval,
        };
        let answer = self.ctx.approval(approval).await?;
        if !answer.approved && spec.on_reject == OnReject::Fail {
            let by = answer.by.as_deref().unwrap_or("somebody");
            let message = format!("{by} has rejected: {}", spec.action);
            return Err(Error::new(ErrorCode::ApprovalRejected, message).into());
        }
        Ok(StepRecord::plain(json!(answer)))
    }

    pub(crate) async fn call(
        self,
        name: &str,
        call: &CallSpec,
        document: &Value,
    ) -> Result<StepRecord, FlowError> {
        let input = match &call.input {
            Some(mapping) => mapping.resolve(document).unwrap_or_default(),
            None => document["input"].clone(),
        };
        let result = self.ctx.call_named(name, call.flow.as_str(), input).await?;
        Ok(StepRecord::plain(result))
    }
}
