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
    a_store_that_forgets_one_account_is_seen: ForgetsAccounts fails [
        money_is_set_aside_in_each_account
        a_refused_operation_takes_back_a_reservation
        a_hard_limit_holds_for_all_at_once
    ]
    a_store_that_judges_no_limits_is_seen: JudgesNoLimits fails [
        a_hard_limit_is_met_exactly_and_never_exceeded
        a_refused_reservation_changes_nothing
        a_hard_limit_holds_for_all_at_once
        a_top_up_raises_the_limit_of_its_window
    ]
    a_store_that_settles_twice_is_seen: SettlesTwice fails [
        a_settlement_happens_once
        what_has_lapsed_is_not_settled_again
        settlements_at_once_add_up
        a_reservation_is_made_once
    ]
    a_store_that_books_in_another_window_is_seen: BooksInThePresent fails [
        windows_have_accounts_of_their_own
    ]
    a_store_that_keeps_refused_takes_is_seen: KeepsRefusedTakes fails [
        a_take_of_a_refused_batch_does_not_count
        several_takes_happen_all_or_none
        a_turn_of_a_refused_batch_is_free
    ]
    a_store_that_forgets_turns_is_seen: ForgetsTurns fails [
        who_waits_gets_the_next_turns_in_order
        a_turn_delays_what_is_inserted_after_it
        every_take_is_one_of_the_state_machine
        turns_at_once_are_given_once
    ]
    a_store_that_mixes_tenants_is_seen: MixesTenants fails [
        memories_are_apart
        counters_count_for_themselves
        owners_have_accounts_of_their_own
    ]
    a_store_that_forgets_ends_is_seen: ForgetsEnds fails [
        a_value_is_absent_from_its_end_on
        what_has_expired_is_on_no_page
        expired_entries_are_removed
        an_entry_tells_when_it_was_written
    ]
    a_store_that_ignores_expectations_is_seen: IgnoresExpectations fails [
        a_write_happens_where_its_author_expects_it
        a_refused_write_takes_back_its_batch
        no_update_of_a_memory_gets_lost
    ]
    a_store_that_adds_up_kept_rows_is_seen: CountsKeptRows fails [
        totals_outlive_their_rows
        pages_go_on_when_rows_are_removed
    ]
    a_store_that_bills_replays_is_seen: LosesReplays fails [
        a_total_tells_requests_from_answers_of_a_journal
        totals_are_the_sums_of_their_rows
    ]
    a_store_that_keeps_what_belongs_is_seen: KeepsWhatBelongs fails [
        what_belongs_to_an_execution_is_deleted_with_it
        what_belongs_to_an_execution_is_swept_with_it
    ]
    a_store_that_sweeps_what_is_flagged_is_seen: SweepsFlagged fails [
        a_flag_keeps_its_execution
        a_flag_before_the_end_keeps_as_well
    ]
    a_store_that_forgets_who_waits_is_seen: ForgetsTheLine fails [
        executions_wait_for_their_evaluation_in_order
    ]
    a_store_that_moves_flags_anyhow_is_seen: MovesFlagsAnyhow fails [
        a_flag_is_changed_from_where_it_stands
    ]
    a_store_that_applies_new_batches_in_part_is_seen: AppliesBatchesInPart fails [
        a_refused_operation_takes_back_a_settlement
        a_refused_operation_takes_back_a_lapse
        a_refused_operation_takes_back_a_flag
        a_refused_operation_takes_back_evaluations
        a_refused_operation_takes_back_a_removal_of_rows
        an_account_may_be_topped_up_before_it_is_used
        a_memory_is_emptied_whole
        a_counter_goes_when_it_counts_nothing_any_more
        accounts_go_long_after_their_window
    ]
}

#[test]
fn the_names_of_scenarios_are_distinct_and_many() {
    let mut names: Vec<_> = scenarios().iter().map(Scenario::name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 270, "{count}");
}
