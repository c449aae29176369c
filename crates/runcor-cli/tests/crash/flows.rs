//! The flows of the load, and what becomes of each piece of work by the seed.

use crate::chance::Chance;

/// A flow of the project.
pub(crate) struct Flow {
    pub(crate) name: &'static str,
    /// Its steps, without those that ask nobody.
    pub(crate) steps: &'static [Step],
    /// How many of a hundred triggers are for it.
    share: u64,
    /// Its file; `@` stands for the address of the outside world.
    file: &'static str,
}

/// A step that asks somebody.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// The steps whose results it needs.
    pub(crate) needs: &'static [&'static str],
    pub(crate) asks: Asks,
}

/// Whom a step asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// A webhook or a model, again if need be.
    Outside,
    /// A webhook, once at most.
    OnlyOnce,
    /// Somebody who resumes or approves it.
    Somebody,
    /// Another flow.
    Flow,
}

const fn step(name: &'static str, needs: &'static [&'static str]) -> Step {
    Step { name, needs, asks: Asks::Outside }
}

impl Flow {
    /// Returns the place of a step.
    pub(crate) fn place(&self, step: &str) -> Option<usize> {
        self.steps.iter().position(|known| known.name == step)
    }

    /// Returns the text of its file.
    pub(crate) fn file(&self, url: &str) -> String {
        self.file.replace('@', url)
    }

    /// Returns whether somebody has to answer it when it waits.
    pub(crate) fn needs_somebody(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.asks, Asks::OnlyOnce | Asks::Somebody))
    }
}

/// Every body tells which receipts of earlier steps its run has: a run must
/// never see another one than the run before it.
pub(crate) static FLOWS: [Flow; 12] = [
    Flow {
        name: "one",
        steps: &[step("only", &[])],
        share: 28,
        file: include_str!("flows/one.yaml"),
    },
    Flow {
        name: "three",
        steps: &[step("first", &[]), step("second", &["first"]), step("third", &["second"])],
        share: 20,
        file: include_str!("flows/three.yaml"),
    },
    Flow {
        name: "asks",
        steps: &[step("fetch", &[]), step("judge", &["fetch"]), step("tell", &["judge"])],
        share: 14,
        file: include_str!("flows/asks.yaml"),
    },
    Flow {
        name: "maybe",
        steps: &[step("look", &[]), step("act", &["look"])],
        share: 6,
        file: include_str!("flows/maybe.yaml"),
    },
    Flow {
        name: "flaky",
        steps: &[step("shaky", &[]), step("settled", &["shaky"])],
        share: 6,
        file: include_str!("flows/flaky.yaml"),
    },
    Flow {
        name: "slow",
        steps: &[step("long", &[]), step("after", &["long"])],
        share: 6,
        file: include_str!("flows/slow.yaml"),
    },
    Flow {
        name: "pauses",
        steps: &[
            step("before", &[]),
            Step { name: "pause", needs: &["before"], asks: Asks::Somebody },
            step("after", &["pause"]),
        ],
        share: 5,
        file: include_str!("flows/pauses.yaml"),
    },
    Flow {
        name: "approves",
        steps: &[
            step("ask", &[]),
            Step { name: "approval", needs: &["ask"], asks: Asks::Somebody },
            step("spend", &["approval"]),
        ],
        share: 4,
        file: include_str!("flows/approves.yaml"),
    },
    Flow {
        name: "careful",
        steps: &[Step { name: "pay", needs: &[], asks: Asks::OnlyOnce }, step("thank", &["pay"])],
        share: 3,
        file: include_str!("flows/careful.yaml"),
    },
    Flow {
        name: "calls",
        steps: &[
            step("before", &[]),
            Step { name: "child", needs: &["before"], asks: Asks::Flow },
            step("after", &["child"]),
        ],
        share: 4,
        file: include_str!("flows/calls.yaml"),
    },
    Flow {
        name: "fans",
        steps: &[
            step("left", &[]),
            step("right", &[]),
            step("more", &["right"]),
            step("join", &["left", "more"]),
        ],
        share: 4,
        file: include_str!("flows/fans.yaml"),
    },
    // Nobody triggers it: `calls` calls it.
    Flow {
        name: CHILD,
        steps: &[step("do", &[])],
        share: 0,
        file: include_str!("flows/child.yaml"),
    },
];

/// The flow that others call.
pub(crate) const CHILD: &str = "child";

/// How a piece of work has to end, if nobody cancels it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// With the result of the step at this place, the last that runs.
    Complete(usize),
    /// With this code.
    Fails(&'static str),
}

/// One piece of work: a trigger with a key of its own.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    pub(crate) n: u64,
    pub(crate) flow: &'static Flow,
    /// What the condition of `maybe` asks for, and what the approval of `approves` says.
    pub(crate) go: bool,
    pub(crate) fate: Fate,
}

impl Work {
    /// Decides what the `n`-th piece of work is.
    pub(crate) fn number(seed: u64, n: u64) -> Self {
        let mut chance = Chance::new(seed, "work", n);
        let mut left = chance.below(FLOWS.iter().map(|flow| flow.share).sum());
        let flow = FLOWS.iter().find(|flow| {
            let is_found = left < flow.share;
            left = left.saturating_sub(flow.share);
            is_found
        });
        let flow = flow.unwrap_or(&FLOWS[0]);
        let go = chance.below(3) > 0;
        let fate = match flow.name {
            "maybe" if !go => Fate::Complete(0),
            "approves" if !go => Fate::Complete(1),
            "flaky" if chance.one_in(12) => Fate::Fails("WEBHOOK_FAILED"),
            "flaky" if chance.one_in(40) => Fate::Fails("MAX_RETRIES_EXHAUSTED"),
            _ => Fate::Complete(flow.steps.len() - 1),
        };
        Self { n, flow, go, fate }
    }

    /// Returns the part of the `n`-th piece of work that a flow of this name does.
    pub(crate) fn of(seed: u64, n: u64, flow: &str) -> Option<Self> {
        let work = Self::number(seed, n);
        if work.flow.name == "calls" && flow == CHILD {
            let child = FLOWS.iter().find(|flow| flow.name == CHILD)?;
            return Some(Self { flow: child, fate: Fate::Complete(0), ..work });
        }
        (work.flow.name == flow).then_some(work)
    }

    /// Returns the idempotency key of its trigger.
    pub(crate) fn key(&self) -> String {
        format!("work {}", self.n)
    }

    /// Returns the step at a place.
    pub(crate) fn step(&self, place: usize) -> Option<&'static Step> {
        self.flow.steps.get(place)
    }
}
