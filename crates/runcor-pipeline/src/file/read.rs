//! The reader of flow files.

use std::time::Duration;

use runcor_core::{Divergence, FlowConfig, FlowName};

use super::budget::read_budget;
use super::keys::{FLOW, LATER_FLOW, ON_DIVERGENCE};
use super::object::{Keys, Object};
use super::report::Report;
use super::step::{Steps, read_steps};
use super::yaml::Node;
use crate::error::{Error, Place, Problem};
use crate::spec::PipelineSpec;

/// Flow files: one flow as YAML.
///
/// ```
/// use runcor_pipeline::FlowFile;
///
/// let spec = FlowFile::parse(
///     "
/// name: greet
/// steps:
///   - name: words
///     kind: agent
///     preamble: Write one friendly sentence.
///     input: { guest: $.input.name }
/// ",
///     "greet.yaml",
/// )?;
/// assert_eq!(spec.name.as_str(), "greet");
///
/// let error = FlowFile::parse("name: greet\nstep: []\n", "greet.yaml").unwrap_err();
/// assert_eq!(
///     error.problems()[1].to_string(),
///     "greet.yaml:2:1: step: unknown key; did you mean \"steps\"?"
/// );
/// # Ok::<(), runcor_pipeline::Error>(())
/// ```
#[derive(Debug)]
pub struct FlowFile;

impl FlowFile {
    /// Reads and checks the flow in `text`; `file_name` is what problems call the file.
    ///
    /// # Errors
    /// Returns [`Error::Invalid`] with all mistakes at once, in the order of the file.
    pub fn parse(text: &str, file_name: &str) -> Result<PipelineSpec, Error> {
        read_flow(text, file_name).map(|placed| placed.spec).map_err(Error::Invalid)
    }
}

/// A flow and the place of its name.
pub(crate) struct Placed {
    pub(crate) spec: PipelineSpec,
    pub(crate) name_at: Option<Place>,
}

/// Reads a flow, or tells all that is wrong with it.
pub(crate) fn read_flow(text: &str, file: &str) -> Result<Placed, Vec<Problem>> {
    let mut report = Report::new(file);
    let spec = match Node::parse(text) {
        Ok(node) => read_document(&node, &mut report),
        Err(error) => {
            report.add(error.at, "", error.message);
            None
        }
    };
    match (spec, report.into_problems()) {
        (Some(placed), problems) if problems.is_empty() => Ok(placed),
        (_, problems) => Err(problems),
    }
}

fn read_document(node: &Node, report: &mut Report) -> Option<Placed> {
    let keys = Keys { known: &[FLOW], later: LATER_FLOW, strict: true };
    let object = Object::read(node, "", keys, report)?;
    object.require(&[FLOW], report);
    let name = read_name(&object, report);
    let description = object.text("description", report).map(|text| text.trim().to_owned());
    let model = object.text("model", report).map(str::to_owned);
    let input_schema = object.json_schema("input_schema", report);
    let limits = read_limits(&object, report);
    let budget = read_budget(&object, report);
    let steps = match object.get("steps") {
        Some(node) => read_steps(node, &object.place("steps"), report),
        None => Steps::new(),
    };
    Some(Placed {
        spec: PipelineSpec { name: name?, description, model, input_schema, limits, budget, steps },
        name_at: object.get("name").and_then(|node| node.at),
    })
}

fn read_name(object: &Object<'_>, report: &mut Report) -> Option<FlowName> {
    let text = object.text("name", report)?;
    FlowName::new(text)
        .map_err(|error| {
            let at = object.get("name").and_then(|node| node.at);
            report.add(at, &object.place("name"), error.to_string());
        })
        .ok()
}

fn read_limits(object: &Object<'_>, report: &mut Report) -> FlowConfig {
    let standard = FlowConfig { timeout: Duration::ZERO, ..FlowConfig::default() };
    let mut millis = |name: &str, standard: Duration| {
        object.whole(name, report).map_or(standard, Duration::from_millis)
    };
    let timeout = millis("timeout_ms", standard.timeout);
    let base_retry_delay = millis("base_retry_delay_ms", standard.base_retry_delay);
    let max_retry_delay = millis("max_retry_delay_ms", standard.max_retry_delay);
    let wait_timeout = millis("wait_timeout_ms", standard.wait_timeout);
    let max_retries = object
        .whole("max_retries", report)
        .and_then(|retries| u32::try_from(retries).ok())
        .unwrap_or(standard.max_retries);
    let on_divergence = match object.word("on_divergence", ON_DIVERGENCE, report) {
        Some("rerun") => Divergence::Rerun,
        _ => Divergence::Fail,
    };
    FlowConfig {
        timeout,
        max_retries,
        base_retry_delay,
        max_retry_delay,
        wait_timeout,
        on_divergence,
    }
}
