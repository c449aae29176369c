//! One guardrail looks at one piece of content.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use runcor_core::{
    Clock, Error, ErrorCode, Event, EventSink, GuardPhase, GuardScope, GuardrailWarning, Result,
};
use serde_json::{Value, json};

use super::action::{FailureMode, GuardrailAction, GuardrailContext, GuardrailMode};
use super::built_in::{Injection, Length, problem};
use super::content::{Texts, visit};
use super::engine::{Finding, Scanner, Window};
use super::rail::{Judge, Rail};

/// One guardrail, about to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) rail: &'a Rail,
    pub(super) phase: GuardPhase,
    pub(super) scope: &'a GuardScope,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) events: &'a Arc<dyn EventSink>,
}

impl Look<'_> {
    /// Returns the content as it may go on.
    pub(super) async fn at(&self, content: Value) -> Result<Value> {
        match self.at_once(content) {
            Ok(judged) => judged,
            Err(content) => self.in_its_time(content).await,
        }
    }

    /// Judges content without waiting, or gives it back.
    pub(super) fn at_once(&self, content: Value) -> std::result::Result<Result<Value>, Value> {
        Ok(match &self.rail.judge {
            Judge::Scanner(scanner, false) => self.scan::<false>(scanner, content),
            Judge::Scanner(scanner, true) => self.scan::<true>(scanner, content),
            Judge::Length(length) => self.measure(*length, content),
            Judge::Injection(injection) => self.score(injection, content),
            Judge::Schema(schema) => match problem(schema, self.phase, &content) {
                Some(reason) => self.settle(content, &reason),
                None => Ok(content),
            },
            Judge::Model(_) | Judge::Handler(_) => return Err(content),
        })
    }

    /// Asks whoever takes time, within the time budget.
    pub(super) async fn in_its_time(&self, content: Value) -> Result<Value> {
        let action = match &self.rail.judge {
            Judge::Model(model) => {
                let allows = self.in_time(model.allows(&content, self.scope)).await;
                allows.map(|allows| {
                    let reason = "the model does not allow it".to_owned();
                    if allows { GuardrailAction::Pass } else { GuardrailAction::Block { reason } }
                })
            }
            Judge::Handler(handler) => {
                let context = GuardrailContext::new(self.phase, self.scope);
                self.in_time(handler.inspect(&content, &context)).await
            }
            _ => return self.at_once(content).unwrap_or_else(Ok),
        };
        match action {
            Ok(action) => self.act(content, action),
            Err(failure) => self.fail(content, &failure),
        }
    }

    /// Does what a handler says, within the guardrail's mode.
    fn act(&self, content: Value, action: GuardrailAction) -> Result<Value> {
        let only_warns = self.rail.mode == GuardrailMode::Warn;
        match action {
            GuardrailAction::Pass => Ok(content),
            GuardrailAction::Transform { content } if !only_warns => Ok(content),
            GuardrailAction::Block { reason } if !only_warns => Err(self.blocked(&reason)),
            GuardrailAction::Transform { .. } => {
                self.warn("it would have changed the content");
                Ok(content)
            }
            GuardrailAction::Warn { reason } | GuardrailAction::Block { reason } => {
                self.warn(&reason);
                Ok(content)
            }
        }
    }

    /// Stops or announces what can't be changed.
    fn settle(&self, content: Value, reason: &str) -> Result<Value> {
        if self.rail.mode == GuardrailMode::Block {
            return Err(self.blocked(reason));
        }
        self.warn(reason);
        Ok(content)
    }

    fn scan<const NUMBERS: bool>(&self, scanner: &Arc<Scanner>, content: Value) -> Result<Value> {
        let mut texts = Scanned::<NUMBERS> { look: self, scanner, labels: Vec::new() };
        let mut content = content;
        visit(self.phase, &mut content, &mut texts)?;
        if self.rail.mode == GuardrailMode::Warn && !texts.labels.is_empty() {
            self.warn(&format!("found: {}", texts.labels.join(", ")));
        }
        Ok(content)
    }

    fn measure(&self, length: Length, content: Value) -> Result<Value> {
        let cuts = self.rail.mode == GuardrailMode::Transform;
        let mut texts = Measured { length, cuts, count: 0 };
        let mut content = content;
        match (self.phase, &mut content) {
            (GuardPhase::ModelResponse, Value::Object(answer)) => {
                if let Some(Value::String(text)) = answer.get_mut("text") {
                    texts.text(text)?;
                }
            }
            (phase, content) => visit(phase, content, &mut texts)?,
        }
        self.measured(length, texts.count)?;
        Ok(content)
    }

    /// Stops or announces a wrong length; one that was cut is right.
    pub(super) fn measured(&self, length: Length, count: usize) -> Result<()> {
        let Some(reason) = length.problem(count) else { return Ok(()) };
        let is_long = count >= length.min;
        match self.rail.mode {
            GuardrailMode::Block => Err(self.blocked(&reason)),
            GuardrailMode::Transform if is_long => Ok(()),
            GuardrailMode::Transform | GuardrailMode::Warn => {
                self.warn(&reason);
                Ok(())
            }
        }
    }

    fn score(&self, injection: &Injection, content: Value) -> Result<Value> {
        let mut texts = Scored { injection, score: 0, signs: Vec::new(), instead: None };
        let mut content = content;
        visit(self.phase, &mut content, &mut texts)?;
        if !injection.is_reached(texts.score) {
            return Ok(content);
        }
        if self.rail.mode == GuardrailMode::Transform {
            texts.instead = Some("[removed]");
            visit(self.phase, &mut content, &mut texts)?;
            return Ok(content);
        }
        let reason = format!("score {}: {}", texts.score, texts.signs.join(", "));
        self.settle(content, &reason)
    }

    /// Puts something in place of a finding, or stops; the labels are remembered.
    pub(super) fn found(
        &self,
        finding: Finding<'_>,
        labels: &mut Vec<String>,
        out: &mut String,
    ) -> Result<()> {
        match self.rail.mode {
            GuardrailMode::Block => return Err(self.blocked(&format!("found: {}", finding.label))),
            GuardrailMode::Warn => out.push_str(finding.text),
            GuardrailMode::Transform => self.rail.replacement.put(finding, out),
        }
        if !labels.iter().any(|label| label == finding.label) {
            labels.push(finding.label.to_owned());
        }
        Ok(())
    }

    /// Waits for a judgement within the time budget; a panic is a failure.
    async fn in_time<T>(
        &self,
        judgement: impl Future<Output = Result<T>> + Send,
    ) -> std::result::Result<T, String> {
        let judgement = AssertUnwindSafe(judgement).catch_unwind();
        let budget = self.rail.time_budget;
        let timer = self.clock.sleep(budget);
        match select(std::pin::pin!(judgement), timer).await {
            Either::Left((Ok(Ok(judgement)), _)) => Ok(judgement),
            // Its message might repeat the content.
            Either::Left((Ok(Err(error)), _)) => Err(format!("failed with {}", error.code())),
            Either::Left((Err(_), _)) => Err("panicked".to_owned()),
            Either::Right(_) => Err(format!("took longer than {} ms", budget.as_millis())),
        }
    }

    fn fail(&self, content: Value, failure: &str) -> Result<Value> {
        let reason = format!("the guardrail {failure}");
        match self.rail.failure_mode {
            FailureMode::Block => Err(self.blocked(&reason)),
            FailureMode::Pass => {
                self.warn(&reason);
                Ok(content)
            }
        }
    }

    pub(super) fn blocked(&self, reason: &str) -> Error {
        let (name, phase) = (&self.rail.name, self.phase.as_str());
        let message = format!("guardrail {name:?} blocked the {phase}: {reason}");
        let details = json!({ "guardrail": name, "phase": phase, "reason": reason });
        Error::new(ErrorCode::GuardrailBlocked, message).with_details(details)
    }

    pub(super) fn warn(&self, reason: &str) {
        self.events.emit(Event::GuardrailWarning(Box::new(GuardrailWarning {
            guardrail_name: self.rail.name.clone(),
            phase: self.phase,
            flow_name: self.scope.flow.clone(),
            execution_id: self.scope.execution,
            user_id: self.scope.caller.user.clone(),
            tenant_id: self.scope.caller.tenant.clone(),
            reason: Some(reason.to_owned()),
            timestamp: self.clock.now(),
        })));
    }
}

