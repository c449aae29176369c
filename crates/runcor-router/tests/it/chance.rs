//! Whatever happens: every reservation is booked once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, poll};
use proptest::collection::vec;
use proptest::prelude::{
    Just, Strategy as Draw, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use runcor_core::{
    AttemptOutcome, ModelChunk, ModelRequest, ModelService, ProviderErrorKind, Strategy,
};
use runcor_router::{Hedge, Registration, Router};

use crate::fakes::{Scripted, Turn, World};
use crate::meter::Recording;

fn kind() -> impl Draw<Value = ProviderErrorKind> {
    use ProviderErrorKind::{
        Auth, Malformed, Network, RateLimited, Rejected, Timeout, Unavailable,
    };
    prop_oneof![
        Just(Auth),
        Just(Malformed),
        Just(Network),
        Just(RateLimited),
        Just(Rejected),
        Just(Timeout),
        Just(Unavailable),
    ]
}

fn turn() -> impl Draw<Value = Turn> {
    prop_oneof![
        3 => Just(Turn::Say("one two three")),
        1 => Just(Turn::Mute("one")),
        1 => Just(Turn::Call("one")),
        2 => (0..3_000_u64).prop_map(|ms| Turn::After(Duration::from_millis(ms), "one two")),
        2 => kind().prop_map(Turn::Fail),
        1 => (0..3_000_u64, kind())
            .prop_map(|(ms, kind)| Turn::FailAfter(Duration::from_millis(ms), kind)),
        1 => Just(Turn::Hang),
        1 => kind().prop_map(|kind| Turn::Break("one two", kind)),
        1 => Just(Turn::Trail("one")),
        1 => Just(Turn::Stall("one")),
    ]
}

fn strategy() -> impl Draw<Value = Strategy> {
    prop_oneof![
        Just(Strategy::Priority),
        Just(Strategy::RoundRobin),
        Just(Strategy::LowestCost),
        Just(Strategy::LeastLatency),
        Just(Strategy::Weighted),
    ]
}

/// One call and how long its caller has patience, in steps of the clock.
#[derive(Debug, Clone)]
struct Asked {
    streams: bool,
    pinned: bool,
    limited: bool,
    patience: usize,
    strategy: Strategy,
}

fn asked() -> impl Draw<Value = Asked> {
    (any::<[bool; 3]>(), 0..12_usize, strategy()).prop_map(
        |([streams, pinned, limited], patience, strategy)| Asked {
            streams,
            pinned,
            limited,
            patience,
            strategy,
        },
    )
}

/// Drives a call until it ends or its caller has had enough; returns whether it was answered.
async fn drive(world: &World, router: &Router, asked: &Asked, meter: &Arc<Recording>) -> bool {
    let mut request = ModelRequest::prompt("hello").with_scope(meter.scope());
    request = request.with_strategy(asked.strategy);
    if asked.pinned {
        request = request.with_provider("p1");
    }
    if asked.limited {
        request = request.with_timeout(Duration::from_secs(2));
    }
    let work = async {
        if !asked.streams {
            return router.complete(request).await.is_ok();
        }
        let Ok(mut chunks) = router.stream(request).await else { return false };
        while let Some(chunk) = chunks.next().await {
            if matches!(chunk, Ok(ModelChunk::Finished { .. })) {
                return true;
            }
        }
        false
    };
    let mut work = Box::pin(work);
    for _ in 0..=asked.patience {
        if let std::task::Poll::Ready(answered) = poll!(work.as_mut()) {
            return answered;
        }
        match world.clock.next_wake() {
            Some(wake) => world.clock.set(wake),
            None => break,
        }
    }
    false
}

proptest! {
    #[test]
    fn every_reservation_is_booked_once_and_every_answer_paid_for(
        scripts in vec(vec(turn(), 0..12), 1..4),
        calls in vec(asked(), 1..12),
        streaming in any::<bool>(),
        hedge in any::<bool>(),
        allowed in prop_oneof![3 => Just(usize::MAX), 1 => 0..10_usize],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::default();
            let providers: Vec<_> = scripts.into_iter().enumerate().map(|(at, script)| {
                let warm = std::iter::repeat_n(Turn::Say("ok"), 10);
                let name = format!("p{}", at + 1);
                let script = warm.chain(script);
                if streaming { Scripted::streaming(&name, script) } else { Scripted::new(&name, script) }
            }).collect();
            let mut builder = world.router().failure_threshold(3);
            if hedge {
                builder = builder.hedge(Hedge { max_extra: 2, ..Hedge::default() });
            }
            for (provider, weight) in providers.iter().zip(1..) {
                let given = Registration::new(Arc::<Scripted>::clone(provider));
                builder = builder.provider(given.with_weight(weight));
            }
            let router = builder.build().unwrap();
            for provider in 1..=providers.len() {
                for _ in 0..10 {
                    let pinned = ModelRequest::prompt("x").with_provider(format!("p{provider}"));
                    router.complete(pinned).await.unwrap();
                }
            }
            let before: usize = providers.iter().map(|provider| provider.calls()).sum();
            let meter = Recording::new(allowed, None);
            let mut answered = 0;
            for asked in &calls {
                answered += usize::from(drive(&world, &router, asked, &meter).await);
            }
            drop(router);
            let booked = meter.booked();
            let made: usize = providers.iter().map(|provider| provider.calls()).sum();
            prop_assert_eq!(meter.reserved(), booked.len());
            prop_assert_eq!(meter.reserved(), made - before);
            let paid = booked.iter().filter(|row| row.outcome == AttemptOutcome::Answered).count();
            prop_assert!(paid >= answered, "{} answers, {} paid", answered, paid);
            prop_assert!(booked.iter().all(|row| row.outcome != AttemptOutcome::Lost));
            let mut ids: Vec<_> = booked.iter().map(|row| row.id).collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), booked.len());
            prop_assert!(providers.iter().all(|provider| provider.open_streams() == 0));
            Ok(())
        })?;
    }
}

