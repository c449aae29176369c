//! The public API, as a user sees it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what helpers of tests meet fails the test")]

mod access;
mod agreement;
mod config;
mod declared;
mod guardrails;
mod laws;
mod limits;
mod rules;
mod support;
mod tenants;

use runcor_core::ErrorCode;

use runcor_policy::Error;

#[test]
fn an_error_keeps_its_message_on_the_way_up() {
    let error = Error::Invalid { message: "give it a name".to_owned() };
    let upward = runcor_core::Error::from(error);
    let wanted = (ErrorCode::InvalidPolicyConfig, "give it a name");
    assert_eq!((upward.code(), upward.message()), wanted);
}
