//! Simulation: random histories of triggers, resumes, cancels, faults and power
//! cuts, in one thread, under a manual clock and a seed; an oracle checks the promises.
//!
//! Every history has several lives. A life is an engine in a tokio runtime of
//! its own; it ends with a power cut, at which the store loses what it had not
//! acknowledged, and the runtime is dropped with everything in it. The last
//! life is left alone until everything has ended.
//!
//! `RUNCOR_SIM_HISTORIES` sets how many histories there are, `RUNCOR_SIM_SEED`
//! the first seed; a failure prints its seed.

mod books;
mod chance;
mod flows;
mod life;
mod oracle;
mod vendor;
mod world;

use std::panic::AssertUnwindSafe;

use world::World;

/// How many histories there are unless told otherwise: some ten seconds.
const HISTORIES: u64 = 250;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn no_history_of_faults_and_power_cuts_breaks_a_promise() {
    let first = setting("RUNCOR_SIM_SEED", 1);
    let histories = setting("RUNCOR_SIM_HISTORIES", HISTORIES);
    let mut totals = world::Totals::default();
    for seed in first..first.saturating_add(histories) {
        let lived = std::panic::catch_unwind(AssertUnwindSafe(|| live(seed)));
        match lived {
            Ok(history) => totals.add(&history),
            Err(panic) => {
                eprintln!("the history with RUNCOR_SIM_SEED={seed} breaks a promise");
                std::panic::resume_unwind(panic);
            }
        }
    }
    println!("{histories} histories from seed {first}: {totals:?}");
    totals.check_that_enough_happened(histories);
}

/// Lives one history to its end.
fn live(seed: u64) -> world::Totals {
    let mut world = World::new(seed);
    for _ in 0..world.chance.below(4) {
        life::short(&mut world);
    }
    life::last(&mut world);
    oracle::judge(&mut world);
    world.totals
}

#[test]
fn a_history_is_the_same_whenever_its_seed_is() {
    for seed in [3, 1_234_567] {
        assert_eq!(live(seed), live(seed), "seed {seed}");
    }
}
