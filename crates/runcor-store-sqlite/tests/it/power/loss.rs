//! What a power cut may take and what not, for each durability; and that it would be noticed.

use runcor_store_sqlite::Durability;

use super::campaign::{Campaign, DiskIs, Verdict};

/// States of each campaign, unless more are asked for.
const STATES: usize = 400;
/// States of those whose failure is the proof.
const CONTROL: usize = 100;

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn campaign(seed: u64, durability: Durability) -> Campaign {
    let states =
        asked("RUNCOR_POWER_STATES").map_or(STATES, |states| usize::try_from(states).unwrap());
    let seed = asked("RUNCOR_POWER_SEED_FROM").unwrap_or(seed);
    Campaign { seed, durability, keeps_answers: true, disk: DiskIs::Good, states }
}

fn tell(verdict: &Verdict) {
    let Verdict { states, opened, commits, shorter, failures } = verdict;
    eprintln!(
        "{states} states, {opened} of them different, of {commits} commits; in {shorter} the \
         newest commits are missing; {} are wrong",
        failures.len()
    );
}

#[track_caller]
fn nothing_is_wrong(verdict: &Verdict) {
    tell(verdict);
    assert!(verdict.failures.is_empty(), "{}", verdict.failures.join("\n"));
}

#[test]
fn with_full_durability_a_power_cut_loses_no_answered_commit() {
    let verdict = campaign(1, Durability::Full).run();
    nothing_is_wrong(&verdict);
    assert!(verdict.shorter > 0, "no state lacked what was not flushed");
}

#[test]
fn with_normal_durability_a_power_cut_may_take_the_last_commits_and_never_the_order() {
    let verdict = Campaign { keeps_answers: false, ..campaign(2, Durability::Normal) }.run();
    nothing_is_wrong(&verdict);
    assert!(verdict.shorter > 0, "no state lacked what was not flushed");
}

#[test]
fn with_flushes_that_fail_a_power_cut_loses_no_answered_commit() {
    nothing_is_wrong(&Campaign { disk: DiskIs::Failing, ..campaign(6, Durability::Full) }.run());
}

#[test]
fn with_flushes_that_fail_a_power_cut_never_takes_the_order() {
    let normal = Campaign { keeps_answers: false, ..campaign(7, Durability::Normal) };
    nothing_is_wrong(&Campaign { disk: DiskIs::Failing, ..normal }.run());
}

/// The proof that the tests above can fail: a store that never flushes.
#[test]
fn a_store_that_does_not_flush_is_found_to_lose_answered_commits() {
    let verdict = Campaign { states: CONTROL, ..campaign(3, Durability::Memory) }.run();
    is_found(&verdict, "answered commits are lost");
}

#[test]
fn a_disk_that_lies_about_flushes_is_found_to_lose_answered_commits() {
    let lied_to = campaign(4, Durability::Full);
    let verdict = Campaign { states: CONTROL, disk: DiskIs::Lying, ..lied_to }.run();
    is_found(&verdict, "answered commits are lost");
}

#[test]
fn a_disk_that_lies_about_flushes_is_found_to_lose_the_order_too() {
    let lied_to = Campaign { keeps_answers: false, ..campaign(5, Durability::Normal) };
    let verdict = Campaign { states: CONTROL, disk: DiskIs::Lying, ..lied_to }.run();
    is_found(&verdict, "");
}

#[track_caller]
fn is_found(verdict: &Verdict, what: &str) {
    tell(verdict);
    let found = verdict.failures.iter().filter(|failure| failure.contains(what)).count();
    assert!(found > 0, "of {} wrong states none was noticed", verdict.states);
}
