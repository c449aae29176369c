//! Interruptions: wherever a run is cut off, the next ends alike and repeats nothing that is done.

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use runcor_core::{Clock, FlowError, ManualClock, Outcome, Suspension, WaitKind};
use runcor_pipeline::SafeHttp;
use serde_json::{Value, json};

use crate::support::{Crash, Run, Server, http};

/// One step of every kind; agents are asked for their own places in the journal.
fn flow(port: u16) -> String {
    format!(
        "
name: f
max_retries: 0
steps:
  - {{ name: judge, kind: agent, input: judge#1 }}
  - {{ name: go-on, kind: condition, when: $.steps.judge.output.text }}
  - {{ name: hold, kind: webhook, url: 'http://hooks.example.com:{port}/hold', retries: 0, input: {{ why: $.steps.judge.output.text }} }}
  - name: lines
    kind: parallel
    for_each: $.input.lines
    steps:
      - {{ name: weigh, kind: agent, input: $.item.place }}
      - {{ name: tell, kind: webhook, url: 'http://hooks.example.com:{port}/tell', retries: 0, input: $.steps.weigh.output }}
  - {{ name: boss, kind: approval, action: refund, subject: $.steps.lines.output, within: 2d }}
  - {{ name: rest, kind: sleep, for: 2d }}
  - {{ name: pay, kind: webhook, non_idempotent: true, retries: 0, url: 'http://hooks.example.com:{port}/pay', input: {{ cents: 5 }} }}
  - {{ name: book, kind: call, flow: books, input: $.steps.pay.output }}
  - {{ name: sign, kind: wait }}
  - {{ name: mail, kind: webhook, url: 'http://hooks.example.com:{port}/mail', retries: 0, input: {{ all: $.steps.lines.output, by: $.steps.boss.output.by, paid: $.steps.pay.output, booked: $.steps.book.output, signed: $.steps.sign.output }} }}
"
    )
}

struct Bed {
    run: Run,
    clock: ManualClock,
    server: Server,
}

impl Bed {
    async fn new(http: &SafeHttp) -> Self {
        let server = Server::echoing().await;
        let places = [0, 1].map(|n| json!({ "place": format!("lines#1/{n}/weigh#1") }));
        let clock = ManualClock::new();
        let mut run =
            Run::new(&flow(server.port), json!({ "lines": places })).with_clock(clock.clone());
        run.http = http.clone();
        run.models.echoes.store(true, Ordering::SeqCst);
        Self { run, clock, server }
    }

    /// Runs and answers until the flow has ended, or something is in the way.
    async fn until_the_end(&self) -> Result<Value, FlowError> {
        loop {
            let pause = match self.run.go().await.map_err(FlowError::into_suspension) {
                Ok(result) => return Ok(result),
                Err(Err(failure)) => return Err(failure),
                Err(Ok(pause)) => pause,
            };
            // A store that hangs is a process that was killed.
            tokio::select! {
                biased;
                () = self.run.journal.killed() => return Err(FlowError::permanent("killed")),
                answered = self.answer(&pause) => answered?,
            }
        }
    }

    async fn answer(&self, pause: &Suspension) -> Result<(), FlowError> {
        self.run.note(pause).await?;
        let outcome = match pause.kind {
            WaitKind::Signal => Outcome::Done(json!({ "signed": true })),
            WaitKind::Approval => {
                let at = self.clock.now();
                Outcome::Done(json!({ "approved": true, "by": "ann", "note": null, "at": at }))
            }
            WaitKind::Sleep => {
                self.clock.set(pause.wake_at.unwrap());
                return Ok(());
            }
            WaitKind::Call => {
                let receipt = json!({ "receipt": self.run.calls.started.lock().unwrap().len() });
                *self.run.calls.outcome.lock().unwrap() = Some(Outcome::Done(receipt));
                return Ok(());
            }
            // Somebody looks into the receiver's books.
            WaitKind::Decision if self.posts_of("pay#1") > 0 => {
                Outcome::Done(json!({ "cents": 5 }))
            }
            WaitKind::Decision => Outcome::NotDone,
            other => panic!("{other:?}"),
        };
        Ok(self.run.answer(pause, outcome).await?)
    }

    /// How often the webhook at a place was received.
    fn posts_of(&self, path: &str) -> usize {
        let key = Some(format!("{}:{path}", self.run.spec.id));
        self.server.header("idempotency-key").iter().filter(|found| **found == key).count()
    }

    /// How often the effect at a place has happened.
    fn effects_of(&self, path: &str) -> usize {
        let asked = self.run.models.asked();
        let asked = asked.iter().filter(|asked| asked.prompt.as_deref() == Some(path)).count();
        let calls = self.run.calls.started.lock().unwrap();
        let calls = calls.iter().filter(|call| call.intent.path == path).count();
        asked + calls + self.posts_of(path)
    }

    /// Runs into a crash, and notes what was done by then and how often; nothing when the end came first.
    async fn crash(&self, crash: Crash) -> Option<Vec<(String, usize)>> {
        self.run.journal.crash_at(crash);
        let ended = self.until_the_end().await;
        if !self.run.journal.repair() {
            ended.unwrap();
            return None;
        }
        let done = self.run.journal.answered().into_iter();
        Some(done.map(|path| (path.clone(), self.effects_of(&path))).collect())
    }
}

const EFFECTS: [&str; 9] = [
    "judge#1",
    "hold#1",
    "lines#1/0/weigh#1",
    "lines#1/0/tell#1",
    "lines#1/1/weigh#1",
    "lines#1/1/tell#1",
    "pay#1",
    "book#1",
    "mail#1",
];

async fn expected(http: &SafeHttp) -> Value {
    let bed = Bed::new(http).await;
    let result = bed.until_the_end().await.unwrap();
    for path in EFFECTS {
        assert_eq!(bed.effects_of(path), 1, "{path}");
    }
    result
}

fn modes() -> impl Iterator<Item = (bool, bool)> {
    [(false, true), (true, true), (false, false), (true, false)].into_iter()
}

#[tokio::test]
async fn a_run_cut_off_at_any_write_ends_alike_and_repeats_nothing_that_is_done() {
    // A client takes longer to make than a run.
    let http = http(true);
    let expected = expected(&http).await;
    let mut cases = 0;
    for (is_durable, kills) in modes() {
        for at in 0.. {
            let crash = Crash { at, is_durable, kills };
            let bed = Bed::new(&http).await;
            let Some(done) = bed.crash(crash).await else { break };
            cases += 1;
            assert_eq!(bed.until_the_end().await.unwrap(), expected, "{crash:?}");
            for (path, count) in done {
                assert_eq!(bed.effects_of(&path), count, "{path} was done before {crash:?}");
            }
            for path in EFFECTS {
                assert!((1..=2).contains(&bed.effects_of(path)), "{path}, {crash:?}");
            }
            assert_eq!(bed.posts_of("pay#1"), 1, "{crash:?}");
            assert_eq!(bed.effects_of("book#1"), 1, "{crash:?}");
        }
    }
    assert!(cases >= 80, "only {cases} crashes happened");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_run_cut_off_again_and_again_ends_alike(
        crashes in prop::collection::vec((0_usize..25, any::<bool>(), any::<bool>()), 1..6)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let http = http(true);
            let expected = expected(&http).await;
            let bed = Bed::new(&http).await;
            let mut times = 1;
            for (at, is_durable, kills) in crashes {
                if bed.crash(Crash { at, is_durable, kills }).await.is_none() {
                    break;
                }
                times += 1;
            }
            assert_eq!(bed.until_the_end().await.unwrap(), expected);
            for path in EFFECTS {
                assert!((1..=times).contains(&bed.effects_of(path)), "{path}");
            }
            assert_eq!(bed.posts_of("pay#1"), 1);
            assert_eq!(bed.effects_of("book#1"), 1);
        });
    }
}
