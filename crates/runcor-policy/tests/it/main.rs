//! The public API, as a user sees it.

use runcor_core::ErrorCode;

use runcor_policy::Error;

#[test]
fn an_error_keeps_its_message_on_the_way_up() {
    let error = Error::Invalid { message: "give it a name".to_owned() };
    let upward = runcor_core::Error::from(error);
    let wanted = (ErrorCode::InvalidPolicyConfig, "give it a name");
    assert_eq!((upward.code(), upward.message()), wanted);
}
