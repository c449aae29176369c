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
    a_store_that_overwrites_answers_is_seen: OverwritesAnswers fails [
        a_path_is_written_once
        an_answer_is_not_written_over
        an_intent_and_its_answer_fit_in_one_batch
        one_of_twenty_answers_at_one_path_wins
        a_fork_begins_with_what_it_takes_over
    ]
    a_store_that_moves_answered_entries_is_seen: MovesAnsweredEntries fails [
        entries_keep_the_order_in_which_their_places_were_met
        an_intent_and_its_answer_fit_in_one_batch
        what_did_not_happen_may_be_begun_again
    ]
    a_store_that_takes_a_decision_for_an_answer_is_seen: RefusesToBeginAgain fails [
        what_did_not_happen_may_be_begun_again
    ]
    a_store_that_merges_entries_is_seen: MergesEntries fails [
        nothing_of_a_replaced_entry_remains
    ]
    a_store_that_ignores_the_epochs_of_entries_is_seen: IgnoresEpochsOfEntries fails [
        an_entry_of_an_older_epoch_is_refused
        an_entry_of_a_later_epoch_is_refused
        replacing_needs_the_present_run_too
    ]
    a_store_that_loses_requests_is_seen: LosesRequests fails [
        every_field_of_an_entry_is_kept
        every_field_of_a_seed_is_kept
    ]
    a_store_that_takes_a_null_note_for_none_is_seen: TakesNullNotesForNone fails [
        every_field_of_an_entry_is_kept
    ]
    a_store_that_loses_the_places_of_waits_is_seen: LosesPlacesOfWaits fails [
        every_field_of_a_wait_is_kept
    ]
    a_store_that_loses_forks_is_seen: LosesForks fails [
        parents_and_forks_are_kept
    ]
    a_store_that_seeds_at_any_time_is_seen: SeedsAtAnyTime fails [
        a_journal_is_seeded_once
        a_seed_of_a_claimed_execution_is_refused
        a_seed_of_an_unknown_execution_is_refused
    ]
    a_store_that_ignores_preconditions_is_seen: IgnoresPreconditions fails [
        an_expectation_that_does_not_hold_refuses_the_batch
        what_has_ended_refuses_the_batch
        a_precondition_sees_what_came_before_it_in_its_batch
    ]
    a_store_that_forgets_parents_is_seen: ForgetsParents fails [
        children_are_listed_by_their_parent
        children_come_in_pages_and_newest_first
        a_parent_is_combined_with_other_filters
        children_outlive_their_parent
    ]
    a_store_that_spills_for_good_is_seen: SpillsForGood fails [
        results_of_every_size_are_read_whole
        a_megabyte_of_text_comes_back_unchanged
    ]
    a_store_that_keeps_journals_for_ever_is_seen: KeepsJournals fails [
        a_sweep_takes_journals_along
        a_deleted_execution_is_gone_everywhere
        a_deleted_journal_does_not_come_back
        what_is_packed_is_swept_and_deleted_whole
    ]
    a_store_that_packs_notes_away_is_seen: PacksNotesAway fails [
        packing_changes_nothing_that_is_read
    ]
    a_store_that_packs_too_much_is_seen: PacksTooMuch fails [
        packing_changes_nothing_that_is_read
        only_what_has_ended_is_packed
        packing_keeps_to_its_instant_and_limit
    ]
}

#[test]
fn the_names_of_scenarios_are_distinct_and_many() {
    let mut names: Vec<_> = scenarios().iter().map(Scenario::name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 180, "{count}");
}
