//! The layer that makes a model's answer match the form that was asked for.

mod answer;
mod hint;
mod nulls;
mod schemas;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt;

use runcor_core::{
    CallScope, Error as CoreError, Event, EventSink, ModelChunk, ModelRequest, ModelResponse,
    ModelService, ModelStream, ModelValidationRetry, NopSink, ResponseFormat, Violation,
};

use crate::error::Error;
use answer::Expectation;
use schemas::Schemas;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, CoreError>> + Send + 'a>>;

/// Validates answers to requests with a response format, and asks once more with a hint.
///
/// It stands above the router, and above whatever counts the cost of calls, so
/// that the second call is routed and paid for like the first:
///
/// 1. A schema is compiled before any call; one that is malformed or refers to
///    another document fails at once.
/// 2. An answer with tool calls is passed on as it is.
/// 3. A code fence around the answer is taken off, the rest is parsed and
///    checked, and the value is given as `parsed`. Null in place of a property
///    that need not be there is taken out: strict modes of vendors put it in.
/// 4. An answer that does not match is announced with
///    [`Event::ModelValidationRetry`] and asked for once more, from the provider
///    that gave it, with a hint that lists what was wrong.
/// 5. If the second does not match either: `VALIDATION_FAILED`, with every
///    violation in `details.errors`.
///
/// Chunks of a stream pass through. The last one carries the parsed answer, or
/// in its place stands the error; a stream is not asked for again.
///
/// Requests for free text cost nothing here. Clones share the compiled schemas.
///
/// ```
/// # use std::sync::Arc;
/// # use runcor_core::*;
/// # use runcor_router::{Router, StructuredOutput};
/// # #[derive(Debug)]
/// # struct Oracle;
/// # #[async_trait::async_trait]
/// # impl ModelProvider for Oracle {
/// #     fn name(&self) -> &str { "oracle" }
/// #     async fn complete(&self, _: &ModelRequest) -> Result<ModelResponse, ProviderError> {
/// #         Ok(ModelResponse { text: "```json\n{\"age\": 30}\n```".into(), ..ModelResponse::default() })
/// #     }
/// #     async fn stream(&self, _: &ModelRequest) -> Result<ProviderStream, ProviderError> {
/// #         unreachable!()
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let oracle = Arc::new(Oracle);
/// let router = Router::builder().provider(oracle).build()?;
/// let model = StructuredOutput::new(Arc::new(router));
/// let schema = serde_json::json!({ "type": "object", "required": ["age"] });
/// let request = ModelRequest::prompt("How old is Alice?")
///     .with_response_format(ResponseFormat::Schema(schema));
/// let answer = model.complete(request).await?;
/// assert_eq!(answer.parsed, Some(serde_json::json!({ "age": 30 })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct StructuredOutput {
    inner: Arc<dyn ModelService>,
    events: Arc<dyn EventSink>,
    schemas: Arc<Schemas>,
}

impl StructuredOutput {
    /// Wraps a service.
    #[must_use]
    pub fn new(inner: Arc<dyn ModelService>) -> Self {
        Self { inner, events: Arc::new(NopSink), schemas: Arc::new(Schemas::default()) }
    }

    /// Sets who hears of retries.
    #[must_use]
    pub fn with_events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    /// Returns the same layer, schemas included, over another service.
    #[must_use]
    pub fn over(&self, inner: Arc<dyn ModelService>) -> Self {
        Self { inner, ..self.clone() }
    }

    fn expectation(&self, format: &mut ResponseFormat) -> Result<Expectation, Error> {
        match format {
            ResponseFormat::Text | ResponseFormat::Json => Ok(Expectation::Json),
            ResponseFormat::Schema(schema) => {
                schemas::unwrap(schema);
                self.schemas.compiled(schema).map(Expectation::Schema).map_err(Error::InvalidSchema)
            }
        }
    }

    async fn complete_validated(
        &self,
        mut request: ModelRequest,
    ) -> Result<ModelResponse, CoreError> {
        let expectation = self.expectation(&mut request.response_format)?;
        let mut again = request.clone();
        let mut response = self.inner.complete(request).await?;
        let Err(errors) = expectation.apply(&mut response) else {
            return Ok(response);
        };
        hint::add(&mut again, &response, &errors);
        self.announce(&again.scope, errors);
        let mut response = self.inner.complete(again).await?;
        match expectation.apply(&mut response) {
            Ok(()) => Ok(response),
            Err(errors) => Err(mismatch(errors, response).into()),
        }
    }

    async fn stream_validated(&self, mut request: ModelRequest) -> Result<ModelStream, CoreError> {
        let expectation = self.expectation(&mut request.response_format)?;
        let chunks = self.inner.stream(request).await?;
        Ok(Box::pin(chunks.map(move |chunk| match chunk {
            Ok(ModelChunk::Finished { mut response }) => match expectation.apply(&mut response) {
                Ok(()) => Ok(ModelChunk::Finished { response }),
                Err(errors) => Err(mismatch(errors, *response).into()),
            },
            other => other,
        })))
    }

    fn announce(&self, scope: &CallScope, errors: Vec<Violation>) {
        self.events.emit(Event::ModelValidationRetry(ModelValidationRetry {
            attempt: 1,
            errors,
            raw_text: None,
            execution_id: scope.execution(),
            flow_name: scope.flow().cloned(),
            tenant_id: scope.caller().and_then(|caller| caller.tenant.clone()),
        }));
    }
}

fn mismatch(errors: Vec<Violation>, response: ModelResponse) -> Error {
    Error::ValidationFailed { errors, provider: response.provider, model: response.model }
}

/// Written out instead of with `async_trait`, so that a request for free text
/// is handed on without a future of its own.
impl ModelService for StructuredOutput {
    fn complete<'s, 'a>(&'s self, request: ModelRequest) -> Answer<'a, ModelResponse>
    where
        's: 'a,
        Self: 'a,
    {
        if request.response_format.is_text() {
            self.inner.complete(request)
        } else {
            Box::pin(self.complete_validated(request))
        }
    }

    fn stream<'s, 'a>(&'s self, request: ModelRequest) -> Answer<'a, ModelStream>
    where
        's: 'a,
        Self: 'a,
    {
        if request.response_format.is_text() {
            self.inner.stream(request)
        } else {
            Box::pin(self.stream_validated(request))
        }
    }
}

impl fmt::Debug for StructuredOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StructuredOutput").field("inner", &self.inner).finish_non_exhaustive()
    }
}
