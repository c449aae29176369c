//! Guardrails as data, in the shape of `runcor.yaml`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use runcor_core::{Error, ErrorCode, FlowName, GuardPhase, Meter, ModelService, Result, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::{FailureMode, GuardrailMode};
use super::built_in::{
    JsonSchema, Keywords, Length, ModelJudge, Patterns, Pii, PiiKind, PromptInjection, Secrets,
};
use super::rail::{BuiltIn, Guardrail};

/// What a guardrail looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum GuardrailKind {
    /// What regular expressions match.
    Regex,
    /// Words and phrases.
    Keyword,
    /// Personal data.
    Pii,
    /// Keys, tokens and passwords.
    Secrets,
    /// Too much or too little text.
    Length,
    /// What does not match a JSON Schema.
    JsonSchema,
    /// Signs of prompt injection.
    PromptInjection,
    /// What a model does not allow.
    Model,
}

/// What is left of a finding that is replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Redaction {
    /// Its kind, as `[card]`.
    #[default]
    Label,
    /// Its last four digits or letters; of a mail address the host.
    KeepLast4,
}

/// A guardrail as an entry of `policy.guardrails` describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardrailSpec {
    /// Its name.
    pub name: String,
    /// What it looks for.
    #[serde(rename = "type")]
    pub kind: GuardrailKind,
    /// Where it looks.
    pub phases: Vec<GuardPhase>,
    /// What a finding does.
    #[serde(default)]
    pub mode: GuardrailMode,
    /// Its place: lower ones look first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// What happens when it fails.
    #[serde(default)]
    pub failure_mode: FailureMode,
    /// Its time, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The flow that it looks at alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_name: Option<FlowName>,
    /// The flows that it looks at alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flow_names: Vec<FlowName>,
    /// The tenants whose content it looks at alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantId>,
    /// Whether no tenant can switch it off.
    #[serde(default)]
    pub mandatory: bool,
    /// Whether it holds a streamed answer back until that is whole.
    #[serde(default)]
    pub buffer: bool,
    /// The most characters of a streamed answer that it holds back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_back: Option<usize>,
    /// What comes in place of a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// What is left of a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
    /// Of `regex`: the expressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<String>,
    /// Of `regex`: whether capitals make no difference.
    #[serde(default)]
    pub ignore_case: bool,
    /// Of `keyword`: the words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Of `keyword`: whether they are found only as whole words.
    #[serde(default)]
    pub whole_words: bool,
    /// Of `pii`: the kinds; all where none are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<PiiKind>,
    /// Of `length`: the fewest characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<usize>,
    /// Of `length`: the most characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
    /// Of `jsonSchema`: the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Of `promptInjection`: the score from which on a text is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u32>,
    /// Of `model`: what is allowed, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Of `model`: the model that is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// What guardrails may need of a runtime.
#[derive(Clone, Default)]
pub struct GuardrailParts {
    /// Who answers a guardrail that asks a model.
    pub models: Option<Arc<dyn ModelService>>,
    /// Who counts what that costs.
    pub meter: Option<Arc<dyn Meter>>,
}

impl fmt::Debug for GuardrailParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardrailParts").finish_non_exhaustive()
    }
}

