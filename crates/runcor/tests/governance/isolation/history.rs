//! What the two tenants do.

use std::sync::Arc;

use async_trait::async_trait;
use proptest::prelude::*;
use runcor::execution::{Decision, Fork};
use runcor::flow::{Approval, FlowName, FlowOutcome, WaitSignal};
use runcor::governance::{Budgets, FlagStatus, Quality};
use runcor::model::{
    ModelProvider, ModelRequest, ModelResponse, ProviderError, ProviderErrorKind, ProviderStream,
    Usage,
};
use runcor::router::Registration;
use runcor::{Flow, FlowContext, FlowError, Trigger};
use serde_json::{Value, json};

use super::{Side, World};
use crate::bed::price;

/// Something that a tenant does.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Triggers a flow; keys are few, so that they meet.
    Trigger {
        flow: u8,
        way: u8,
        user: u8,
        key: u8,
    },
    /// Does something to one of its executions.
    Replay(u8),
    Fork(u8, bool),
    Resume(u8),
    Decide(u8),
    Cancel(u8),
    Evaluate(u8),
    Flag(u8),
    MoveFlag(u8),
    /// An operator adds to its budget.
    TopUp(u8),
}

pub(crate) fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..3u8, 0..7u8, 0..4u8, 0..5u8)
            .prop_map(|(flow, way, user, key)| Act::Trigger { flow, way, user, key }),
        1 => any::<u8>().prop_map(Act::Replay),
        2 => any::<(u8, bool)>().prop_map(|(which, other)| Act::Fork(which, other)),
        1 => any::<u8>().prop_map(Act::Resume),
        1 => any::<u8>().prop_map(Act::Decide),
        1 => any::<u8>().prop_map(Act::Cancel),
        1 => any::<u8>().prop_map(Act::Evaluate),
        2 => any::<u8>().prop_map(Act::Flag),
        1 => any::<u8>().prop_map(Act::MoveFlag),
        1 => any::<u8>().prop_map(Act::TopUp),
    ]
}

/// Does it as the tenant; whether it works depends on what was done before, and does not matter.
pub(crate) async fn act(world: &mut World, which: usize, act: &Act) {
    world.find_ids().await;
    let side = &world.sides[which];
    let callers = side.callers();
    let caller = |number: u8| &callers[usize::from(number) % callers.len()];
    let own = |number: u8| side.ids.get(usize::from(number) % side.ids.len().max(1)).copied();
    let runtime = super::seen_by(world, caller(0));
    let quality = world.bed.runcor.evaluators().unwrap();
    match act {
        Act::Trigger { flow, way, user, key } => {
            let flows = ["work".to_owned(), "child".to_owned(), side.own_flow()];
            let input = json!({ "mark": side.mark, "way": way });
            let trigger = Trigger::new(format!("k{key}"), input)
                .with_session(format!("s-{}", side.mark))
                .with_metadata(json!({ "note": side.mark }));
            let runtime = super::seen_by(world, caller(*user));
            let flow = &flows[usize::from(*flow)];
            let started = runtime.trigger(flow, trigger).await.unwrap();
            assert_eq!(started.execution.spec.tenant_id.as_ref(), Some(&side.tenant));
        }
        Act::Replay(number) => {
            if let Some(id) = own(*number) {
                let _ = runtime.replay(id).await;
            }
        }
        Act::Fork(number, other) => {
            if let Some(id) = own(*number) {
                let input = other.then(|| json!({ "mark": side.mark, "way": 1, "forked": true }));
                let idempotency_key = other.then(|| "k1".to_owned());
                let _ = runtime.fork(id, Fork { input, idempotency_key, ..Fork::default() }).await;
            }
        }
        Act::Resume(number) => {
            if let Some(id) = own(*number) {
                let _ = runtime.resume(id, Some(json!(side.mark))).await;
            }
        }
        Act::Decide(number) => {
            if let Some(id) = own(*number) {
                let note = Some(side.mark.to_owned());
                let token = token_of(&runtime.execution(id).await.unwrap());
                let decision = Decision::Approve { token, by: note.clone(), note };
                let _ = runtime.decide(id, decision).await;
            }
        }
        Act::Cancel(number) => {
            if let Some(id) = own(*number) {
                let _ = runtime.cancel(id, Some(side.mark.to_owned())).await;
            }
        }
        Act::Evaluate(number) => {
            if let Some(id) = own(*number) {
                let _ = quality.evaluate(caller(0), id).await;
            }
        }
        Act::Flag(number) => {
            if let Some(id) = own(*number) {
                let _ = quality.flag(caller(0), id, Some(side.mark.to_owned())).await;
            }
        }
        Act::MoveFlag(number) => {
            if let Some(id) = own(*number) {
                let _ = quality.update_flag(caller(0), id, FlagStatus::Reviewed).await;
            }
        }
        Act::TopUp(number) => {
            let wish = super::writes::top_up_of_user(&side.user(usize::from(*number % 3)), side);
            world.bed.runcor.costs().unwrap().top_up(&Default::default(), &wish).await.unwrap();
        }
    }
}

