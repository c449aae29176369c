//! The registry: every scenario by its name, and the macro that makes tests of them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::fixture::StoreFixture;
use super::scenarios::{
    accounts, batches, belongings, claims, closing, compactions, concurrency, deletes, durable,
    durable_kept, entries, evaluations, events, expiry, families, fields, flags, inserts, intents,
    journals, leases, ledger_rows, ledger_totals, listing, memories, memory_pages, preconditions,
    rates, reservations, seeds, settlements, sweeps, timers, together, turns, updates, values,
};
use super::subject::fail;

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One named piece of behaviour that every store owes.
#[derive(Clone, Copy)]
pub struct Scenario {
    name: &'static str,
    run: fn(StoreFixture) -> Running,
}

impl Scenario {
    /// Returns the name: a sentence.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the scenario; it panics with what it expected when the store behaves differently.
    pub async fn run(&self, fixture: StoreFixture) {
        (self.run)(fixture).await;
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scenario").field(&self.name).finish()
    }
}

/// Makes one test of every scenario; the argument is a future of a fresh
/// [`StoreFixture`] and is evaluated for each.
///
/// ```
/// # use runcor_testkit::StoreFixture;
/// # use runcor_store_memory::MemoryStore;
/// runcor_testkit::store_suite!(async { StoreFixture::new(MemoryStore::new()) });
/// ```
#[macro_export]
macro_rules! store_suite {
    ($fixture:expr) => {
        $crate::__store_scenarios! { @list tests ($fixture) }
    };
}

/// Runs the scenario of that name to its end, on a runtime of its own.
///
/// # Panics
/// Panics when the scenario fails, when there is none of that name, or when no
/// runtime can be made.
pub fn run_scenario(name: &str, fixture: impl Future<Output = StoreFixture>) {
    let found = scenarios().into_iter().find(|scenario| scenario.name == name);
    let scenario = found.unwrap_or_else(|| fail(format!("there is no scenario {name}")));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| fail(format!("no runtime: {error}")));
    runtime.block_on(async { scenario.run(fixture.await).await });
}

/// Returns every scenario.
#[must_use]
pub fn scenarios() -> Vec<Scenario> {
    crate::__store_scenarios! { @list registry () }
}

