//! Flows as data: a YAML file of steps becomes a flow that runs durably.
//!
//! A flow file names its steps in order. An `agent` step asks a model, a
//! `webhook` step posts JSON to an address, a `condition` step decides whether
//! the rest runs; `wait`, `sleep`, `approval` and `call` steps pause the
//! execution, a `parallel` step runs branches side by side. What a step takes in is mapped from the run's document
//! `{input, steps, run, trigger}` with JSONPath.
//!
//! 1. [`FlowFile::parse`] checks a file and reports all of its mistakes at
//!    once, each a [`Problem`] with line, column and path; [`load_dir`] does it
//!    for a folder, [`schema`] gives the JSON Schema to editors.
//! 2. [`pipeline_flow`] makes a [`Flow`](runcor_core::Flow) of the
//!    [`PipelineSpec`]. Within, a pure planner decides what comes next and a
//!    thin driver runs it through the flow's journal, so a finished step never
//!    runs again.
//! 3. [`usage_of`] reads from the journal what the models of a run have used.
//!
//! Webhooks go through [`SafeHttp`], which refuses addresses that are not
//! public unless a [`WebhookPolicy`] allows them.
//!
//! ```
//! use runcor_pipeline::{FlowFile, SafeHttp, WebhookPolicy, pipeline_flow};
//!
//! let spec = FlowFile::parse(
//!     "
//! name: triage
//! input_schema: { type: object, required: [mail] }
//! steps:
//!   - name: judge
//!     kind: agent
//!     preamble: Is this mail urgent?
//!     input: { mail: $.input.mail }
//!     output_schema: { type: object, required: [urgent], properties: { urgent: { type: boolean } } }
//!   - name: only-urgent
//!     kind: condition
//!     when: $.steps.judge.output.urgent
//!   - name: page
//!     kind: webhook
//!     url: https://hooks.example.com/page
//!     input: { mail: $.input.mail }
//! ",
//!     "triage.yaml",
//! )?;
//! let flow = pipeline_flow(spec, &SafeHttp::new(WebhookPolicy::default())?);
//! assert_eq!(flow.info.name.as_str(), "triage");
//! # Ok::<(), runcor_pipeline::Error>(())
//! ```

mod error;
mod expression;
mod file;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod instant;
mod run;
mod spec;
mod webhook;

pub use error::{Error, Place, Problem};
pub use file::{FlowFile, Loaded, load_dir, schema};
pub use run::{StepUsage, pipeline_flow, total_usage, usage_of};
pub use spec::{PipelineSpec, StepSpec};
pub use webhook::{NameLookup, SafeHttp, SystemLookup, WebhookPolicy};
