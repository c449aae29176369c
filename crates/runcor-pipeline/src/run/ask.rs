//! Steps that ask somebody outside: agents and webhooks, with their retries.

use runcor_core::{ErrorCode, FlowError};
use serde_json::{Value, json};

use super::agent;
use super::attempt::{pause, within};
use super::driver::Run;
use super::record::{Posted, StepRecord};
use crate::spec::{AgentSpec, Ask, Target, WebhookSpec};
use crate::webhook::{self, Unsent};

impl Run<'_> {
    pub(crate) async fn ask(
        self,
        name: &str,
        ask: &Ask,
        document: &Value,
    ) -> Result<StepRecord, FlowError> {
        let input = match &ask.input {
            Some(mapping) => mapping.resolve(document).unwrap_or_default(),
            None => document["input"].clone(),
        };
        match &ask.target {
            Target::Agent(agent) => self.ask_model(name, ask, agent, &input).await,
            Target::Webhook(webhook) => self.post(name, ask, webhook, &input).await,
        }
    }

    /// Asks a model; its answer is one entry of the journal, however often it is asked for.
    async fn ask_model(
        self,
        name: &str,
        ask: &Ask,
        agent: &AgentSpec,
        input: &Value,
    ) -> Result<StepRecord, FlowError> {
        let model = self.ctx.model().named(name).within(ask.timeout);
        let default_model = self.pipeline.spec.model.as_deref();
        let seed = format!("{}:{name}", self.ctx.execution_id());
        let mut retry = 0;
        loop {
            let error = match agent::ask(&model, agent, default_model, input).await {
                Ok(record) => return Ok(record),
                Err(error) => error,
            };
            self.pause_or_fail(error, ask, retry, &seed).await?;
            retry += 1;
        }
    }

    /// Posts to an address, in one step of the journal with all of its retries.
    async fn post(
        self,
        name: &str,
        ask: &Ask,
        webhook: &WebhookSpec,
        input: &Value,
    ) -> Result<StepRecord, FlowError> {
        let step = self.ctx.describe_step(name).request(&json!([webhook.url.as_str(), input]));
        let step = if webhook.non_idempotent { step.non_idempotent() } else { step };
        let posted = step.run(|step| async move {
            let mut retry = 0;
            loop {
                let unsent = Unsent::default();
                let key = &step.idempotency_key;
                let post = webhook::post(
                    &self.pipeline.http,
                    webhook,
                    input,
                    key,
                    self.ctx.clock(),
                    &unsent,
                );
                let answer = within(self.ctx.clock(), ask.timeout, ErrorCode::WebhookFailed, post);
                let error = match answer.await {
                    Ok(output) => return Ok(Posted(output)),
                    Err(error) => error,
                };
                if webhook.non_idempotent && !unsent.is_certain() {
                    return Err(error);
                }
                self.pause_or_fail(error, ask, retry, key).await?;
                retry += 1;
            }
        });
        posted.await.map(|Posted(output)| StepRecord::plain(output))
    }

    /// Waits until the next attempt, or gives the error back when there is none.
    async fn pause_or_fail(
        self,
        error: FlowError,
        ask: &Ask,
        retry: u32,
        seed: &str,
    ) -> Result<(), FlowError> {
        let limits = &self.pipeline.spec.limits;
        let Some(delay) = pause(&error, retry, ask.retries, limits, seed) else {
            return Err(error);
        };
        tracing::debug!(step = seed, retry, ?delay, "a step is tried again");
        self.ctx.clock().sleep(delay).await;
        Ok(())
    }
}
