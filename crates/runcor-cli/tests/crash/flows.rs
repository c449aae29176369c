//! The flows of the load, and what becomes of each piece of work by the seed.

use crate::chance::Chance;

/// A flow of the project.
pub(crate) struct Flow {
    pub(crate) name: &'static str,
    /// The steps that call somebody, in their order.
    pub(crate) steps: &'static [&'static str],
    /// How many of a hundred triggers are for it.
    share: u64,
    /// Its file; `@` stands for the address of the oracle.
    yaml: &'static str,
}

impl Flow {
    /// Returns the place of a step among those that call somebody.
    pub(crate) fn place(&self, step: &str) -> Option<usize> {
        self.steps.iter().position(|name| *name == step)
    }

    /// Returns the text of its file.
    pub(crate) fn file(&self, url: &str) -> String {
        self.yaml.replace('@', url)
    }
}

/// Every body tells which receipts of earlier steps its run has: a run must
/// never see another one than the run before it.
pub(crate) static FLOWS: [Flow; 6] = [
    Flow {
        name: "one",
        steps: &["only"],
        share: 34,
        yaml: "
name: one
steps:
  - { name: only, kind: webhook, url: '@/one/only', timeout_ms: 600000, input: { n: $.input.n } }
",
    },
    Flow {
        name: "three",
        steps: &["first", "second", "third"],
        share: 26,
        yaml: "
name: three
steps:
  - { name: first, kind: webhook, url: '@/three/first', timeout_ms: 600000, input: { n: $.input.n } }
  - name: second
    kind: webhook
    url: '@/three/second'
    timeout_ms: 600000
    input: { n: $.input.n, seen: { first: $.steps.first.output.receipt } }
  - name: third
    kind: webhook
    url: '@/three/third'
    timeout_ms: 600000
    input:
      n: $.input.n
      seen: { first: $.steps.first.output.receipt, second: $.steps.second.output.receipt }
",
    },
    Flow {
        name: "asks",
        steps: &["fetch", "judge", "tell"],
        share: 16,
        yaml: "
name: asks
base_retry_delay_ms: 20
max_retry_delay_ms: 100
max_retries: 20
steps:
  - { name: fetch, kind: webhook, url: '@/asks/fetch', timeout_ms: 600000, input: { n: $.input.n } }
  - name: judge
    kind: agent
    timeout_ms: 600000
    retries: 2
    input:
      n: $.input.n
      run: $.run.id
      flow: asks
      step: judge
      seen: { fetch: $.steps.fetch.output.receipt }
    output_schema: { type: object, required: [receipt], properties: { receipt: { type: integer } } }
  - name: tell
    kind: webhook
    url: '@/asks/tell'
    timeout_ms: 600000
    input:
      n: $.input.n
      seen: { fetch: $.steps.fetch.output.receipt, judge: $.steps.judge.output.receipt }
",
    },
    Flow {
        name: "maybe",
        steps: &["look", "act"],
        share: 8,
        yaml: "
name: maybe
steps:
  - { name: look, kind: webhook, url: '@/maybe/look', timeout_ms: 600000, input: { n: $.input.n } }
  - { name: gate, kind: condition, when: $.input.go == true }
  - name: act
    kind: webhook
    url: '@/maybe/act'
    timeout_ms: 600000
    input: { n: $.input.n, seen: { look: $.steps.look.output.receipt } }
",
    },
    Flow {
        name: "flaky",
        steps: &["shaky", "settled"],
        share: 8,
        yaml: "
name: flaky
base_retry_delay_ms: 20
max_retry_delay_ms: 100
max_retries: 5
steps:
  - { name: shaky, kind: webhook, url: '@/flaky/shaky', timeout_ms: 600000, retries: 1, input: { n: $.input.n } }
  - name: settled
    kind: webhook
    url: '@/flaky/settled'
    timeout_ms: 600000
    input: { n: $.input.n, seen: { shaky: $.steps.shaky.output.receipt } }
",
    },
    Flow {
        name: "slow",
        steps: &["long", "after"],
        share: 8,
        yaml: "
name: slow
steps:
  - { name: long, kind: webhook, url: '@/slow/long', timeout_ms: 600000, input: { n: $.input.n } }
  - name: after
    kind: webhook
    url: '@/slow/after'
    timeout_ms: 600000
    input: { n: $.input.n, seen: { long: $.steps.long.output.receipt } }
",
    },
];

/// How a piece of work has to end, if nobody cancels it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// With a result, after so many steps that call somebody.
    Complete(usize),
    /// With this code.
    Fails(&'static str),
}

/// One piece of work: a trigger with a key of its own.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    pub(crate) n: u64,
    pub(crate) flow: &'static Flow,
    /// What the condition of `maybe` asks for.
    pub(crate) go: bool,
    pub(crate) fate: Fate,
}

impl Work {
    /// Decides what the `n`-th piece of work is.
    pub(crate) fn number(seed: u64, n: u64) -> Self {
        let mut chance = Chance::new(seed, "work", n);
        let mut left = chance.below(FLOWS.iter().map(|flow| flow.share).sum());
        let flow = FLOWS.iter().find(|flow| {
            let found = left < flow.share;
            left = left.saturating_sub(flow.share);
            found
        });
        let flow = flow.unwrap_or(&FLOWS[0]);
        let go = chance.one_in(2);
        let fate = match flow.name {
            "maybe" if !go => Fate::Complete(1),
            "flaky" if chance.one_in(12) => Fate::Fails("WEBHOOK_FAILED"),
            "flaky" if chance.one_in(40) => Fate::Fails("MAX_RETRIES_EXHAUSTED"),
            _ => Fate::Complete(flow.steps.len()),
        };
        Self { n, flow, go, fate }
    }

    /// Returns the idempotency key of its trigger.
    pub(crate) fn key(&self) -> String {
        format!("work {}", self.n)
    }
}
