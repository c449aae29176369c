//! Crash points: a child process dies at each named point, and the next process
//! has to keep every promise all the same.
//!
//! The parent runs a scenario in a child once to see which points it passes and
//! how often; then once more for each point, with the child aborting at its
//! first, second and last passing. After each death it looks at the database,
//! opens it with a runtime of its own, lets everything come to its end, and
//! checks the promises R1 to R8 against the log of outside effects.

#![cfg(test)]

mod books;
mod child;
mod effects;
mod oracle;
mod points;
mod runtime;
mod scenario;
mod trial;

use scenario::Scenario;

/// The other half of every test here: it runs in a process of its own.
#[test]
#[ignore = "it is run by the tests of this file, as a process that dies"]
fn child_process() {
    child::run();
}

#[test]
fn a_handler_with_steps_survives_a_crash_at_every_point() {
    trial::every_point_of(Scenario::Steps);
}

#[test]
fn a_loop_of_model_and_tool_calls_survives_a_crash_at_every_point() {
    trial::every_point_of(Scenario::Agent);
}

#[test]
fn a_pipeline_survives_a_crash_at_every_point() {
    trial::every_point_of(Scenario::Pipeline);
}

#[test]
fn a_flow_that_waits_survives_a_crash_at_every_point() {
    trial::every_point_of(Scenario::Wait);
}

#[test]
fn a_flow_that_sleeps_and_is_retried_survives_a_crash_at_every_point() {
    trial::every_point_of(Scenario::Timer);
}

#[test]
fn a_flow_that_calls_flows_survives_a_crash_at_every_point() {
    trial::every_point_of(Scenario::Calls);
}

#[test]
fn a_step_that_may_run_once_is_never_run_twice_whatever_the_point() {
    trial::every_point_of(Scenario::AtMostOnce);
}

#[test]
fn money_memory_and_rate_limits_survive_a_crash_at_every_point() {
    trial::every_point_of(Scenario::Governed);
}
