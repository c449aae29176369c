//! A model answer shown piece by piece.
//!
//! `ctx.model().stream(..)` gives the pieces as they come. The last one holds
//! the whole answer with its tokens, so nobody has to put it together again. A
//! stream ends with that piece or with an error, never silently.
//!
//! The flow streams within a step. Whoever looks on sees the pieces of the run
//! that asked; what is remembered is the whole answer.
//!
//! Run it, without a key and without a network:
//!
//! ```sh
//! cargo run -p streaming
//! ```
#![expect(clippy::print_stdout, reason = "the example shows what happens")]

use std::error::Error;

use futures_util::StreamExt;
use runcor::flow::{FlowName, FlowOutcome};
use runcor::model::{ModelChunk, ModelRequest, ModelResponse};
use runcor::provider::{Mock, MockConfig};
use runcor::{Flow, FlowContext, FlowError, Runcor, Trigger};
use serde_json::json;

async fn tell(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    let answer = ctx.step("tell", stream(&ctx)).await?;
    Ok(FlowOutcome::Complete(json!({
        "text": answer.text,
        "tokens": answer.usage.completion_tokens,
    })))
}

async fn stream(ctx: &FlowContext) -> Result<ModelResponse, FlowError> {
    let request = ModelRequest::prompt("a story of a lighthouse").with_max_tokens(200);
    let mut pieces = ctx.model().stream(request).await?;
    while let Some(piece) = pieces.next().await {
        // An error in the middle ends the stream: what the reader has seen
        // can't be taken back, so there is no retry and no other provider.
        match piece? {
            ModelChunk::TextDelta { text } => println!("  + {text:?}"),
            ModelChunk::ToolCall { tool_call } => println!("  + calls {}", tool_call.name),
            ModelChunk::Finished { response } => return Ok(*response),
        }
    }
    Err(FlowError::permanent("the stream ended without its last piece"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The mock streams in pieces of so many characters.
    let mock = Mock::from_config(MockConfig {
        template: "Once upon a time: {prompt}.".to_owned(),
        chunk_size: Some(8),
        ..MockConfig::default()
    });
    let runcor = Runcor::builder().provider(mock).start().await?;
    runcor.register(Flow::new(FlowName::new("tell")?, tell))?;

    let ended = runcor.run("tell", Trigger::new("once", json!(null))).await?;
    println!("{:#}", ended.status.result.unwrap_or_default());
    runcor.shutdown().await?;
    Ok(())
}
