//! The load: what callers do while the process lives.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::api::Api;
use crate::chance::Chance;
use crate::flows::Work;
use crate::oracle::Oracle;

/// The most requests that are under way at a time.
const MOST_ASKED: usize = 64;
/// With so many unfinished, callers hold back: the process is to be killed, not drowned.
const MOST_UNFINISHED: usize = 600;
/// How many recent executions are cancelled, replayed and looked at.
const RECENT: usize = 400;

/// The callers.
pub(crate) struct Load {
    seed: u64,
    /// The mean time between two requests.
    pause: Duration,
    /// How many requests were thought of.
    turn: u64,
    /// The number of the next piece of work.
    next: u64,
    /// Work that was triggered lately.
    recent: VecDeque<u64>,
}

impl Load {
    pub(crate) fn new(seed: u64, rate: u64) -> Self {
        let pause = Duration::from_secs(1) / u32::try_from(rate.max(1)).unwrap_or(u32::MAX);
        Self { seed, pause, turn: 0, next: 0, recent: VecDeque::new() }
    }

    /// Sends requests until `end`, and returns those that are under way then.
    pub(crate) async fn run(&mut self, api: &Api, oracle: &Oracle, end: Instant) -> JoinSet<()> {
        let mut requests = self.again(api, oracle);
        let mut at = Instant::now();
        loop {
            let mut chance = Chance::new(self.seed, "turn", self.turn);
            at += chance.time(Duration::ZERO, self.pause * 2);
            if at >= end {
                tokio::time::sleep_until(end).await;
                return requests;
            }
            tokio::time::sleep_until(at).await;
            while requests.try_join_next().is_some() {}
            if api.asked() < MOST_ASKED {
                self.turn += 1;
                self.act(&mut chance, api, oracle, &mut requests);
            }
        }
    }

    /// Sends again what nobody knows the outcome of, as callers do who got no answer.
    pub(crate) fn again(&self, api: &Api, oracle: &Oracle) -> JoinSet<()> {
        let mut requests = JoinSet::new();
        for n in oracle.open_triggers() {
            self.trigger(n, api, &mut requests);
        }
        requests
    }

    fn act(&mut self, chance: &mut Chance, api: &Api, oracle: &Oracle, requests: &mut JoinSet<()>) {
        let known = self.known(chance, oracle);
        let own = api.clone();
        match (chance.below(100), known) {
            (0..4, Some(id)) => {
                requests.spawn(async move { own.look(id).await });
            }
            (4..7, Some(id)) => {
                requests.spawn(async move { own.replay(id).await });
            }
            (7..11, Some(id)) => {
                requests.spawn(async move { own.cancel(id).await });
            }
            (11..22, _) => self.answer(chance, api, oracle, requests),
            (22..30, _) => {
                if let Some(n) = chance.pick(self.recent.make_contiguous()).copied() {
                    self.trigger(n, api, requests);
                }
            }
            _ if oracle.known().unfinished > MOST_UNFINISHED => {}
            (kind, _) => {
                let n = self.next;
                self.next += 1;
                self.recent.push_back(n);
                if self.recent.len() > RECENT {
                    self.recent.pop_front();
                }
                // Sometimes two have the same idea at the same moment.
                for _ in 0..if kind < 36 { 2 } else { 1 } {
                    self.trigger(n, api, requests);
                }
            }
        }
    }

    /// Answers one that waits; the one that comes first to hand.
    pub(crate) fn answer(
        &self,
        chance: &mut Chance,
        api: &Api,
        oracle: &Oracle,
        requests: &mut JoinSet<()>,
    ) {
        if let Some(id) = chance.pick(&oracle.waiting()).copied() {
            let (api, chance) = (api.clone(), chance.next());
            requests.spawn(async move { api.answer(id, chance).await });
        }
    }

    /// Picks an execution of which an answer has told.
    fn known(&mut self, chance: &mut Chance, oracle: &Oracle) -> Option<Uuid> {
        let n = *chance.pick(self.recent.make_contiguous())?;
        oracle.known().triggers.get(&n)?.execution
    }

    fn trigger(&self, n: u64, api: &Api, requests: &mut JoinSet<()>) {
        let (api, work) = (api.clone(), Work::number(self.seed, n));
        requests.spawn(async move { api.trigger(work).await });
    }
}
