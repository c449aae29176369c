//! Whether steps grow dearer the more of them an execution has.

use std::ops::Range;
use std::time::{Duration, Instant};

use runcor::execution::Runtime as _;
use runcor::flow::{FlowOutcome, WaitSignal};
use runcor::store::Durability;
use runcor::{Flow, FlowContext, Runcor};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::flows;
use crate::load::{micros, percentile, runtime, sqlite, start, trigger};
use crate::options::{Options, directory};
use crate::report::{Aim, Report};

const FLOW: &str = "growth";
const STEPS: usize = 1_010;
/// The ten steps around the tenth, and those around the thousandth.
const EARLY: Range<usize> = 5..15;
const LATE: Range<usize> = 995..1_005;

/// How long each step took.
type Times = Vec<Duration>;

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let dir = directory();
    let executions = options.size(10, 60);
    let (first, second) = runtime().block_on(async {
        let (told, mut times) = unbounded_channel();
        let runcor = start(sqlite(dir.path(), Durability::Full), 100).await;
        runcor.register(flow(told)).expect("it registers");
        let mut runs = (Vec::new(), Vec::new());
        for n in 0..executions {
            let (first, second) = twice(&runcor, n, &mut times).await;
            runs.0.push(first);
            runs.1.push(second);
        }
        runcor.shutdown().await.expect("it stops");
        runs
    });
    let note = "one execution at a time; ten steps around each place, median of all executions";
    tell(report, "first run", &first, note);
    let mut reads: Vec<_> = second.iter().filter_map(|times| times.first()).copied().collect();
    let name = format!("re-run, reading a journal of {STEPS} answers");
    let read = micros(percentile(&mut reads, 0.5)) / 1e3;
    report.figure(&name, read, "ms", Aim::None, "its first step; the others find it in memory");
    tell(report, "re-run from the journal", &second, note);
}

/// Makes the flow: many steps, a wait, and after it the same steps out of the journal.
fn flow(told: UnboundedSender<Times>) -> Flow {
    let handler = move |ctx: FlowContext| {
        let told = told.clone();
        async move {
            let mut times = Vec::with_capacity(STEPS);
            for _ in 0..STEPS {
                let began = Instant::now();
                ctx.step("look-up", flows::work(0)).await?;
                times.push(began.elapsed());
            }
            // Nobody listens any more only when the bench has failed.
            let _ = told.send(times);
            Ok(FlowOutcome::Complete(ctx.wait_for(WaitSignal::new("once more")).await?))
        }
    };
    Flow::new(flows::name(FLOW), handler).with_timeout(Duration::ZERO)
}

/// Runs one execution, and again from its journal.
async fn twice(runcor: &Runcor, n: u64, times: &mut UnboundedReceiver<Times>) -> (Times, Times) {
    let id = runcor.trigger(FLOW, trigger(n)).await.expect("it is accepted").execution.id();
    let first = times.recv().await.expect("it runs");
    while runcor.active() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    runcor.resume(id, None).await.expect("it waits");
    let second = times.recv().await.expect("it runs again");
    runcor.finished(id).await.expect("it ends");
    (first, second)
}

fn tell(report: &mut Report, run: &str, executions: &[Times], note: &str) {
    let (early, late) = (cost(executions, EARLY), cost(executions, LATE));
    report.figure(&format!("{run}, step 10"), early, "µs", Aim::None, note);
    report.figure(&format!("{run}, step 1,000"), late, "µs", Aim::None, note);
    let name = format!("{run}, step 1,000 ÷ step 10");
    report.figure(&name, late / early, "", Aim::AtMost(1.1), note);
}

/// Returns the median of what a step took at a place, in microseconds.
fn cost(executions: &[Times], place: Range<usize>) -> f64 {
    let steps = executions.iter().filter_map(|times| times.get(place.clone()));
    let mut steps: Vec<_> = steps.flatten().copied().collect();
    micros(percentile(&mut steps, 0.5))
}
