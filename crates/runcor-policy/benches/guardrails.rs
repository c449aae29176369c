//! What guardrails cost: a piece of a stream, and a prompt.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use runcor_core::{
    Caller, ExecutionId, FlowName, Guard, GuardPhase, GuardScope, ManualClock, Timestamp,
};
use runcor_policy::Guardrails;
use runcor_policy::guardrail::{Guardrail, GuardrailMode, Keywords, Patterns, Pii, Secrets};
use serde_json::{Value, json};

const PROSE: &str = "The quarterly report of 2026 says that revenue grew by 12.5 percent, mostly \
in the region around Vienna; see the table on page 17. Customers asked for invoices as PDF, \
for which the team has planned six weeks. Please keep the tone friendly and answer in two \
paragraphs, with a short list of open questions at the end (no more than 5). ";

fn scope() -> GuardScope {
    let execution = ExecutionId::mint(Timestamp::from_millis(0));
    let flow = FlowName::new("bench").unwrap_or_else(|_| unreachable!());
    GuardScope { execution, flow, caller: Caller::default() }
}

fn guardrails(of: impl IntoIterator<Item = Guardrail>) -> Guardrails {
    let all = of
        .into_iter()
        .map(|guardrail| guardrail.phases(GuardPhase::ALL).mode(GuardrailMode::Transform));
    let builder = all.fold(Guardrails::builder(), |builder, it| builder.guardrail(it));
    let built = builder.clock(Arc::new(ManualClock::new())).build();
    built.unwrap_or_else(|error| unreachable!("{error}"))
}

fn pii() -> Guardrail {
    Guardrail::built_in("pii", Pii::new())
}

fn secrets() -> Guardrail {
    Guardrail::built_in("secrets", Secrets)
}

fn regex() -> Guardrail {
    Guardrail::built_in(
        "regex",
        Patterns::new([r"\bACME-\d{4,8}\b", r"(?i:project (falcon|eagle))"]),
    )
}

/// Cuts a text into pieces of about five tokens.
fn pieces(text: &str) -> Vec<String> {
    let words: Vec<_> = text.split_inclusive(' ').collect();
    words.chunks(4).map(|words| words.concat()).collect()
}

fn stream(criterion: &mut Criterion) {
    let scope = scope();
    let mut group = criterion.benchmark_group("stream");
    let stacks = [
        ("pii", guardrails([pii()])),
        ("pii+secrets+regex", guardrails([pii(), secrets(), regex()])),
    ];
    for (name, all) in &stacks {
        for (kind, text) in [
            ("prose", PROSE.repeat(4)),
            ("digits", "20 4111 1111 1111 1112, 2026-11-21 +4 12345 6789 0x1 ".repeat(24)),
            (
                "umlauts",
                "Die Übernahme läuft über Köln; großes Lob für die schöne Grüße. ".repeat(20),
            ),
        ] {
            let pieces = pieces(&text);
            let count = u64::try_from(pieces.len()).unwrap_or(1);
            group.throughput(criterion::Throughput::Elements(count));
            group.bench_function(format!("{name}/{kind}"), |bencher| {
                bencher.iter_batched_ref(
                    || all.stream(&scope),
                    |window| {
                        for piece in &pieces {
                            black_box(window.as_mut().map(|window| window.push(piece)));
                        }
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
}

fn check(criterion: &mut Criterion) {
    let scope = scope();
    let mut group = criterion.benchmark_group("check");
    let prompt = PROSE.repeat(6);
    let text: String = prompt.chars().take(2048).collect();
    for (name, all) in [
        ("pii+secrets", guardrails([pii(), secrets()])),
        (
            "regex+keyword",
            guardrails([regex(), Guardrail::built_in("k", Keywords::new(["falcon"]))]),
        ),
    ] {
        group.bench_function(format!("{name}/2KB"), |bencher| {
            bencher.iter_batched(
                || Value::String(text.clone()),
                |content| black_box(all.check(GuardPhase::Input, content, &scope).now_or_never()),
                BatchSize::SmallInput,
            );
        });
    }
    let nested = json!({ "prompt": text, "systemPrompt": null, "messages": [] });
    let all = guardrails([pii(), secrets()]);
    group.bench_function("pii+secrets/2KB request", |bencher| {
        bencher.iter_batched(
            || nested.clone(),
            |content| {
                black_box(all.check(GuardPhase::ModelRequest, content, &scope).now_or_never())
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn megabyte(criterion: &mut Criterion) {
    let (scope, all) = (scope(), guardrails([pii(), secrets(), regex()]));
    let mut group = criterion.benchmark_group("megabyte");
    group.sample_size(10);
    for (name, text) in [
        ("digits", "4".repeat(1 << 20)),
        ("spaced digits", "4111 ".repeat(1 << 18)),
        ("letters", "a".repeat(1 << 20)),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let content = Value::String(text.clone());
                black_box(all.check(GuardPhase::Input, content, &scope).now_or_never())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, stream, check, megabyte);
criterion_main!(benches);
