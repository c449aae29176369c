//! A refund that waits for a person, and does not mind a restart.
//!
//! The flow looks the order up, asks for an approval, and pays. Waiting costs
//! nothing: the handler's future is dropped, and what remains is a row in the
//! database. So this example stops the whole engine while the refund waits,
//! starts another one on the same file, as a deploy or a crash would, and
//! answers there.
//!
//! When the answer is in, the handler runs **again from the top**. What has
//! been done before comes from the journal: the order is not looked up twice,
//! and `approval` returns the decision at once. The timeline at the end shows it.
//!
//! Run it, without a key and without a network:
//!
//! ```sh
//! cargo run -p approval
//! ```
#![expect(clippy::print_stdout, reason = "the example shows what happens")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use runcor::execution::{Decision, Execution, ExecutionId, ExecutionState};
use runcor::flow::{Approval, FlowName};
use runcor::store::{SqliteConfig, SqliteStore};
use runcor::{Flow, FlowContext, FlowError, Runcor, Runtime, Trigger};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Deserialize, JsonSchema)]
struct Refund {
    order: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Outcome {
    paid_cents: u64,
    decided_by: String,
}

async fn refund(ctx: FlowContext, refund: Refund) -> Result<Outcome, FlowError> {
    println!("  the handler runs (resumed: {})", ctx.is_resumed());

    let cents: u64 = ctx
        .step("look-up", async {
            println!("  … looks up {}", refund.order);
            Ok(4_200)
        })
        .await?;

    // The first time this pauses the flow: the `?` must pass the pause on.
    let subject = json!({ "order": refund.order, "cents": cents });
    let approval = Approval::of("refund", &subject).within(Duration::from_secs(2 * 86_400));
    let decision = ctx.approval(approval).await?;

    let decided_by = decision.by.unwrap_or_else(|| "somebody".to_owned());
    if !decision.approved {
        return Err(FlowError::permanent(format!("{decided_by} said no")));
    }

    // A step may run twice if the machine fails in the moment between the
    // payment and the journal. The key is the same both times, so a bank that
    // knows idempotency keys pays once.
    let paid_cents = ctx
        .step_with("pay", |step| async move {
            println!("  … pays {cents} under the key {}", step.idempotency_key);
            Ok(cents)
        })
        .await?;

    Ok(Outcome { paid_cents, decided_by })
}

/// Starts an engine on the database; the flow is registered anew in every process.
async fn start(database: &Path) -> Result<Runcor, Box<dyn Error>> {
    let store = SqliteStore::open(database, SqliteConfig::default())?;
    let runcor = Runcor::builder().store(store).start().await?;
    runcor.register(Flow::typed(FlowName::new("refund")?, refund))?;
    Ok(runcor)
}

/// Triggers the refund and returns once it waits.
async fn ask(runcor: &Runcor) -> Result<Execution, Box<dyn Error>> {
    let mut events = runcor.subscribe();
    let trigger = Trigger::new("refund-1017", json!({ "order": "1017" })).with_user("grace");
    let id = runcor.trigger("refund", trigger).await?.execution.id();
    loop {
        let execution = runcor.execution(id).await?;
        if execution.state() == ExecutionState::Waiting || execution.state().is_terminal() {
            return Ok(execution);
        }
        // Whatever has happened, even an event that was missed: look again.
        let _ = events.next().await;
    }
}

/// Approves what is shown, and returns the execution once it has ended.
async fn approve(
    runcor: &Runcor,
    id: ExecutionId,
    shown: &Value,
) -> Result<Execution, Box<dyn Error>> {
    // The token stands for exactly this approval, and is good for one decision.
    let token = shown["approval"]["token"].as_str().unwrap_or_default().to_owned();
    let approve = Decision::Approve { token, by: Some("linus".to_owned()), note: None };
    runcor.decide(id, approve).await?;
    Ok(runcor.finished(id).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("refunds.db");

    println!("the first engine");
    let first = start(&database).await?;
    let waiting = ask(&first).await?;
    let wait = waiting.status.wait.ok_or("the refund does not wait")?;
    println!("{} waits: {}", waiting.spec.id, wait.reason.unwrap_or_default());
    let shown = wait.wait_data.unwrap_or_default();
    println!("it shows {}", shown["approval"]["subject"]);
    first.shutdown().await?;
    drop(first);

    println!("\nthe second engine, on the same file");
    let second = start(&database).await?;
    let ended = approve(&second, waiting.spec.id, &shown).await?;
    println!("{} is {}", ended.id(), ended.state());
    println!("{}", ended.status.result.as_deref().unwrap_or(&Value::Null));

    println!("\nthe timeline");
    for entry in second.timeline(ended.id()).await?.entries {
        let result = entry.value.unwrap_or_default();
        println!("  {}  {}  {:?}  {result}", entry.begun_at, entry.path, entry.state);
    }
    second.shutdown().await?;
    Ok(())
}
