//! The registry: which flows there are, in order of registration.

use std::sync::Arc;

use parking_lot::RwLock;
use runcor_core::{
    Error, ErrorCode, Flow, FlowConfig, FlowHandler, FlowInfo, FlowName, Result, Schema, Violation,
};
use serde_json::{Value, json};

/// A flow with its compiled input schema.
pub(crate) struct Registered {
    pub(crate) handler: Arc<dyn FlowHandler>,
    pub(crate) info: FlowInfo,
    input: Option<Schema>,
}

/// All flows.
///
/// A flow that was unregistered takes no triggers, but what it has accepted
/// still runs to its end in this process: its handler is kept as *retired*.
#[derive(Default)]
pub(crate) struct Registry {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    active: Vec<Arc<Registered>>,
    retired: Vec<Arc<Registered>>,
    /// The names of both, as claims want them.
    runnable: Vec<FlowName>,
}

impl Registered {
    fn compile(flow: Flow) -> Result<Self> {
        let Flow { handler, info } = flow;
        let input = match info.input_schema.as_ref().map(Schema::compile) {
            None => None,
            Some(Ok(schema)) => Some(schema),
            Some(Err(error)) => {
                let message = format!("the input schema of flow {}: {error}", info.name);
                return Err(Error::new(ErrorCode::InvalidConfig, message));
            }
        };
        Ok(Self { handler, info, input })
    }

    pub(crate) fn config(&self) -> &FlowConfig {
        &self.info.config
    }

    /// Checks an input against the flow's schema.
    pub(crate) fn check_input(&self, input: &Value) -> Result<()> {
        match self.input.as_ref().map(|schema| schema.check(input)) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(violations)) => Err(self.input_error(&violations)),
        }
    }

    fn input_error(&self, violations: &[Violation]) -> Error {
        let first = violations.first().map(ToString::to_string).unwrap_or_default();
        let message =
            format!("the input does not match the schema of flow {}: {first}", self.info.name);
        Error::new(ErrorCode::InvalidInput, message).with_details(json!({ "errors": violations }))
    }
}

impl Registry {
    /// Adds a flow.
    pub(crate) fn add(&self, flow: Flow) -> Result<()> {
        let registered = Registered::compile(flow)?;
        let name = registered.info.name.clone();
        if name.as_str().starts_with("__") {
            let message =
                format!("flow names that begin with two underscores are the engine's own: {name}");
            return Err(Error::new(ErrorCode::ReservedFlowName, message));
        }
        let mut inner = self.inner.write();
        if inner.active.iter().any(|flow| flow.info.name == name) {
            let message = format!("flow {name} is registered already");
            return Err(Error::new(ErrorCode::DuplicateFlow, message));
        }
        inner.retired.retain(|flow| flow.info.name != name);
        inner.active.push(Arc::new(registered));
        inner.list_runnable();
        Ok(())
    }

    /// Puts a flow in the place of the one with the same name; returns whether there was one.
    pub(crate) fn replace(&self, flow: Flow) -> Result<bool> {
        let registered = Arc::new(Registered::compile(flow)?);
        let mut inner = self.inner.write();
        let name = &registered.info.name;
        match inner.active.iter_mut().find(|flow| flow.info.name == *name) {
            Some(place) => {
                *place = registered;
                Ok(true)
            }
            None => {
                inner.retired.retain(|flow| flow.info.name != *name);
                inner.active.push(registered);
                inner.list_runnable();
                Ok(false)
            }
        }
    }

    /// Retires a flow.
    pub(crate) fn remove(&self, name: &str) -> Result<FlowName> {
        let mut inner = self.inner.write();
        let place = inner.active.iter().position(|flow| flow.info.name.as_str() == name);
        let Some(place) = place else { return Err(flow_not_found(name, &inner.active)) };
        let flow = inner.active.remove(place);
        let name = flow.info.name.clone();
        inner.retired.push(flow);
        Ok(name)
    }

    /// Returns a flow that takes triggers.
    pub(crate) fn active(&self, name: &str) -> Result<Arc<Registered>> {
        let inner = self.inner.read();
        let found = inner.active.iter().find(|flow| flow.info.name.as_str() == name);
        found.cloned().ok_or_else(|| flow_not_found(name, &inner.active))
    }

    /// Returns a flow whose handler can run, also when it was unregistered.
    pub(crate) fn runnable(&self, name: &FlowName) -> Option<Arc<Registered>> {
        let inner = self.inner.read();
        inner.active.iter().chain(&inner.retired).find(|flow| flow.info.name == *name).cloned()
    }

    /// Returns the names of all flows that can run.
    pub(crate) fn runnable_names(&self) -> Vec<FlowName> {
        self.inner.read().runnable.clone()
    }

    /// Returns all flows that take triggers.
    pub(crate) fn infos(&self) -> Vec<FlowInfo> {
        self.inner.read().active.iter().map(|flow| flow.info.clone()).collect()
    }
}

impl Inner {
    fn list_runnable(&mut self) {
        self.runnable =
            self.active.iter().chain(&self.retired).map(|flow| flow.info.name.clone()).collect();
    }
}

fn flow_not_found(name: &str, known: &[Arc<Registered>]) -> Error {
    let names: Vec<_> = known.iter().take(20).map(|flow| flow.info.name.as_str()).collect();
    let message = if names.is_empty() {
        format!("there is no flow {name:?}; none is registered")
    } else {
        format!("there is no flow {name:?}; registered: {}", names.join(", "))
    };
    Error::new(ErrorCode::FlowNotFound, message)
}
