//! The project of this folder, run by this very command.

use runcor::execution::{Decision, Execution, ExecutionId, ExecutionQuery, Fork, Order, Page};
use runcor::flow::FlowName;
use runcor::{Project, Runcor, Runtime, Trigger};
use serde_json::Value;

use crate::console::Console;
use crate::failure::Failure;
use crate::target::{ListQuery, TriggerRequest};

/// The project of this folder, run by this very command.
pub(crate) struct Local {
    runcor: Runcor,
}

impl Local {
    /// Starts the project's engine; without its flows nothing is run.
    pub(crate) async fn start(
        project: &Project,
        with_flows: bool,
        console: &Console,
    ) -> Result<Self, Failure> {
        let runcor = project.start().await?;
        if with_flows {
            let read = project.read_flows()?;
            for problem in read.problems {
                console.warn(problem.to_string());
            }
            for flow in read.flows {
                runcor.register(flow)?;
            }
        }
        Ok(Self { runcor })
    }

    pub(crate) async fn stop(&self) -> Result<(), Failure> {
        Ok(self.runcor.shutdown().await?)
    }

    pub(crate) async fn trigger(&self, request: TriggerRequest) -> Result<Value, Failure> {
        let mut trigger = Trigger::new(request.key, request.input).with_user(request.user);
        trigger.tenant_id = request.tenant;
        let triggered = self.runcor.trigger(&request.flow, trigger).await?;
        execution(&triggered.execution)
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Value, Failure> {
        execution(&self.runcor.execution(parse_id(id)?).await?)
    }

    pub(crate) async fn list(&self, query: &ListQuery) -> Result<Vec<Value>, Failure> {
        let invalid = |message: String| Failure::new("VALIDATION_ERROR", message);
        let query = ExecutionQuery {
            state: query
                .state
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(|error: runcor::execution::UnknownState| invalid(error.to_string()))?,
            flow: query
                .flow
                .as_deref()
                .map(FlowName::new)
                .transpose()
                .map_err(|error| invalid(error.to_string()))?,
            order: Order::Newest,
            limit: query.limit,
            ..ExecutionQuery::default()
        };
        let Page { items, .. } = self.runcor.executions(&query).await?;
        items.iter().map(execution).collect()
    }

    pub(crate) async fn resume(&self, id: &str, data: Option<Value>) -> Result<Value, Failure> {
        execution(&self.runcor.resume(parse_id(id)?, data).await?)
    }

    pub(crate) async fn cancel(&self, id: &str, reason: Option<String>) -> Result<Value, Failure> {
        execution(&self.runcor.cancel(parse_id(id)?, reason).await?)
    }

    pub(crate) async fn decide(&self, id: &str, decision: Decision) -> Result<Value, Failure> {
        execution(&self.runcor.decide(parse_id(id)?, decision).await?)
    }

    pub(crate) async fn fork(&self, id: &str, fork: Fork) -> Result<Value, Failure> {
        execution(&self.runcor.fork(parse_id(id)?, fork).await?)
    }

    pub(crate) async fn timeline(&self, id: &str) -> Result<Value, Failure> {
        shown(serde_json::to_value(&self.runcor.timeline(parse_id(id)?).await?))
    }

    pub(crate) async fn journal_value(&self, id: &str, path: &str) -> Result<Value, Failure> {
        Ok(self.runcor.journal_value(parse_id(id)?, path).await?)
    }

    pub(crate) fn trouble(&self) -> Result<Value, Failure> {
        shown(serde_json::to_value(&self.runcor.health().degraded))
    }
}

fn parse_id(id: &str) -> Result<ExecutionId, Failure> {
    id.parse()
        .map_err(|_| Failure::new("EXECUTION_NOT_FOUND", format!("there is no execution {id:?}")))
}

fn execution(found: &Execution) -> Result<Value, Failure> {
    shown(serde_json::to_value(found))
}

fn shown(found: serde_json::Result<Value>) -> Result<Value, Failure> {
    found.map_err(|error| Failure::new("INTERNAL_ERROR", error.to_string()))
}