fn away() -> impl Draw<Value = Vec<(bool, bool)>> {
    vec(any::<(bool, bool)>(), 1..6)
}

proptest! {
    #[test]
    fn every_strategy_asks_each_of_the_eligible_once(
        providers in away(),
        strategies in vec(strategy(), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::default();
            let scripted: Vec<_> = (0..providers.len()).map(|at| {
                let reject = (0..20).map(|_| Turn::Fail(ProviderErrorKind::Rejected));
                let down = providers[at].0.then_some(Turn::Fail(ProviderErrorKind::Unavailable));
                Scripted::new(&format!("p{at}"), down.into_iter().chain(reject))
            }).collect();
            let mut builder = world.router().failure_threshold(1);
            builder = builder.retries(runcor_router::Retries::NONE);
            for (at, provider) in scripted.iter().enumerate() {
                let model = if providers[at].1 { "m" } else { "other" };
                let given = Registration::new(Arc::<Scripted>::clone(provider)).with_models([model]);
                builder = builder.provider(given);
            }
            let router = builder.build().unwrap();
            for (at, (is_away, _)) in providers.iter().enumerate() {
                if *is_away {
                    let pinned = ModelRequest::prompt("x").with_provider(format!("p{at}"));
                    router.complete(pinned).await.unwrap_err();
                }
            }
            let is_eligible = |at: &usize| {
                let listed = providers.iter().any(|(_, lists)| *lists);
                !providers[*at].0 && (!listed || providers[*at].1)
            };
            let eligible: Vec<_> =
                (0..providers.len()).filter(is_eligible).map(|at| format!("p{at}")).collect();
            for strategy in strategies {
                let request = ModelRequest::prompt("x").with_model("m").with_strategy(strategy);
                let error = router.complete(request).await.unwrap_err();
                let attempts = error.details().and_then(|details| details["attempts"].as_array());
                let name = |attempt: &serde_json::Value| attempt["providerName"].as_str().unwrap().to_owned();
                let mut asked: Vec<_> = attempts.into_iter().flatten().map(name).collect();
                asked.sort_unstable();
                prop_assert_eq!(&asked, &eligible);
            }
            Ok(())
        })?;
    }
}
