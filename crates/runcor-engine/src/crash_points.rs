//! Named points around the commit of a change, at which crash tests end the process.

use fail::fail_point;
use runcor_core::ExecutionState;

/// Passes the point before a change to `state` is committed.
pub(crate) fn before(state: ExecutionState) {
    match state {
        ExecutionState::Queued => {}
        ExecutionState::Running => fail_point!("run.before_commit"),
        ExecutionState::Waiting => fail_point!("wait.before_commit"),
        ExecutionState::Retrying => fail_point!("retry.before_commit"),
        ExecutionState::Complete => fail_point!("complete.before_commit"),
        ExecutionState::Failed => fail_point!("failed.before_commit"),
    }
}

/// Passes the point after a change to `state` was committed, before anybody knows.
pub(crate) fn after(state: ExecutionState) {
    match state {
        ExecutionState::Queued => {}
        ExecutionState::Running => fail_point!("run.after_commit"),
        ExecutionState::Waiting => fail_point!("wait.entered"),
        ExecutionState::Retrying => fail_point!("retry.timer_set"),
        ExecutionState::Complete => fail_point!("complete.after_commit"),
        ExecutionState::Failed => fail_point!("failed.after_commit"),
    }
}
