//! Flows with typed input and output, whose schemas are derived from the types.

use std::marker::PhantomData;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::FlowContext;
use super::definition::{Flow, FlowHandler, FlowOutcome};
use super::error::FlowError;
use crate::error::ErrorCode;
use crate::id::FlowName;

struct Typed<F, I> {
    run: F,
    input: PhantomData<fn() -> I>,
}

#[async_trait]
impl<F, I, O, Fut> FlowHandler for Typed<F, I>
where
    F: Fn(FlowContext, I) -> Fut + Send + Sync,
    Fut: Future<Output = Result<O, FlowError>> + Send,
    I: DeserializeOwned + Send,
    O: Serialize + Send,
{
    async fn run(&self, ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
        let input = I::deserialize(ctx.input()).map_err(|error| {
            FlowError::new(ErrorCode::InvalidInput, format!("the input has another shape: {error}"))
        })?;
        let output = (self.run)(ctx, input).await?;
        serde_json::to_value(output).map(FlowOutcome::Complete).map_err(|error| {
            FlowError::new(ErrorCode::InvalidResult, format!("the result is not JSON: {error}"))
        })
    }
}

impl Flow {
    /// Makes a flow of a function from a typed input to a typed output.
    ///
    /// The JSON Schemas of both are derived; an input that does not match is
    /// refused before the handler sees it.
    ///
    /// ```
    /// use runcor_core::{Flow, FlowContext, FlowError, FlowName};
    /// use schemars::JsonSchema;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Order { cents: u64 }
    /// #[derive(Serialize, JsonSchema)]
    /// struct Receipt { total: u64 }
    ///
    /// let flow = Flow::typed(FlowName::new("pay")?, |_ctx: FlowContext, order: Order| async move {
    ///     Ok::<_, FlowError>(Receipt { total: order.cents })
    /// });
    /// assert!(flow.info.input_schema.is_some());
    /// # Ok::<(), runcor_core::InvalidId>(())
    /// ```
    #[must_use]
    pub fn typed<F, I, O, Fut>(name: FlowName, run: F) -> Self
    where
        F: Fn(FlowContext, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, FlowError>> + Send + 'static,
        I: DeserializeOwned + JsonSchema + Send + 'static,
        O: Serialize + JsonSchema + Send + 'static,
    {
        let mut flow = Self::new(name, Typed { run, input: PhantomData });
        flow.info.input_schema = Some(schemars::schema_for!(I).to_value());
        flow.info.output_schema = Some(schemars::schema_for!(O).to_value());
        flow
    }
}
