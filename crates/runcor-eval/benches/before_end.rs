//! What evaluators cost the execution itself: only what is asked before its end.
//!
//! `none` is a runtime without evaluators, `three` one whose three evaluators
//! judge every execution, `sampled` one whose three judge one in ten of two flows.

#![expect(clippy::expect_used, reason = "a bench that can't be set up must not run")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use runcor_core::{FlowName, Hook, ManualClock};
use runcor_eval::{
    Evaluators, ExactMatch, Expected, KeywordEvaluator, LengthEvaluator, Registration,
};
use runcor_store_memory::MemoryStore;
use runcor_testkit::ExecutionBuilder;
use serde_json::json;

fn evaluators(make: impl Fn(Registration) -> Registration, count: usize) -> Evaluators {
    let evaluators = Evaluators::new(Arc::new(MemoryStore::new()), Arc::new(ManualClock::new()));
    let all = [
        Registration::new(LengthEvaluator::new("length")),
        Registration::new(KeywordEvaluator::new("keyword")),
        Registration::new(ExactMatch::new("exact", Expected::Value(json!(1)))),
    ];
    for registration in all.into_iter().take(count) {
        evaluators.add(make(registration)).expect("it can work");
    }
    evaluators
}

fn before_end(criterion: &mut Criterion) {
    let execution = ExecutionBuilder::new("answer").build();
    let flows = || ["question", "answer"].map(|name| FlowName::new(name).expect("a name"));
    let mut group = criterion.benchmark_group("before_end");
    let mut measure = |name: &str, evaluators: Evaluators| {
        group.bench_function(name, |bench| {
            bench.iter(|| evaluators.before_end(black_box(&execution)));
        });
    };
    measure("none", evaluators(|it| it, 0));
    measure("three", evaluators(|it| it, 3));
    measure("sampled", evaluators(|it| it.flows(flows()).sample(0.1), 3));
}

criterion_group!(benches, before_end);
criterion_main!(benches);
