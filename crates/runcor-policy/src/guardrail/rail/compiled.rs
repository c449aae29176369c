//! A guardrail that is checked and ready to look.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use runcor_core::{Error, ErrorCode, FlowName, GuardPhase, GuardScope, Result, Schema, TenantId};

use super::super::action::{FailureMode, GuardrailHandler, GuardrailMode};
use super::super::built_in::{Length, ModelJudge};
use super::super::engine::{Scanner, Window};
use super::super::replacement::Replacement;
use super::{BuiltIn, Guardrail, Source};
use crate::guardrail::built_in::Injection;

const BUDGET: Duration = Duration::from_secs(1);
const BUDGET_OF_MODELS: Duration = Duration::from_secs(10);
/// How much a guardrail may hold back at the least and at the most, in characters.
const HOLD_BACK: std::ops::RangeInclusive<usize> = 16..=65_536;
const MAX_NAME: usize = 200;

/// A guardrail that is checked and ready to look.
#[derive(Debug)]
pub(in crate::guardrail) struct Rail {
    pub(in crate::guardrail) name: String,
    pub(in crate::guardrail) judge: Judge,
    pub(in crate::guardrail) mode: GuardrailMode,
    pub(in crate::guardrail) failure_mode: FailureMode,
    pub(in crate::guardrail) time_budget: Duration,
    pub(in crate::guardrail) buffer: bool,
    pub(in crate::guardrail) replacement: Replacement,
    pub(in crate::guardrail) priority: i32,
    pub(in crate::guardrail) mandatory: bool,
    /// The tenant that has it of its own.
    pub(in crate::guardrail) owner: Option<TenantId>,
    /// The tenants that have switched it off.
    pub(in crate::guardrail) off: Vec<TenantId>,
    phases: Vec<GuardPhase>,
    flows: Vec<FlowName>,
    tenants: Vec<TenantId>,
}

/// What looks at content.
pub(in crate::guardrail) enum Judge {
    /// Looks at texts as they come; whole numbers too, where that is said.
    Scanner(Arc<Scanner>, bool),
    Length(Length),
    Schema(Schema),
    Injection(Injection),
    Model(ModelJudge),
    Handler(Arc<dyn GuardrailHandler>),
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scanner(..) => "Scanner",
            Self::Length(_) => "Length",
            Self::Schema(_) => "Schema",
            Self::Injection(_) => "Injection",
            Self::Model(_) => "Model",
            Self::Handler(_) => "Handler",
        })
    }
}

impl Rail {
    /// Checks a guardrail and makes it ready.
    pub(in crate::guardrail) fn new(rail: Guardrail, owner: Option<TenantId>) -> Result<Self> {
        let name = rail.name.clone();
        Self::compile(rail, owner).map_err(|problem| {
            let message = format!("guardrail {name:?}: {problem}");
            Error::new(ErrorCode::InvalidPolicyConfig, message)
        })
    }

    fn compile(rail: Guardrail, owner: Option<TenantId>) -> std::result::Result<Self, String> {
        if rail.name.trim().is_empty() || rail.name.len() > MAX_NAME {
            return Err(format!("its name must have 1 to {MAX_NAME} bytes"));
        }
        if rail.phases.is_empty() {
            return Err("say in which phases it looks".to_owned());
        }
        let judge = judge(&rail.source)?;
        if rail.mode == GuardrailMode::Transform
            && matches!(judge, Judge::Schema(_) | Judge::Model(_))
        {
            return Err("it can't transform content; use the mode \"block\" or \"warn\"".to_owned());
        }
        let judge = with_hold_back(judge, rail.hold_back)?;
        check_replacement(&judge, &rail.replacement)?;
        let default_budget =
            if matches!(judge, Judge::Model(_)) { BUDGET_OF_MODELS } else { BUDGET };
        let time_budget = rail.time_budget.unwrap_or(default_budget);
        if time_budget.is_zero() {
            return Err("its time budget must be at least a millisecond".to_owned());
        }
        Ok(Self {
            name: rail.name,
            judge,
            mode: rail.mode,
            failure_mode: rail.failure_mode,
            time_budget,
            buffer: rail.buffer,
            replacement: rail.replacement,
            priority: rail.priority,
            mandatory: rail.mandatory,
            owner,
            off: Vec::new(),
            phases: rail.phases,
            flows: rail.flows,
            tenants: rail.tenants,
        })
    }

