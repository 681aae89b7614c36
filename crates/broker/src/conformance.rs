//! The contract as scenes, each of which tries to break one sentence of it. Every broker runs the very same.
//!
//! ```ignore
//! broker::conformance_suite!(my_broker::start().await);
//! ```
//!
//! Each scene uses ids, models and keys that nobody else has, so that all of them may run at once on one server. What
//! must happen is waited for as a condition with a deadline; time itself is waited for only where a lease or an expiry
//! is what the scene is about.

#![expect(clippy::unwrap_used, reason = "a scene ends at the first thing that is not as it should be")]

mod stage;

pub mod control;
pub mod fencing;
pub mod inspection;
pub mod live;
pub mod log;
pub mod queue;
pub mod store;

/// One `#[tokio::test]` for each scene. The expression makes the broker, or what dereferences to one and keeps its server
/// alive; it may await.
///
/// A broker that keeps no state by key, and whose queues cannot be looked into, runs all scenes but those of
/// [`store`](crate::conformance::store) and [`inspection`](crate::conformance::inspection):
/// `conformance_suite!(carrying: start().await)`. One that can do either adds `conformance_suite!(inspection: …)` or
/// `conformance_suite!(store: …)`.
#[macro_export]
macro_rules! conformance_suite {
    ($broker:expr) => {
        $crate::conformance_suite!(carrying: $broker);
        $crate::conformance_suite!(inspection: $broker);
        $crate::conformance_suite!(store: $broker);
    };
    (store: $broker:expr) => {
        $crate::conformance_suite! { @scenes $broker;
            store {
                what_was_put_is_there
                a_value_expires
                putting_again_begins_anew
                inserting_sees_what_is_there
                of_many_that_insert_one_wins
                only_what_is_there_is_replaced
                any_bytes_are_a_value
                counters_count
                of_many_that_count_each_sees_its_own_sum
                rooms_have_a_bound
                of_many_that_enter_as_many_do_as_may
            }
        }
    };
    (inspection: $broker:expr) => {
        $crate::conformance_suite! { @scenes $broker;
            inspection {
                queues_with_jobs_are_told
                what_was_given_back_is_the_oldest
                waiting_jobs_are_listed
                claimed_jobs_name_their_workers
                released_jobs_are_listed_as_waiting
                dead_jobs_tell_why
                a_long_list_has_no_gap
                a_job_is_found_wherever_it_is
                a_forgotten_job_is_gone
                only_the_dead_are_forgotten
            }
        }
    };
    (carrying: $broker:expr) => {
        $crate::conformance_suite! { @scenes $broker;
            fencing {
                a_late_writer_is_told
                what_was_accepted_is_in_the_log
            }
            log {
                what_was_created_is_read_back
                creating_twice_changes_nothing
                what_is_not_there_is_none
                every_kind_of_event_survives
                sequence_numbers_have_no_gap
                a_gap_is_refused
                a_repeated_append_adds_nothing
                nothing_follows_the_terminal_event
                a_stream_may_end_at_once
                misshapen_records_are_refused
                an_opening_returns_what_was_before
                only_what_nobody_owned_is_opened_if_never_opened
                openings_at_once_get_epochs_of_their_own
                a_late_writer_does_not_count
                owners_that_race_leave_one_order
                reading_begins_anywhere
                reading_is_bounded
                a_large_record_is_kept
                an_expired_stream_is_gone
                an_append_prolongs_a_stream
                streams_do_not_mix
            }
            live {
                a_listener_hears_in_order
                nothing_is_lost_between_listening_and_reading
                every_listener_hears
                a_listener_may_be_there_before_the_stream
                listening_ends_when_the_guard_is_dropped
                listening_again_hears_again
                a_large_record_is_heard_or_told
                listeners_hear_their_own_stream_only
                a_late_writer_is_not_heard
                a_repeated_append_is_heard_once
            }
            queue {
                a_job_is_claimed_once
                jobs_come_in_their_order
                a_claim_takes_no_more_than_asked
                a_claim_waits_for_a_job
                a_claim_in_vain_ends_after_its_wait
                waiting_workers_share_the_jobs
                racing_workers_share_the_jobs
                enqueueing_twice_is_once
                a_stream_begins_with_its_job
                a_claim_that_runs_out_is_handed_on
                a_renewed_claim_is_kept
                claims_that_ran_out_come_first
                a_released_job_is_no_attempt
                a_released_job_keeps_its_place
                a_release_wakes_one_that_waits
                a_loser_releases_nothing
                a_finished_job_is_gone
                a_loser_finishes_the_job
                a_buried_job_is_kept_aside
                a_claim_that_nobody_saw_is_handed_out_again
                any_name_is_a_model
            }
            control {
                a_cancel_lasts
                a_cancel_is_heard
                stops_are_heard_until_the_guard_is_dropped
                what_has_ended_is_not_stopped
                what_is_not_there_is_not_stopped
                without_attendance_it_is_abandoned
                in_the_background_it_is_never_abandoned
                one_gateway_is_enough
                a_lease_of_attendance_runs_out
                the_grace_outlasts_a_gateway
                a_cancel_wins
                stops_do_not_mix
                a_model_is_served_while_announced
                the_longest_announcement_counts
            }
        }
    };
    (@scenes $broker:expr; $($group:ident { $($scene:ident)* })*) => {
        $(mod $group {
            #[allow(unused_imports, reason = "what the expression needs is not known here")]
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scene() {
                    let broker = $broker;
                    $crate::conformance::$group::$scene(&broker).await;
                }
            )*
        })*
    };
}
