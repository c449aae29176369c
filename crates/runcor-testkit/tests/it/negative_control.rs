//! A suite that passes everything proves nothing: each flaw must make a scenario fail.

use runcor_testkit::{Scenario, StoreFixture, scenarios};

use crate::broken_store::{BrokenStore, Flaw};

fn scenario(name: &str) -> Scenario {
    scenarios().into_iter().find(|scenario| scenario.name() == name).unwrap()
}

/// Runs one scenario on a store with a flaw; returns whether it failed.
async fn fails(flaw: Flaw, name: &str) -> bool {
    let scenario = scenario(name);
    let fixture = StoreFixture::new(BrokenStore::new(flaw));
    tokio::spawn(async move { scenario.run(fixture).await }).await.is_err()
}

macro_rules! flaws {
    ($($test:ident: $flaw:ident fails [$($scenario:ident)*])*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            for name in [$(stringify!($scenario)),*] {
                assert!(fails(Flaw::$flaw, name).await, "{name} does not see it");
            }
        }
    )*};
}

flaws! {
    a_store_that_ignores_fences_is_seen: IgnoresFences fails [
        an_update_with_an_old_version_is_refused
        an_update_with_an_old_epoch_is_refused
        an_update_that_skips_a_version_is_refused
        the_same_update_is_refused_the_second_time
        an_owner_that_was_replaced_can_not_write
        one_of_two_updates_with_one_fence_wins
    ]
    a_store_that_publishes_events_out_of_order_is_seen: PublishesEventsBackwards fails [
        the_feed_brings_the_events_of_commits_and_claims_in_order
        the_feed_keeps_the_order_under_concurrent_commits
    ]
    a_store_that_applies_batches_in_part_is_seen: AppliesBatchesInPart fails [
        a_refused_operation_takes_back_an_insert_and_the_events
        a_refused_operation_takes_back_an_update
        a_refused_operation_takes_back_a_delete
        a_refused_operation_takes_back_a_journal_entry
        a_refused_operation_takes_back_a_sweep
        a_refused_operation_takes_back_a_lease
        a_refused_operation_takes_back_a_retirement
        a_duplicate_takes_back_what_came_before_it
        a_refused_batch_leaves_no_gap_in_the_numbers
    ]
    a_store_that_forgets_leases_is_seen: ForgetsLeases fails [
        a_live_lease_protects_what_its_worker_owns
        a_claimed_execution_is_not_claimed_again
        a_renewed_lease_protects_longer
        a_retrying_execution_stays_with_its_owner
    ]
    a_store_that_accepts_duplicates_is_seen: AcceptsDuplicates fails [
        a_second_insert_with_the_key_brings_the_first_execution
        one_of_fifty_inserts_with_one_key_wins
        a_key_stays_taken_when_its_execution_has_ended
    ]
    a_store_that_claims_newest_first_is_seen: ClaimsNewestFirst fails [
        the_oldest_due_is_claimed_first
        ties_are_claimed_in_order_of_creation
        the_order_goes_across_flows
    ]
    a_store_that_claims_every_flow_is_seen: ClaimsEveryFlow fails [
        only_wanted_flows_are_claimed
    ]
    a_store_that_forgets_interruptions_is_seen: ForgetsInterruptions fails [
        an_expired_lease_makes_running_executions_claimable
        a_retired_worker_gives_everything_back_at_once
    ]
    a_store_that_ignores_cursors_is_seen: IgnoresCursors fails [
        pages_cover_everything_once
        a_cursor_outlives_its_execution
    ]
    a_store_that_ignores_the_tenants_of_keys_is_seen: IgnoresTenantsOfKeys fails [
        an_execution_is_found_by_tenant_flow_and_key
    ]
    a_store_that_knows_one_order_is_seen: SortsNothing fails [
        newest_first_is_the_reverse
    ]
    a_store_that_overlooks_timers_is_seen: OverlooksTimers fails [
        every_kind_of_due_is_seen
        the_end_of_a_lease_is_seen
    ]
    a_store_that_takes_null_for_nothing_is_seen: LosesNull fails [
        null_differs_from_nothing
    ]
    a_store_that_sweeps_without_a_limit_is_seen: SweepsWithoutLimit fails [
        a_sweep_takes_the_most_overdue_up_to_its_limit
    ]
    a_store_that_survives_its_closing_is_seen: SurvivesClosing fails [
        everything_fails_after_closing
    ]
    a_store_that_announces_twice_is_seen: RunsBatchesTwice fails [
        events_are_numbered_from_one_in_order
        a_refused_batch_leaves_no_gap_in_the_numbers
    ]
}

#[test]
fn the_names_of_scenarios_are_distinct_and_many() {
    let mut names: Vec<_> = scenarios().iter().map(Scenario::name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 65, "{count}");
}