fn token_of(execution: &runcor::execution::Execution) -> String {
    let wait = execution.status.wait.as_ref();
    let data = serde_json::to_value(wait.and_then(|wait| wait.wait_data.clone())).unwrap();
    data.pointer("/approval/token").and_then(Value::as_str).unwrap_or("none").to_owned()
}

pub(crate) fn flow(name: &str, handler: impl runcor::flow::FlowHandler + 'static) -> Flow {
    Flow::new(FlowName::new(name).unwrap(), handler).with_max_retries(0)
}

/// The flows of both, and one for each alone.
pub(crate) fn flows(sides: &[Side; 2]) -> Vec<Flow> {
    let own = sides.iter().map(|side| flow(&side.own_flow(), work));
    own.chain([flow("work", work), flow("child", work)]).collect()
}

/// Remembers, looks at what it remembers, and then goes one of seven ways.
async fn work(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    let mark = ctx.input()["mark"].as_str().unwrap_or_default().to_owned();
    let way = ctx.input()["way"].as_u64().unwrap_or_default();
    let seen = remember(&ctx, &mark).await?;
    let said = match way {
        1 | 2 => {
            let asked = ModelRequest::prompt(format!("say {mark}"));
            json!(ctx.model().complete(asked).await?.text)
        }
        3 if ctx.spec().flow.as_str() != "child" => {
            ctx.call("child", json!({ "mark": mark, "way": 1 })).await?
        }
        4 => {
            let signal = WaitSignal::new(format!("waits for {mark}"));
            let data = ctx.wait_for(signal.with_data(json!({ "of": mark }))).await?;
            json!(data)
        }
        5 => {
            let approval = Approval::of(format!("act for {mark}"), &mark);
            json!(ctx.approval(approval).await.is_ok())
        }
        6 => return Err(FlowError::permanent(format!("failed for {mark}"))),
        _ => Value::Null,
    };
    Ok(FlowOutcome::Complete(json!({ "mark": mark, "said": said, "seen": seen })))
}

/// Writes under the same keys whoever it is, and returns all that can be read.
async fn remember(ctx: &FlowContext, mark: &str) -> Result<Value, FlowError> {
    let mut memories = vec![ctx.memory().tool(), ctx.memory().session()];
    memories.extend(ctx.memory().user().ok());
    let mut seen = Vec::new();
    for memory in memories {
        let before = memory.get("a:b/%_").await?;
        memory.set("a:b/%_", json!(mark)).await?;
        memory.set(&format!("of {mark}"), json!(mark)).await?;
        let listed = memory.list("", None, 100).await?.items;
        let listed: Vec<_> = listed.into_iter().map(|it| json!([it.key, it.value])).collect();
        seen.push(json!([before, listed]));
    }
    Ok(json!(seen))
}

/// Says again what it was asked; what it costs depends on whom it was asked for.
#[derive(Debug)]
struct Echo;

#[async_trait]
impl ModelProvider for Echo {
    fn name(&self) -> &str {
        "echo"
    }

    async fn complete(&self, request: &ModelRequest) -> Result<ModelResponse, ProviderError> {
        let text = request.prompt.clone().unwrap_or_default();
        let tokens = if text.contains("mkone") { 7 } else { 1_003 };
        let usage = Usage { prompt_tokens: tokens, completion_tokens: tokens, ..Usage::default() };
        Ok(ModelResponse { text, model: "echo-1".to_owned(), usage, ..ModelResponse::default() })
    }

    async fn stream(&self, _: &ModelRequest) -> Result<ProviderStream, ProviderError> {
        Err(ProviderError::new("echo", ProviderErrorKind::Rejected, "it does not stream"))
    }
}

pub(crate) fn provider() -> Registration {
    Registration::new(Arc::new(Echo)).with_price(price())
}
