//! A flow in Rust with typed input and output.
//!
//! A support mail comes in; a model judges it, and a ticket is opened. The
//! types are plain serde structs. From them runcor derives the JSON Schemas by
//! which it checks every input, and which `GET /v1/flows` shows.
//!
//! Two things happen once and only once:
//!
//! - the **execution**, because the caller names it: a second trigger with the
//!   same idempotency key gets the first one's execution, not a second run;
//! - each **step**, because its result is journaled: when the flow runs again
//!   after a crash or a retry, finished steps return what they returned before.
//!
//! Run it, without a key and without a network:
//!
//! ```sh
//! cargo run -p typed-flow
//! ```
#![expect(clippy::print_stdout, reason = "the example shows what happens")]

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};

use runcor::flow::FlowName;
use runcor::model::{ModelRequest, ResponseFormat};
use runcor::provider::Mock;
use runcor::{Flow, FlowContext, FlowError, Runcor, Runtime, Trigger};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the flow takes in.
#[derive(Debug, Deserialize, JsonSchema)]
struct Mail {
    from: String,
    text: String,
}

/// What the model is asked for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Judgement {
    urgency: Urgency,
    summary: String,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Urgency {
    High,
    Low,
}

/// What the flow gives back.
#[derive(Debug, Serialize, JsonSchema)]
struct Ticket {
    number: u32,
    judgement: Judgement,
}

/// Stands for a ticket system; it counts, so that doing something twice would show.
static TICKETS: AtomicU32 = AtomicU32::new(0);

async fn triage(ctx: FlowContext, mail: Mail) -> Result<Ticket, FlowError> {
    // A model call costs money, so it is a step: paid for once, then remembered.
    let judgement = ctx.step("judge", judge(&ctx, &mail)).await?;

    // So is everything else that must not happen twice.
    let number =
        ctx.step("open-ticket", async { Ok(TICKETS.fetch_add(1, Ordering::Relaxed) + 1) }).await?;

    Ok(Ticket { number, judgement })
}

async fn judge(ctx: &FlowContext, mail: &Mail) -> Result<Judgement, FlowError> {
    // The answer must match the schema of `Judgement`; runcor checks it, and
    // asks the model a second time if it does not.
    let schema = schemars::schema_for!(Judgement).to_value();
    let request = ModelRequest::prompt(format!("From {}: {}", mail.from, mail.text))
        .with_system_prompt("How urgent is this mail? Sum it up in one sentence.")
        .with_response_format(ResponseFormat::Schema(schema));
    let answer = ctx.model().complete(request).await?;
    Ok(serde_json::from_value(answer.parsed.unwrap_or_default())?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The mock makes up an answer that fits the schema. With a key you write
    // `.provider(OpenAi::new(..)?)` instead, and nothing else changes.
    let runcor = Runcor::builder().provider(Mock::new()).start().await?;
    runcor.register(Flow::typed(FlowName::new("triage")?, triage))?;

    let mail = json!({ "from": "ada@example.com", "text": "The printer is on fire." });

    // `run` triggers the flow and waits for the end of the execution.
    let first = runcor.run("triage", Trigger::new("mail-1", mail.clone())).await?;
    println!("{} is {}", first.id(), first.state());
    println!("{:#}", first.status.result.unwrap_or_default());

    // The same key again: the same execution, and no second ticket.
    let again = runcor.trigger("triage", Trigger::new("mail-1", mail)).await?;
    println!("\ntriggered again: known is {}, id is {}", again.replayed, again.execution.id());
    println!("tickets opened: {}", TICKETS.load(Ordering::Relaxed));

    // An input that does not match the type is refused before the flow sees it.
    let wrong = Trigger::new("mail-2", json!({ "from": "ada@example.com" }));
    if let Err(error) = runcor.trigger("triage", wrong).await {
        println!("\nwithout a text: {}: {}", error.code(), error.message());
    }

    runcor.shutdown().await?;
    Ok(())
}
