//! The flows of the durable parts: steps, waits, sleeps, and work that never ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use runcor::flow::{FlowName, FlowOutcome, WaitSignal};
use runcor::{Flow, FlowContext};
use serde_json::{Value, json};

/// The flow that waits for an answer.
pub(crate) const WAITING: &str = "waiting";
/// The flow that sleeps for a month.
pub(crate) const SLEEPING: &str = "sleeping";
/// The flow that is interrupted after its first step.
pub(crate) const INTERRUPTED: &str = "interrupted";

const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Makes a flow of so many steps, whose work pauses so many times.
pub(crate) fn of_steps(steps: u32, pauses: u32) -> Flow {
    let handler = move |ctx: FlowContext| async move {
        for _ in 0..steps {
            ctx.step("look-up", work(pauses)).await?;
        }
        Ok(FlowOutcome::Complete(Value::Null))
    };
    Flow::new(name(&format!("steps-{steps}-{pauses}")), handler)
}

/// Makes the flow that waits for an answer.
pub(crate) fn waiting() -> Flow {
    Flow::new(name(WAITING), async |ctx: FlowContext| {
        let signal = WaitSignal::new("an answer is needed").with_data(result());
        Ok(FlowOutcome::Complete(ctx.wait_for(signal).await?))
    })
}

/// Makes the flow that sleeps for a month.
pub(crate) fn sleeping() -> Flow {
    Flow::new(name(SLEEPING), async |ctx: FlowContext| {
        ctx.sleep(MONTH).await?;
        Ok(FlowOutcome::Complete(Value::Null))
    })
}

/// Makes the flow that is interrupted: it never comes to its second step.
pub(crate) fn interrupted(begun: Arc<AtomicU64>) -> Flow {
    let handler = move |ctx: FlowContext| {
        let begun = Arc::clone(&begun);
        async move {
            ctx.step("look-up", work(0)).await?;
            begun.fetch_add(1, Ordering::SeqCst);
            std::future::pending().await
        }
    };
    Flow::new(name(INTERRUPTED), handler).with_timeout(Duration::ZERO)
}

/// Makes the same flow for the next process: it says that it has begun, and goes on to its end.
pub(crate) fn going_on(begin: impl Fn() + Send + Sync + 'static) -> Flow {
    let handler = move |ctx: FlowContext| {
        begin();
        async move {
            ctx.step("look-up", work(0)).await?;
            ctx.step("tell", work(0)).await?;
            Ok(FlowOutcome::Complete(Value::Null))
        }
    };
    Flow::new(name(INTERRUPTED), handler)
}

/// The work of one step: nothing, after as many pauses.
pub(crate) async fn work(pauses: u32) -> Result<Value, runcor::flow::FlowError> {
    for _ in 0..pauses {
        tokio::task::yield_now().await;
    }
    Ok(result())
}

/// A result of the usual size.
pub(crate) fn result() -> Value {
    json!({ "text": "Sunny, with a light wind from the north.", "tokens": 132 })
}

/// Makes the name of a flow.
pub(crate) fn name(text: &str) -> FlowName {
    FlowName::new(text).expect("a name")
}
