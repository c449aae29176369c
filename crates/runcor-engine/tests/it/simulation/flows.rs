//! The flows of the simulation: together they do all that a handler may do.

use std::time::Duration;

use runcor_core::{
    Approval, Flow, FlowContext, FlowError, FlowName, FlowOutcome, ModelRequest, WaitSignal,
};
use runcor_engine::Engine;
use serde_json::{Value, json};

use super::world::Effects;

/// How many moods there are.
pub(crate) const MOODS: u64 = 13;

/// Registers the flows `moody` and `child`.
pub(crate) fn register(engine: &Engine, effects: &Effects) {
    let log = Effects::clone(effects);
    let moody = move |ctx| moody(ctx, Effects::clone(&log));
    let log = Effects::clone(effects);
    let child = move |ctx: FlowContext| {
        let log = Effects::clone(&log);
        async move { effect(&ctx, "work", &log).await.map(FlowOutcome::Complete) }
    };
    for flow in [Flow::new(name("moody"), moody), Flow::new(name("child"), child)] {
        engine.register(flow.with_max_retries(3).with_timeout(Duration::ZERO)).unwrap();
    }
}

fn name(text: &str) -> FlowName {
    FlowName::new(text).unwrap()
}

/// A step whose effect is seen from outside.
async fn effect(ctx: &FlowContext, name: &str, effects: &Effects) -> Result<Value, FlowError> {
    ctx.step_with(name, |step| async move { cause(effects, &step.idempotency_key).await }).await
}

async fn cause(effects: &Effects, key: &str) -> Result<Value, FlowError> {
    tokio::task::yield_now().await;
    *effects.lock().entry(key.to_owned()).or_insert(0) += 1;
    tokio::task::yield_now().await;
    Ok(json!(key))
}

async fn moody(ctx: FlowContext, effects: Effects) -> Result<FlowOutcome, FlowError> {
    effect(&ctx, "first", &effects).await?;
    match ctx.input().as_u64().unwrap_or(0) {
        0 => {}
        1 if ctx.retry_count() < 2 => return Err(FlowError::retryable("not yet")),
        2 => drop(ctx.wait_for(WaitSignal::new("?")).await?),
        3 => ctx.sleep(Duration::from_secs(3_600)).await?,
        4 => {
            let asked = Approval::of("go", &1).within(Duration::from_secs(86_400));
            ctx.approval(asked).await?;
        }
        5 => {
            let step = ctx.describe_step("once").non_idempotent();
            step.run(|step| async move { cause(&effects, &step.idempotency_key).await }).await?;
            return Ok(FlowOutcome::Complete(json!("once")));
        }
        6 => drop(ctx.call("child", Value::Null).await?),
        7 => branches(&ctx, &effects).await?,
        8 => return Err(FlowError::permanent("no")),
        10 => drop(ctx.model().complete(ModelRequest::prompt("hello")).await?),
        11 => drop(ctx.model().complete(ModelRequest::prompt("fails at first")).await?),
        12 => count(&ctx).await?,
        9 if !ctx.is_resumed() => return Ok(FlowOutcome::Wait(WaitSignal::new("!"))),
        _ => {}
    }
    effect(&ctx, "last", &effects).await?;
    Ok(FlowOutcome::Complete(json!("done")))
}

/// A step, a sleep and a child side by side.
async fn branches(ctx: &FlowContext, effects: &Effects) -> Result<(), FlowError> {
    let branches = (0..3).map(|n| {
        let (ctx, effects) = (ctx.clone(), Effects::clone(effects));
        async move {
            match n {
                0 => effect(&ctx, "branch", &effects).await.map(drop),
                1 => ctx.sleep(Duration::from_secs(60)).await,
                _ => ctx.call("child", n).await.map(drop),
            }
        }
    });
    ctx.join("side", branches).await.map(drop)
}

/// Counts itself in a step, and asks a model, whose answer may be long in coming.
async fn count(ctx: &FlowContext) -> Result<(), FlowError> {
    let inner = ctx.clone();
    ctx.step("count", async move {
        let add = |old: Option<Value>| Some(json!(old.and_then(|n| n.as_u64()).unwrap_or(0) + 1));
        inner.memory().tool().update("count", add).await?;
        tokio::task::yield_now().await;
        Ok(())
    })
    .await?;
    ctx.model().complete(ModelRequest::prompt("hello")).await?;
    Ok(())
}
