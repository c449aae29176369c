//! The project of this folder, run by this very command.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use runcor::execution::{Decision, Execution, ExecutionId, ExecutionQuery, Fork, Order, Page};
use runcor::flow::FlowName;
use runcor::governance::Caller;
use runcor::http::{HttpConfig, ServerHandle};
use runcor::{Project, Runcor, Runtime, Trigger};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::args::Connect;
use crate::console::Console;
use crate::failure::Failure;
use crate::remote::Remote;
use crate::serve;
use crate::target::{ListQuery, TriggerRequest, USUAL_USER};

/// The project of this folder, run by this very command.
pub(crate) struct Local {
    runcor: Runcor,
    /// The engine as whoever asks has it.
    runtime: Arc<dyn Runtime>,
    connect: Connect,
    /// The API, once it is needed.
    served: OnceCell<(Remote, ServerHandle)>,
}

impl Local {
    /// Starts the project's engine; without its flows nothing is run.
    pub(crate) async fn start(
        project: &Project,
        connect: &Connect,
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
        let runtime: Arc<dyn Runtime> = Arc::new(runcor.engine().clone());
        let caller = caller(connect)?;
        let runtime = if caller == Caller::default() { runtime } else { runtime.as_caller(caller) };
        Ok(Self { runcor, runtime, connect: connect.clone(), served: OnceCell::new() })
    }

    /// Returns the API, served on this machine to who has a token that nobody else knows.
    pub(crate) async fn api(&self) -> Result<&Remote, Failure> {
        let served = self.served.get_or_try_init(async || {
            let token = format!("{}{}", uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
            let config = HttpConfig {
                port: 0,
                auth_token: Some(token.clone().into()),
                ..HttpConfig::default()
            };
            let server = serve::http(&self.runcor, config).await?;
            let remote = Remote::new(&serve::url(server.local_addr()), Some(token))?;
            let (user, tenant) = (self.connect.user.as_deref(), self.connect.tenant.as_deref());
            Ok::<_, Failure>((remote.on_behalf_of(user, tenant)?, server))
        });
        Ok(&served.await?.0)
    }

    pub(crate) async fn stop(self) -> Result<(), Failure> {
        if let Some((_, server)) = self.served.into_inner() {
            server.stop().await;
        }
        Ok(self.runcor.shutdown().await?)
    }

    pub(crate) async fn trigger(&self, request: TriggerRequest) -> Result<Value, Failure> {
        let user = request.user.unwrap_or_else(|| USUAL_USER.to_owned());
        let mut trigger = Trigger::new(request.key, request.input).with_user(user);
        trigger.tenant_id = request.tenant;
        let triggered = self.runtime.trigger(&request.flow, trigger).await?;
        execution(&triggered.execution)
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Value, Failure> {
        execution(&self.runtime.execution(parse_id(id)?).await?)
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
        let Page { items, .. } = self.runtime.executions(&query).await?;
        items.iter().map(execution).collect()
    }

    pub(crate) async fn resume(&self, id: &str, data: Option<Value>) -> Result<Value, Failure> {
        execution(&self.runtime.resume(parse_id(id)?, data).await?)
    }

    pub(crate) async fn cancel(&self, id: &str, reason: Option<String>) -> Result<Value, Failure> {
        execution(&self.runtime.cancel(parse_id(id)?, reason).await?)
    }

    pub(crate) async fn decide(&self, id: &str, decision: Decision) -> Result<Value, Failure> {
        execution(&self.runtime.decide(parse_id(id)?, decision).await?)
    }

    pub(crate) async fn fork(&self, id: &str, fork: Fork) -> Result<Value, Failure> {
        execution(&self.runtime.fork(parse_id(id)?, fork).await?)
    }

    pub(crate) async fn timeline(&self, id: &str) -> Result<Value, Failure> {
        shown(serde_json::to_value(&self.runtime.timeline(parse_id(id)?).await?))
    }

    pub(crate) async fn journal_value(&self, id: &str, path: &str) -> Result<Value, Failure> {
        Ok(self.runtime.journal_value(parse_id(id)?, path).await?)
    }

    pub(crate) fn trouble(&self) -> Result<Value, Failure> {
        shown(serde_json::to_value(&self.runcor.health().degraded))
    }
}

fn caller(connect: &Connect) -> Result<Caller, Failure> {
    let Connect { user, tenant, .. } = connect;
    Ok(Caller { user: parsed(user.as_deref())?, tenant: parsed(tenant.as_deref())? })
}

fn parsed<T: FromStr<Err: Display>>(text: Option<&str>) -> Result<Option<T>, Failure> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|error: T::Err| Failure::new("VALIDATION_ERROR", error.to_string()))
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