    /// Returns whether it looks at this content.
    pub(in crate::guardrail) fn looks_at(&self, phase: GuardPhase, scope: &GuardScope) -> bool {
        let tenant = scope.caller.tenant.as_ref();
        self.phases.contains(&phase)
            && (self.flows.is_empty() || self.flows.contains(&scope.flow))
            && (self.owner.is_none() || self.owner.as_ref() == tenant)
            && (self.tenants.is_empty() || tenant.is_some_and(|it| self.tenants.contains(it)))
            && !tenant.is_some_and(|it| self.off.contains(it))
    }
}

fn judge(source: &Source) -> std::result::Result<Judge, String> {
    let scanner = |scanner: Scanner| Judge::Scanner(Arc::new(scanner), false);
    Ok(match source {
        Source::Handler(handler) => Judge::Handler(Arc::clone(handler)),
        Source::BuiltIn(BuiltIn::Patterns(it)) => scanner(it.scanner()?),
        Source::BuiltIn(BuiltIn::Keywords(it)) => scanner(it.scanner()?),
        Source::BuiltIn(BuiltIn::Pii(it)) => Judge::Scanner(Arc::new(it.scanner()), true),
        Source::BuiltIn(BuiltIn::Secrets(it)) => scanner(it.scanner()?),
        Source::BuiltIn(BuiltIn::Length(it)) => Judge::Length(it.check()?),
        Source::BuiltIn(BuiltIn::JsonSchema(it)) => Judge::Schema(it.build()?),
        Source::BuiltIn(BuiltIn::PromptInjection(it)) => Judge::Injection(it.build()?),
        Source::BuiltIn(BuiltIn::Model(it)) => {
            it.check()?;
            Judge::Model(it.clone())
        }
    })
}

/// Sets how much is held back: what is asked, or else what is needed.
fn with_hold_back(judge: Judge, asked: Option<usize>) -> std::result::Result<Judge, String> {
    let Judge::Scanner(scanner, numbers) = judge else {
        return match asked {
            None => Ok(judge),
            Some(_) => Err("it holds no part of a text back; leave \"holdBack\" out".to_owned()),
        };
    };
    let longest = scanner.longest();
    let bound = asked.unwrap_or_else(|| Scanner::BOUND.max(longest.unwrap_or(0)));
    if !HOLD_BACK.contains(&bound) {
        let (least, most) = HOLD_BACK.into_inner();
        return Err(format!("it must hold back {least} to {most} characters, not {bound}"));
    }
    if let Some(longest) = longest.filter(|longest| *longest > bound) {
        return Err(format!(
            "it must hold back at least {longest} characters to see what it looks for"
        ));
    }
    let scanner = Arc::into_inner(scanner).map(|scanner| scanner.with_bound(bound));
    let scanner = scanner.ok_or_else(|| "it is in use".to_owned())?;
    Ok(Judge::Scanner(Arc::new(scanner), numbers))
}

/// A replacement in which something is found would be replaced again and again.
fn check_replacement(judge: &Judge, replacement: &Replacement) -> std::result::Result<(), String> {
    let (Judge::Scanner(scanner, _), Replacement::Fixed(text)) = (judge, replacement) else {
        return Ok(());
    };
    let mut is_found = false;
    let mut window = Window::new(Arc::clone(scanner));
    let Ok(()) = window.push(text, true, &mut String::new(), |_, _| {
        is_found = true;
        Ok::<(), Infallible>(())
    });
    if is_found { Err("it would find its own replacement".to_owned()) } else { Ok(()) }
}
