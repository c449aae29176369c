//! The project of this folder, run by this very command.

use runcor::execution::{ExecutionId, ExecutionQuery, Order, Page};
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
        to_value(&triggered.execution)
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Value, Failure> {
        to_value(&self.runcor.execution(parse_id(id)?).await?)
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
        items.iter().map(to_value).collect()
    }

    pub(crate) async fn resume(&self, id: &str, data: Option<Value>) -> Result<Value, Failure> {
        to_value(&self.runcor.resume(parse_id(id)?, data).await?)
    }

    pub(crate) async fn cancel(&self, id: &str, reason: Option<String>) -> Result<Value, Failure> {
        to_value(&self.runcor.cancel(parse_id(id)?, reason).await?)
    }
}

fn parse_id(id: &str) -> Result<ExecutionId, Failure> {
    id.parse()
        .map_err(|_| Failure::new("EXECUTION_NOT_FOUND", format!("there is no execution {id:?}")))
}

fn to_value(execution: &runcor::execution::Execution) -> Result<Value, Failure> {
    serde_json::to_value(execution)
        .map_err(|error| Failure::new("INTERNAL_ERROR", error.to_string()))
}
