//! From the section `evaluation` to evaluators.

use std::sync::Arc;
use std::time::Duration;

use runcor_config::section::{self, Evaluator, EvaluatorConfig, EvaluatorType, ExpectedFormat};
use runcor_core::{Error, ErrorCode, FlowName, ModelService, Result};
use runcor_cost::CostKeeper;
use runcor_eval::{
    ExactMatch, Expected, Format, FormatEvaluator, KeywordEvaluator, LengthEvaluator, ModelJudge,
    Registration, Similarity, SimilarityMethod, TextPart, Thresholds,
};
use runcor_policy::Guardrails;

/// Makes what an entry of `evaluation.evaluators` describes.
pub(super) fn evaluator(
    entry: &Evaluator,
    models: Arc<dyn ModelService>,
    costs: Option<&Arc<CostKeeper>>,
    guardrails: Option<&Arc<Guardrails>>,
) -> Result<Registration> {
    let settings = entry.config.clone().unwrap_or_default();
    let name = entry.name.clone().unwrap_or_else(|| type_name(entry.kind).to_owned());
    let registration = match entry.kind {
        EvaluatorType::Length => Registration::new(
            LengthEvaluator::new(name)
                .between(settings.min_length, settings.max_length)?
                .part(part(&settings)),
        ),
        EvaluatorType::Format => {
            Registration::new(FormatEvaluator::new(name, format(&settings))?.part(part(&settings)))
        }
        EvaluatorType::Keyword => Registration::new(
            KeywordEvaluator::new(name)
                .words(settings.required_words(), settings.forbidden_words())?
                .case_sensitive(settings.case_sensitive.unwrap_or_default())
                .part(part(&settings)),
        ),
        EvaluatorType::Exact => Registration::new(exact(name, &settings)?),
        EvaluatorType::Similarity => Registration::new(
            Similarity::new(&name, expected(&name, &settings)?)
                .by(method(&settings))
                .part(part(&settings)),
        ),
        EvaluatorType::Judge => {
            let mut judge = judge(name, settings, models, costs)?;
            if let Some(guardrails) = guardrails {
                judge = judge.with_guard(Arc::clone(guardrails) as _);
            }
            Registration::new(judge)
        }
    };
    described(entry, registration)
}

/// Says when the evaluator works, how long, and how much it counts.
fn described(entry: &Evaluator, mut registration: Registration) -> Result<Registration> {
    let flow = |name: &String| {
        let message = |error| format!("evaluation.evaluators: {error}");
        FlowName::new(name).map_err(|error| Error::new(ErrorCode::InvalidConfig, message(error)))
    };
    let flows = entry.flow_names.iter().map(flow).collect::<Result<Vec<_>>>()?;
    registration = registration.flows(flows);
    if let Some(priority) = entry.priority {
        registration = registration.priority(priority);
    }
    if let Some(weight) = entry.weight {
        registration = registration.weight(weight);
    }
    if let Some(sample) = entry.sample {
        registration = registration.sample(sample);
    }
    if let Some(millis) = entry.timeout_ms {
        registration = registration.timeout(Duration::from_millis(millis));
    }
    if let Some(section::ScoreThresholds { high, medium }) = entry.thresholds {
        registration = registration.thresholds(Thresholds { high, medium });
    }
    Ok(registration)
}

fn type_name(kind: EvaluatorType) -> &'static str {
    match kind {
        EvaluatorType::Length => "length",
        EvaluatorType::Format => "format",
        EvaluatorType::Keyword => "keyword",
        EvaluatorType::Exact => "exact",
        EvaluatorType::Similarity => "similarity",
        EvaluatorType::Judge => "judge",
    }
}

fn part(settings: &EvaluatorConfig) -> TextPart {
    settings.at.as_ref().map_or_else(TextPart::default, TextPart::at)
}

fn format(settings: &EvaluatorConfig) -> Format {
    match settings.expected_format.unwrap_or(ExpectedFormat::String) {
        ExpectedFormat::String => Format::Text,
        ExpectedFormat::Json => Format::Json,
        ExpectedFormat::JsonObject => Format::JsonObject,
        ExpectedFormat::Array => Format::Array,
        ExpectedFormat::Markdown => Format::Markdown,
        ExpectedFormat::Regex => Format::Regex(settings.pattern.clone().unwrap_or_default()),
        ExpectedFormat::Schema => {
            Format::Schema(settings.schema.clone().map(|any| any.0).unwrap_or_default())
        }
    }
}

fn method(settings: &EvaluatorConfig) -> SimilarityMethod {
    match settings.method {
        Some(section::SimilarityMethod::Edits) => SimilarityMethod::Edits,
        Some(section::SimilarityMethod::Words) | None => SimilarityMethod::Words,
    }
}

fn exact(name: String, settings: &EvaluatorConfig) -> Result<ExactMatch> {
    let expected = expected(&name, settings)?;
    let evaluator =
        ExactMatch::new(name, expected).case_sensitive(settings.case_sensitive.unwrap_or(true));
    Ok(match &settings.at {
        Some(pointer) => evaluator.at(pointer),
        None => evaluator,
    })
}

fn expected(name: &str, settings: &EvaluatorConfig) -> Result<Expected> {
    let value = settings.expected.clone().map(|any| Expected::Value(any.0));
    let input = settings.expected_input.clone().map(Expected::Input);
    let metadata = settings.expected_metadata.clone().map(Expected::Metadata);
    value.or(input).or(metadata).ok_or_else(|| {
        let message = format!(
            "evaluator {name:?} needs expected, expectedInput or expectedMetadata: what to compare with"
        );
        Error::new(ErrorCode::InvalidEvaluatorConfig, message)
    })
}

fn judge(
    name: String,
    settings: EvaluatorConfig,
    models: Arc<dyn ModelService>,
    costs: Option<&Arc<CostKeeper>>,
) -> Result<ModelJudge> {
    let mut judge = ModelJudge::new(name, settings.rubric.unwrap_or_default(), models)?;
    if let Some(costs) = costs {
        judge = judge.with_meter(Arc::clone(costs) as _);
    }
    if let Some(model) = settings.model {
        judge = judge.with_model(model);
    }
    if let Some(provider) = settings.provider {
        judge = judge.with_provider(provider);
    }
    if let Some(temperature) = settings.temperature {
        judge = judge.with_temperature(temperature);
    }
    if let Some(dimension) = settings.dimension {
        judge = judge.with_dimension(dimension);
    }
    Ok(judge)
}
