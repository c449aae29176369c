//! What a model call costs beyond the provider itself: through the router, and inside a flow.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runcor::flow::{FlowName, FlowOutcome};
use runcor::model::{ModelProvider, ModelRequest, ModelService};
use runcor::provider::Mock;
use runcor::router::Router;
use runcor::{Flow, FlowContext, Runcor, Trigger};
use serde_json::{Value, json};

use crate::load::{key, micros, runtime_of};
use crate::options::Options;
use crate::report::{Aim, Report};

const PROMPT: &str = "What is the weather in Lisbon today?";
const ROUNDS: u64 = 15;

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let calls = options.size(5_000, 50_000);
    let costs = runtime_of(1).block_on(async move {
        tokio::spawn(async move { Costs::measure(calls).await }).await.expect("no panic")
    });
    let note = "the request is made anew for each call; best of 15 rounds, all in one run";
    report.figure("complete(), bare mock", micros(costs.bare), "µs", Aim::None, note);
    let added = micros(costs.routed) - micros(costs.bare);
    report.figure("complete(), added by the router", added, "µs", Aim::AtMost(1.0), note);
    let added = micros(costs.in_flow) - micros(costs.bare);
    let note = "a flow with many calls minus one without, by call, minus the bare mock: router, \
                structured output and context; the execution itself is left out";
    report.figure("complete(), added inside a flow", added, "µs", Aim::AtMost(10.0), note);
    let note = "an execution of one call, trigger to complete, minus the bare mock";
    let added = micros(costs.execution) - micros(costs.bare);
    report.figure("complete(), added with an execution around it", added, "µs", Aim::None, note);
}

/// What one call costs by the way that it takes.
struct Costs {
    bare: Duration,
    routed: Duration,
    in_flow: Duration,
    /// One execution with one call.
    execution: Duration,
}

impl Costs {
    async fn measure(calls: u32) -> Self {
        let mock = Mock::new();
        let provider: Arc<dyn ModelProvider> = Arc::new(mock.clone());
        let router: Arc<dyn ModelService> =
            Arc::new(Router::builder().provider(Arc::new(mock.clone())).build().expect("a router"));
        let runcor = Runcor::builder().provider(mock).start().await.expect("it starts");
        runcor.register(caller()).expect("it registers");
        let far = Duration::from_secs(3_600);
        let mut best = Self { bare: far, routed: far, in_flow: far, execution: far };
        for round in 0..ROUNDS {
            best.bare = best.bare.min(bare(&provider, calls).await);
            best.routed = best.routed.min(routed(&router, calls).await);
            let many = in_flow(&runcor, calls, round * 1_000).await;
            let none = in_flow(&runcor, 0, round * 1_000 + 1).await;
            best.in_flow = best.in_flow.min(many.saturating_sub(none) / calls);
            let began = Instant::now();
            for n in 2..1_000 {
                in_flow(&runcor, 1, round * 1_000 + n).await;
            }
            best.execution = best.execution.min(began.elapsed() / 998);
        }
        runcor.shutdown().await.expect("it stops");
        best
    }
}

async fn bare(provider: &Arc<dyn ModelProvider>, calls: u32) -> Duration {
    let began = Instant::now();
    for _ in 0..calls {
        let request = black_box(ModelRequest::prompt(PROMPT));
        black_box(provider.complete(&request).await).expect("an answer");
    }
    began.elapsed() / calls
}

async fn routed(router: &Arc<dyn ModelService>, calls: u32) -> Duration {
    let began = Instant::now();
    for _ in 0..calls {
        let request = black_box(ModelRequest::prompt(PROMPT));
        black_box(router.complete(request).await).expect("an answer");
    }
    began.elapsed() / calls
}

/// A flow that makes as many calls as its input says.
fn caller() -> Flow {
    Flow::new(FlowName::new("caller").expect("a name"), async |ctx: FlowContext| {
        for _ in 0..ctx.input().as_u64().unwrap_or(0) {
            let request = black_box(ModelRequest::prompt(PROMPT));
            black_box(ctx.model().complete(request).await?);
        }
        Ok(FlowOutcome::Complete(Value::Null))
    })
}

async fn in_flow(runcor: &Runcor, calls: u32, n: u64) -> Duration {
    let trigger = Trigger::new(key(n), json!(calls));
    let began = Instant::now();
    let ended = runcor.run("caller", trigger).await.expect("it runs");
    assert!(ended.status.result.is_some(), "the flow failed: {:?}", ended.status.error);
    began.elapsed()
}
