//! Guardrails over one answer that comes in pieces.

mod stage;

use std::sync::Arc;

use async_trait::async_trait;
use runcor_core::{GuardPhase, GuardScope, Result, StreamGuard};
use serde_json::Value;

use self::stage::Stage;
use super::rail::{Judge, Rail};
use super::set::Parts;

const PHASE: GuardPhase = GuardPhase::ModelResponse;

/// One answer on its way through the guardrails that look at it.
pub(super) struct GuardedStream {
    parts: Arc<Parts>,
    scope: GuardScope,
    /// Every guardrail that looks at the answer, and how it looks at its text as that comes.
    rails: Vec<(Arc<Rail>, Option<Stage>)>,
}

impl GuardedStream {
    /// Begins with an answer; `None` where nothing looks at its text as it comes.
    pub(super) fn new(
        parts: Arc<Parts>,
        rails: impl Iterator<Item = Arc<Rail>>,
        scope: GuardScope,
    ) -> Option<Self> {
        let with_stage = |rail: Arc<Rail>| {
            let stage = Stage::of(&rail);
            (rail, stage)
        };
        let rails: Vec<_> = rails.map(with_stage).collect();
        let has_stage = rails.iter().any(|(_, stage)| stage.is_some());
        has_stage.then_some(Self { parts, scope, rails })
    }
}

#[async_trait]
impl StreamGuard for GuardedStream {
    fn push(&mut self, text: &str) -> Result<String> {
        let mut passed = None;
        for (rail, stage) in &mut self.rails {
            let Some(stage) = stage else { continue };
            let look = self.parts.look(rail, PHASE, &self.scope);
            let input = passed.as_deref().unwrap_or(text);
            if input.is_empty() {
                break;
            }
            let mut out = String::with_capacity(input.len() + 32);
            stage.push(look, input, &mut out)?;
            passed = Some(out);
        }
        Ok(passed.unwrap_or_else(|| text.to_owned()))
    }

    async fn finish(&mut self) -> Result<String> {
        let mut rest = String::new();
        for (rail, stage) in &mut self.rails {
            let Some(stage) = stage else { continue };
            let look = self.parts.look(rail, PHASE, &self.scope);
            rest = stage.finish(look, &rest).await?;
        }
        Ok(rest)
    }

    async fn close(&mut self, answer: Value) -> Result<Value> {
        let mut answer = answer;
        for (rail, stage) in &self.rails {
            let look = self.parts.look(rail, PHASE, &self.scope);
            answer = match (stage, answer) {
                (None, answer) => look.at(answer).await?,
                (Some(_), Value::Object(mut fields)) if !looks_at_text_alone(rail) => {
                    // Its text went through already.
                    let text = fields.get_mut("text").map(Value::take);
                    let mut answer = look.at(Value::Object(fields)).await?;
                    if let (Some(text), Value::Object(fields)) = (text, &mut answer) {
                        fields.insert("text".to_owned(), text);
                    }
                    answer
                }
                (Some(_), answer) => answer,
            };
        }
        Ok(answer)
    }
}

fn looks_at_text_alone(rail: &Rail) -> bool {
    matches!(rail.judge, Judge::Length(_) | Judge::Schema(_))
}