struct Scanned<'a, const NUMBERS: bool> {
    look: &'a Look<'a>,
    scanner: &'a Arc<Scanner>,
    labels: Vec<String>,
}

impl<const NUMBERS: bool> Texts for Scanned<'_, NUMBERS> {
    const NUMBERS: bool = NUMBERS;

    fn concerns(&self, text: &str) -> bool {
        !self.scanner.is_clear(text)
    }

    fn text(&mut self, text: &mut String) -> Result<()> {
        if self.scanner.is_clear(text) {
            return Ok(());
        }
        let mut out = String::with_capacity(text.len());
        let (look, labels) = (self.look, &mut self.labels);
        let found = |finding: Finding<'_>, out: &mut String| look.found(finding, labels, out);
        Window::new(Arc::clone(self.scanner)).push(text, true, &mut out, found)?;
        *text = out;
        Ok(())
    }
}

struct Measured {
    length: Length,
    cuts: bool,
    count: usize,
}

impl Texts for Measured {
    fn concerns(&self, _: &str) -> bool {
        false
    }

    fn text(&mut self, text: &mut String) -> Result<()> {
        let (fits, count) = self.length.fit(text, self.count);
        self.count = count;
        if self.cuts {
            text.truncate(fits);
        }
        Ok(())
    }
}

struct Scored<'a> {
    injection: &'a Injection,
    score: u32,
    signs: Vec<String>,
    /// What comes in place of signs, once that is decided.
    instead: Option<&'static str>,
}

impl Texts for Scored<'_> {
    fn concerns(&self, _: &str) -> bool {
        true
    }

    fn text(&mut self, text: &mut String) -> Result<()> {
        match self.instead {
            Some(instead) => *text = self.injection.clean(text, instead),
            None => {
                let score = self.injection.score(text, &mut self.signs);
                self.score = self.score.saturating_add(score);
            }
        }
        Ok(())
    }

    fn wants_trusted(&self) -> bool {
        false
    }
}