/// The list of scenarios; not public, whatever it looks like.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_scenarios {
    (@list $kind:ident $arg:tt) => {
        $crate::__store_scenarios! {
            @$kind $arg
            inserts: [
                an_inserted_execution_is_found_by_its_id
                an_unknown_id_finds_nothing
                an_execution_is_found_by_tenant_flow_and_key
                an_unknown_key_finds_nothing
                a_second_insert_with_the_key_brings_the_first_execution
                a_duplicate_brings_the_execution_as_it_stands_now
                the_same_key_is_free_in_another_flow
                the_same_key_is_free_for_another_tenant
                keys_are_compared_exactly
                the_same_id_is_not_inserted_twice
                a_key_stays_taken_when_its_execution_has_ended
            ]
            updates: [
                an_update_replaces_the_status_and_nothing_else
                an_update_with_an_old_version_is_refused
                an_update_with_an_old_epoch_is_refused
                an_update_of_an_unknown_execution_tells_that_it_is_gone
                an_update_that_skips_a_version_is_refused
                the_same_update_is_refused_the_second_time
                a_whole_life_is_stored_step_by_step
            ]
            batches: [
                an_execution_is_inserted_and_claimed_in_one_batch
                a_whole_life_fits_in_one_batch
                a_refused_operation_takes_back_an_insert_and_the_events
                a_refused_operation_takes_back_an_update
                a_refused_operation_takes_back_a_delete
                a_refused_operation_takes_back_a_journal_entry
                a_refused_operation_takes_back_what_replaced_an_entry
                a_refused_operation_takes_back_a_seed
                a_refused_operation_takes_back_a_sweep
                a_refused_operation_takes_back_a_lease
                a_refused_operation_takes_back_a_retirement
                a_duplicate_takes_back_what_came_before_it
                an_execution_of_a_refused_batch_may_be_inserted_again
                a_key_is_freed_and_taken_in_one_batch
                an_empty_batch_changes_nothing
                a_batch_of_a_thousand_operations_is_whole
            ]
            claims: [
                a_claim_is_the_change_of_the_state_machine_and_is_stored
                a_claim_announces_its_events
                the_oldest_due_is_claimed_first
                ties_are_claimed_in_order_of_creation
                the_order_goes_across_flows
                what_is_due_later_is_not_claimed
                only_wanted_flows_are_claimed
                a_flow_that_is_wanted_twice_is_claimed_once
                a_claim_takes_no_more_than_its_limit
                a_claim_of_nothing_gives_nothing
                a_claimed_execution_is_not_claimed_again
                waiting_and_ended_executions_are_not_claimed
                a_resumed_execution_is_claimed_without_interruption
                a_released_execution_is_claimed_without_interruption
                a_released_retry_is_claimed_when_it_is_due
            ]
            leases: [
                a_live_lease_protects_what_its_worker_owns
                an_expired_lease_makes_running_executions_claimable
                a_lease_ends_exactly_at_its_end
                a_renewed_lease_protects_longer
                a_retired_worker_gives_everything_back_at_once
                retiring_touches_nobody_else
                a_retrying_execution_stays_with_its_owner
                a_retry_of_a_vanished_owner_is_claimed_when_it_is_due
                an_abandoned_execution_is_never_claimed
                an_owner_that_was_replaced_can_not_write
                a_worker_that_comes_back_in_time_keeps_what_it_owns
            ]
            journals: [
                entries_come_back_in_order_and_unchanged
                an_unknown_execution_has_no_journal
                a_path_is_written_once
                an_entry_of_an_older_epoch_is_refused
                an_entry_of_a_later_epoch_is_refused
                an_entry_of_an_execution_that_does_not_run_is_refused
                an_entry_and_a_change_are_written_together
                a_resume_and_its_answer_are_written_together
                journals_of_executions_are_apart
                a_journal_outlives_waits_and_claims
                a_journal_of_a_thousand_entries_keeps_its_order
            ]
            intents: [
                an_answer_takes_the_place_of_its_intent
                entries_keep_the_order_in_which_their_places_were_met
                an_intent_and_its_answer_fit_in_one_batch
                an_intent_is_written_over_by_the_next_attempt
                an_answer_is_not_written_over
                an_answer_is_written_over_on_request
                what_did_not_happen_may_be_begun_again
                nothing_of_a_replaced_entry_remains
                replacing_needs_the_present_run_too
                paths_are_compared_exactly
                one_of_twenty_answers_at_one_path_wins
            ]
            entries: [
                every_field_of_an_entry_is_kept
                results_of_every_size_are_read_whole
                only_a_result_is_found_by_its_path
            ]
            seeds: [
                a_fork_begins_with_what_it_takes_over
                every_field_of_a_seed_is_kept
                a_seed_of_nothing_begins_nothing
                a_journal_is_seeded_once
                a_seed_of_a_claimed_execution_is_refused
                a_seed_of_an_unknown_execution_is_refused
                a_seed_of_a_thousand_entries_keeps_its_order
            ]
            preconditions: [
                an_expectation_that_holds_changes_nothing
                an_expectation_that_does_not_hold_refuses_the_batch
                what_goes_on_has_not_ended
                what_has_ended_refuses_the_batch
                a_precondition_sees_what_came_before_it_in_its_batch
            ]
            families: [
                children_are_listed_by_their_parent
                children_come_in_pages_and_newest_first
                a_parent_is_combined_with_other_filters
                children_outlive_their_parent
                parents_and_forks_are_kept
            ]
            compactions: [
                packing_changes_nothing_that_is_read
                only_what_has_ended_is_packed
                packing_keeps_to_its_instant_and_limit
                what_is_packed_is_swept_and_deleted_whole
                a_refused_operation_takes_back_a_packing
            ]
            events: [
                an_empty_store_has_no_events
                events_are_numbered_from_one_in_order
                events_are_read_after_a_number_and_up_to_a_limit
                a_refused_batch_leaves_no_gap_in_the_numbers
                every_kind_of_event_is_kept_unchanged
                the_feed_brings_the_events_of_commits_and_claims_in_order
                an_event_of_the_feed_tells_of_what_can_be_read
                a_listener_hears_nothing_of_what_was_before
            ]
            listing: [
                an_empty_store_lists_nothing
                executions_are_listed_in_order_of_creation
                newest_first_is_the_reverse
                pages_cover_everything_once
                a_page_that_is_just_full_is_the_last
                a_state_filter_follows_changes
                flow_user_and_tenant_filter
                filters_are_combined
                an_offset_is_counted_from_the_cursor
                a_cursor_outlives_its_execution
                new_executions_do_not_disturb_a_walk_through_older_ones
                a_limit_of_zero_gives_an_empty_page
            ]
            timers: [
                a_wait_without_an_end_never_expires
                a_wait_expires_at_its_end
                due_waits_come_most_overdue_first
                a_resumed_wait_does_not_expire
                a_woken_wait_is_due_no_more
                nothing_is_due_in_an_empty_store
                what_is_due_now_is_not_next
                every_kind_of_due_is_seen
                the_earliest_is_next
                the_end_of_a_lease_is_seen
                what_is_gone_is_not_due
            ]
            sweeps: [
                ended_executions_past_their_retention_are_swept
                executions_without_an_expiry_stay
                only_ended_executions_are_swept
                a_sweep_takes_the_most_overdue_up_to_its_limit
                a_swept_key_is_free_again
                a_sweep_takes_journals_along
                a_sweep_by_size_takes_the_oldest_end_first
                a_sweep_by_size_leaves_what_goes_on
                a_store_that_is_small_enough_is_not_swept
            ]
            deletes: [
                a_deleted_execution_is_gone_everywhere
                a_deleted_key_is_free_again
                a_delete_with_an_old_fence_is_refused
                a_delete_of_an_unknown_execution_is_refused
                a_deleted_execution_is_not_claimed
                a_deleted_journal_does_not_come_back
                events_outlive_their_execution
            ]
            values: [
                a_megabyte_of_text_comes_back_unchanged
                every_script_comes_back_unchanged
                deep_json_comes_back_unchanged
                the_order_of_json_keys_is_kept
                numbers_at_the_edges_come_back_unchanged
                null_differs_from_nothing
                identifiers_of_the_longest_kind_are_kept
                instants_and_durations_at_the_edges_are_kept
            ]
            fields: [
                every_field_of_a_wait_is_kept
                every_field_of_an_execution_is_kept
            ]
            concurrency: [
                one_of_fifty_inserts_with_one_key_wins
                one_of_two_updates_with_one_fence_wins
                eight_claimers_share_a_thousand_executions
                numbers_of_events_are_consecutive_under_concurrent_commits
                the_feed_keeps_the_order_under_concurrent_commits
                readers_see_batches_whole
                a_commit_that_is_dropped_is_applied_whole_or_not_at_all
            ]
            durable: [
                every_field_survives_a_reopening
                journals_survive_a_reopening
                every_field_of_an_entry_survives_a_reopening
                forks_and_children_survive_a_reopening
                events_and_their_numbers_survive_a_reopening
                keys_and_cursors_survive_a_reopening
                waits_and_dues_survive_a_reopening
                deletes_survive_a_reopening
                what_a_dead_process_owned_is_claimed_after_a_reopening
                leases_of_other_processes_survive_a_reopening
                the_order_of_claims_survives_a_reopening
            ]
            reservations: [
                money_is_set_aside_in_each_account
                a_hard_limit_is_met_exactly_and_never_exceeded
                a_refused_reservation_changes_nothing
                the_first_hold_in_order_that_refuses_is_told
                a_reservation_is_made_once
                what_is_beyond_a_soft_limit_is_told
                a_warning_is_told_once
                verdicts_come_in_the_order_of_the_holds
                a_refused_operation_takes_back_a_reservation
            ]
            settlements: [
                the_cost_takes_the_place_of_what_was_set_aside
                a_settlement_happens_once
                what_costs_more_than_was_set_aside_is_booked_whole
                a_settlement_books_in_the_window_of_its_reservation
                a_row_without_a_reservation_is_kept_and_books_nothing
                a_request_is_reserved_and_settled_in_one_batch
                a_refused_operation_takes_back_a_settlement
                reservations_lapse_at_their_instant_the_earliest_first
                what_has_lapsed_is_not_settled_again
                what_was_settled_does_not_lapse
                a_refused_operation_takes_back_a_lapse
            ]
            accounts: [
                owners_have_accounts_of_their_own
                windows_have_accounts_of_their_own
                a_window_that_has_ended_makes_room
                a_top_up_raises_the_limit_of_its_window
                an_account_may_be_topped_up_before_it_is_used
                accounts_are_listed_until_their_window_ends
            ]
            ledger_rows: [
                every_field_of_a_row_is_kept
                every_field_of_a_lapsed_row_is_kept
                rows_come_in_pages_in_order_of_writing
                a_page_of_rows_that_is_just_full_is_the_last
                rows_written_meanwhile_do_not_disturb_a_walk
                rows_are_filtered_by_everything
                rows_at_the_edges_of_time_are_found
            ]
            ledger_totals: [
                an_empty_ledger_adds_up_to_nothing
                a_total_tells_requests_from_answers_of_a_journal
                the_edges_of_a_range_of_time_belong_to_it
                totals_are_the_sums_of_their_rows
                totals_outlive_their_rows
                pages_go_on_when_rows_are_removed
                a_refused_operation_takes_back_a_removal_of_rows
            ]
            rates: [
                a_window_lets_as_many_through_as_its_limit
                counters_count_for_themselves
                several_takes_happen_all_or_none
                a_take_of_a_refused_batch_does_not_count
                a_limit_may_change
                a_counter_goes_when_it_counts_nothing_any_more
                every_take_is_one_of_the_state_machine
            ]
            turns: [
                who_waits_gets_the_next_turns_in_order
                nobody_overtakes_who_waits
                a_queue_is_no_longer_than_it_may_be
                a_turn_delays_what_is_inserted_after_it
                a_turn_delays_only_what_is_queued
                a_turn_of_a_refused_batch_is_free
            ]
            memories: [
                a_value_is_kept_until_it_is_removed
                an_entry_tells_when_it_was_written
                memories_are_apart
                keys_of_a_memory_are_compared_exactly
                a_value_is_absent_from_its_end_on
                every_writing_has_a_version_of_its_own
                a_write_happens_where_its_author_expects_it
                a_refused_write_takes_back_its_batch
                a_memory_has_no_more_keys_than_it_may
                a_memory_is_emptied_whole
                expired_entries_are_removed
            ]
            memory_pages: [
                keys_are_listed_by_how_they_begin
                keys_come_in_pages
                a_page_begins_after_any_key
                what_has_expired_is_on_no_page
            ]
            evaluations: [
                every_field_of_an_evaluation_is_kept
                an_evaluation_takes_the_place_of_the_former
                evaluations_come_in_pages_in_order_of_writing
                evaluations_are_filtered
                executions_wait_for_their_evaluation_in_order
                a_refused_operation_takes_back_evaluations
                the_newest_evaluations_are_kept
            ]
            flags: [
                every_field_of_a_flag_is_kept
                a_flag_is_changed_from_where_it_stands
                flags_come_in_pages_oldest_first
                flags_are_filtered
                a_refused_operation_takes_back_a_flag
            ]
            belongings: [
                what_belongs_to_an_execution_is_deleted_with_it
                what_belongs_to_an_execution_is_swept_with_it
                a_flag_keeps_its_execution
                a_flag_before_the_end_keeps_as_well
                the_account_of_an_executions_own_budget_goes_with_it_unless_money_is_set_aside
            ]
            expiry: [
                accounts_go_long_after_their_window
                an_account_that_holds_money_stays
                only_what_is_asked_for_expires
            ]
            together: [
                a_hard_limit_holds_for_all_at_once
                settlements_at_once_add_up
                a_rate_limit_holds_for_all_at_once
                turns_at_once_are_given_once
                no_update_of_a_memory_gets_lost
            ]
            durable_kept: [
                accounts_and_reservations_survive_a_reopening
                the_ledger_survives_a_reopening
                windows_of_rate_limits_survive_a_reopening
                memories_survive_a_reopening
                evaluations_and_flags_survive_a_reopening
            ]
            closing: [
                everything_fails_after_closing
                closing_twice_does_nothing
            ]
        }
    };
    (@tests ($fixture:expr) $($module:ident: [$($name:ident)*])*) => {
        $($(
            #[test]
            fn $name() {
                $crate::run_scenario(stringify!($name), $fixture);
            }
        )*)*
    };
    (@registry () $($module:ident: [$($name:ident)*])*) => {
        vec![$($(
            Scenario { name: stringify!($name), run: |fixture| Box::pin($module::$name(fixture)) },
        )*)*]
    };
}