impl GuardrailSpec {
    /// Makes the guardrail.
    ///
    /// # Errors
    /// `INVALID_POLICY_CONFIG` where something is missing that its kind needs,
    /// or there is something that its kind does not know.
    pub fn build(self, parts: &GuardrailParts) -> Result<Guardrail> {
        let invalid = |problem: String| {
            let message = format!("guardrail {:?}: {problem}", self.name);
            Error::new(ErrorCode::InvalidPolicyConfig, message)
        };
        self.check_fields().map_err(invalid)?;
        let it = self.built_in(parts).map_err(invalid)?;
        let mut guardrail = Guardrail::built_in(self.name, it)
            .phases(self.phases)
            .mode(self.mode)
            .failure_mode(self.failure_mode)
            .flows(self.flow_name.into_iter().chain(self.flow_names))
            .tenants(self.tenants)
            .mandatory(self.mandatory)
            .buffer(self.buffer);
        if let Some(priority) = self.priority {
            guardrail = guardrail.priority(priority);
        }
        if let Some(millis) = self.timeout_ms {
            guardrail = guardrail.time_budget(Duration::from_millis(millis));
        }
        if let Some(characters) = self.hold_back {
            guardrail = guardrail.hold_back(characters);
        }
        if self.redaction == Some(Redaction::KeepLast4) {
            guardrail = guardrail.keep_last();
        }
        if let Some(text) = self.replacement {
            guardrail = guardrail.replacement(text);
        }
        Ok(guardrail)
    }

    /// Refuses fields that another kind has.
    fn check_fields(&self) -> std::result::Result<(), String> {
        use GuardrailKind as Kind;
        let fields = [
            ("patterns", Kind::Regex, !self.patterns.is_empty()),
            ("ignoreCase", Kind::Regex, self.ignore_case),
            ("keywords", Kind::Keyword, !self.keywords.is_empty()),
            ("wholeWords", Kind::Keyword, self.whole_words),
            ("kinds", Kind::Pii, !self.kinds.is_empty()),
            ("min", Kind::Length, self.min.is_some()),
            ("max", Kind::Length, self.max.is_some()),
            ("schema", Kind::JsonSchema, self.schema.is_some()),
            ("threshold", Kind::PromptInjection, self.threshold.is_some()),
            ("instructions", Kind::Model, self.instructions.is_some()),
            ("model", Kind::Model, self.model.is_some()),
        ];
        let wrong = fields.iter().find(|(_, kind, is_there)| *is_there && *kind != self.kind);
        match wrong {
            Some((field, _, _)) => Err(format!("its type has no {field:?}; leave it out")),
            None if self.replacement.is_some() && self.redaction.is_some() => {
                Err("choose \"replacement\" or \"redaction\", not both".to_owned())
            }
            None => Ok(()),
        }
    }

    fn built_in(&self, parts: &GuardrailParts) -> std::result::Result<BuiltIn, String> {
        Ok(match self.kind {
            GuardrailKind::Regex => {
                Patterns::new(self.patterns.clone()).ignore_case(self.ignore_case).into()
            }
            GuardrailKind::Keyword => {
                Keywords::new(self.keywords.clone()).whole_words(self.whole_words).into()
            }
            GuardrailKind::Pii => Pii::new().kinds(self.kinds.clone()).into(),
            GuardrailKind::Secrets => Secrets.into(),
            GuardrailKind::Length => {
                let length = Length::new().min(self.min.unwrap_or(0));
                self.max.map_or(length, |max| length.max(max)).into()
            }
            GuardrailKind::JsonSchema => {
                let schema =
                    self.schema.clone().ok_or_else(|| "it needs a \"schema\"".to_owned())?;
                JsonSchema::new(schema).into()
            }
            GuardrailKind::PromptInjection => {
                let injection = PromptInjection::new();
                match self.threshold {
                    Some(threshold) => injection.threshold(threshold).into(),
                    None => injection.into(),
                }
            }
            GuardrailKind::Model => self.judge(parts)?.into(),
        })
    }

    fn judge(&self, parts: &GuardrailParts) -> std::result::Result<ModelJudge, String> {
        let models = parts.models.clone();
        let models =
            models.ok_or_else(|| "there are no models to ask; configure a provider".to_owned())?;
        let mut judge = ModelJudge::new(models, self.instructions.clone().unwrap_or_default());
        if let Some(model) = &self.model {
            judge = judge.model(model);
        }
        if let Some(meter) = &parts.meter {
            judge = judge.meter(Arc::clone(meter));
        }
        Ok(judge)
    }
}
