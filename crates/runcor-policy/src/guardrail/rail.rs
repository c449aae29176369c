//! A guardrail: what looks at content, where, and what then happens.

mod compiled;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use runcor_core::{FlowName, GuardPhase, Result, TenantId};
use serde_json::Value;

pub(super) use self::compiled::{Judge, Rail};
use super::action::{
    Closure, FailureMode, GuardrailAction, GuardrailContext, GuardrailHandler, GuardrailMode,
};
use super::built_in::{
    JsonSchema, Keywords, Length, ModelJudge, Patterns, Pii, PromptInjection, Secrets,
};
use super::replacement::Replacement;

/// The priority of a guardrail that is given none.
const PRIORITY: i32 = 100;

/// A guardrail: what looks at content, where, and what then happens.
///
/// ```
/// # use runcor_core::GuardPhase;
/// # use runcor_policy::guardrail::{Guardrail, GuardrailMode, Pii, PiiKind};
/// let no_cards = Guardrail::built_in("no-cards", Pii::new().kinds([PiiKind::Card]))
///     .phases([GuardPhase::Output, GuardPhase::ModelResponse])
///     .mode(GuardrailMode::Transform);
/// assert_eq!(no_cards.name(), "no-cards");
/// ```
#[derive(Debug, Clone)]
pub struct Guardrail {
    name: String,
    source: Source,
    phases: Vec<GuardPhase>,
    mode: GuardrailMode,
    priority: i32,
    failure_mode: FailureMode,
    time_budget: Option<Duration>,
    flows: Vec<FlowName>,
    tenants: Vec<TenantId>,
    mandatory: bool,
    buffer: bool,
    hold_back: Option<usize>,
    replacement: Replacement,
}

/// Something that runcor looks for by itself.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum BuiltIn {
    /// What regular expressions match.
    Patterns(Patterns),
    /// Words and phrases.
    Keywords(Keywords),
    /// Personal data.
    Pii(Pii),
    /// Keys, tokens and passwords.
    Secrets(Secrets),
    /// Too much or too little text.
    Length(Length),
    /// What does not match a JSON Schema.
    JsonSchema(JsonSchema),
    /// Signs of prompt injection.
    PromptInjection(PromptInjection),
    /// What a model does not allow.
    Model(ModelJudge),
}

macro_rules! built_in {
    ($($name:ident: $from:ident),*) => {
        $(impl From<$from> for BuiltIn {
            fn from(it: $from) -> Self {
                Self::$name(it)
            }
        })*
    };
}

built_in!(
    Patterns: Patterns, Keywords: Keywords, Pii: Pii, Secrets: Secrets, Length: Length,
    JsonSchema: JsonSchema, PromptInjection: PromptInjection, Model: ModelJudge
);

#[derive(Clone)]
enum Source {
    BuiltIn(BuiltIn),
    Handler(Arc<dyn GuardrailHandler>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(it) => it.fmt(f),
            Self::Handler(_) => f.write_str("Handler"),
        }
    }
}

impl Guardrail {
    /// Makes a guardrail that asks a handler.
    #[must_use]
    pub fn new(name: impl Into<String>, handler: impl GuardrailHandler + 'static) -> Self {
        Self::of(name.into(), Source::Handler(Arc::new(handler)))
    }

    /// Makes a guardrail that asks a closure.
    #[must_use]
    pub fn from_fn<F, R>(name: impl Into<String>, handler: F) -> Self
    where
        F: Fn(Value, GuardrailContext) -> R + Send + Sync + 'static,
        R: Future<Output = Result<GuardrailAction>> + Send + 'static,
    {
        Self::new(name, Closure(handler))
    }

    /// Makes a guardrail that looks for something that runcor knows.
    #[must_use]
    pub fn built_in(name: impl Into<String>, it: impl Into<BuiltIn>) -> Self {
        Self::of(name.into(), Source::BuiltIn(it.into()))
    }

    fn of(name: String, source: Source) -> Self {
        Self {
            name,
            source,
            phases: Vec::new(),
            mode: GuardrailMode::default(),
            priority: PRIORITY,
            failure_mode: FailureMode::default(),
            time_budget: None,
            flows: Vec::new(),
            tenants: Vec::new(),
            mandatory: false,
            buffer: false,
            hold_back: None,
            replacement: Replacement::default(),
        }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says where it looks; at least one phase is needed.
    #[must_use]
    pub fn phases(mut self, phases: impl IntoIterator<Item = GuardPhase>) -> Self {
        self.phases = phases.into_iter().collect();
        self
    }

    /// Says what a finding does; unless it does, the content is stopped.
    #[must_use]
    pub fn mode(mut self, mode: GuardrailMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets its place: lower ones look first, 100 unless it is set.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Says what happens when it fails; unless it does, the content is stopped.
    #[must_use]
    pub fn failure_mode(mut self, mode: FailureMode) -> Self {
        self.failure_mode = mode;
        self
    }

    /// Limits its time: one second unless it is set, ten where a model is asked.
    #[must_use]
    pub fn time_budget(mut self, budget: Duration) -> Self {
        self.time_budget = Some(budget);
        self
    }

    /// Has it look at these flows alone.
    #[must_use]
    pub fn flows(mut self, flows: impl IntoIterator<Item = FlowName>) -> Self {
        self.flows = flows.into_iter().collect();
        self
    }

    /// Has it look at what belongs to these tenants alone.
    #[must_use]
    pub fn tenants(mut self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        self.tenants = tenants.into_iter().collect();
        self
    }

    /// Says that no tenant can switch it off.
    #[must_use]
    pub fn mandatory(mut self, mandatory: bool) -> Self {
        self.mandatory = mandatory;
        self
    }

    /// Has it hold a streamed answer back until it has seen the whole.
    ///
    /// What looks at text as it comes needs this not.
    #[must_use]
    pub fn buffer(mut self, buffer: bool) -> Self {
        self.buffer = buffer;
        self
    }

    /// Sets the most characters of a streamed answer that it holds back.
    #[must_use]
    pub fn hold_back(mut self, characters: usize) -> Self {
        self.hold_back = Some(characters);
        self
    }

    /// Sets what comes in place of a finding; unless it is set, its kind, as `[card]`.
    #[must_use]
    pub fn replacement(mut self, text: impl Into<String>) -> Self {
        self.replacement = Replacement::Fixed(text.into());
        self
    }

    /// Leaves the last four digits or letters of a finding, and of a mail address the host.
    #[must_use]
    pub fn keep_last(mut self) -> Self {
        self.replacement = Replacement::KeepLast;
        self
    }
}
