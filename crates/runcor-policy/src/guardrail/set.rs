//! All guardrails: which of them look, and in which order.

mod builder;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::RwLock;
use runcor_core::{
    Clock, Error, ErrorCode, EventSink, Guard, GuardPhase, GuardScope, Result, StreamGuard,
};
use serde_json::Value;

pub use self::builder::GuardrailsBuilder;
use super::look::Look;
use super::rail::{Guardrail, Rail};
use super::stream::GuardedStream;

/// Guardrails by ascending priority, then in the order in which they were added.
pub(super) type Rails = Arc<[Arc<Rail>]>;

/// Every guardrail of a runtime; the engine and the flow context ask it.
///
/// Those that look at content do so one after the other, by priority; each sees
/// what the one before has made of it.
#[derive(Clone)]
pub struct Guardrails {
    parts: Arc<Parts>,
}

pub(super) struct Parts {
    rails: RwLock<Rails>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: Arc<dyn EventSink>,
}

impl Guardrails {
    /// Begins to put guardrails together.
    #[must_use]
    pub fn builder() -> GuardrailsBuilder {
        GuardrailsBuilder::default()
    }

    /// Adds a guardrail; it looks from the next piece of content on.
    ///
    /// # Errors
    /// `DUPLICATE_GUARDRAIL` and `INVALID_POLICY_CONFIG`.
    pub fn add(&self, guardrail: Guardrail) -> Result<()> {
        let rail = Rail::new(guardrail, None)?;
        let mut rails = self.parts.rails.write();
        let mut all = rails.to_vec();
        insert(&mut all, rail)?;
        *rails = all.into();
        Ok(())
    }

    /// Takes a guardrail away that holds for everybody; returns whether there was one.
    pub fn remove(&self, name: &str) -> bool {
        let mut rails = self.parts.rails.write();
        let goes = |rail: &&Arc<Rail>| rail.owner.is_none() && rail.name == name;
        let found = rails.iter().any(|rail| goes(&rail));
        *rails = rails.iter().filter(|rail| !goes(rail)).cloned().collect();
        found
    }

    /// Returns whether there is none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.rails.read().is_empty()
    }

    fn rails(&self) -> Rails {
        Arc::clone(&self.parts.rails.read())
    }
}

/// Adds a guardrail in its place; names are unique among everybody's and for each tenant.
fn insert(rails: &mut Vec<Arc<Rail>>, rail: Rail) -> Result<()> {
    let is_same = |other: &&Arc<Rail>| {
        other.name == rail.name
            && (other.owner.is_none() || rail.owner.is_none() || other.owner == rail.owner)
    };
    if rails.iter().any(|other| is_same(&other)) {
        let message = format!("there is a guardrail {:?} already; choose another name", rail.name);
        return Err(Error::new(ErrorCode::DuplicateGuardrail, message));
    }
    let at = rails.partition_point(|other| other.priority <= rail.priority);
    rails.insert(at, Arc::new(rail));
    Ok(())
}

impl Parts {
    pub(super) fn look<'a>(
        &'a self,
        rail: &'a Rail,
        phase: GuardPhase,
        scope: &'a GuardScope,
    ) -> Look<'a> {
        Look { rail, phase, scope, clock: &self.clock, events: &self.events }
    }
}

#[async_trait]
impl Guard for Guardrails {
    fn watches(&self, phase: GuardPhase, scope: &GuardScope) -> bool {
        self.parts.rails.read().iter().any(|rail| rail.looks_at(phase, scope))
    }

    async fn check(&self, phase: GuardPhase, content: Value, scope: &GuardScope) -> Result<Value> {
        let mut content = content;
        for rail in self.rails().iter().filter(|rail| rail.looks_at(phase, scope)) {
            let look = self.parts.look(rail, phase, scope);
            content = match look.at_once(content) {
                Ok(content) => content?,
                Err(content) => look.in_its_time(content).await?,
            };
        }
        Ok(content)
    }

    fn stream(&self, scope: &GuardScope) -> Option<Box<dyn StreamGuard>> {
        let rails = self.rails();
        let looking = rails.iter().filter(|rail| rail.looks_at(GuardPhase::ModelResponse, scope));
        let stream = GuardedStream::new(Arc::clone(&self.parts), looking.cloned(), scope.clone())?;
        Some(Box::new(stream))
    }
}

impl fmt::Debug for Guardrails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rails = self.rails();
        let names: Vec<_> = rails.iter().map(|rail| &rail.name).collect();
        f.debug_struct("Guardrails").field("names", &names).finish_non_exhaustive()
    }
}
