//! What a router can be built from.

use std::sync::Arc;

use runcor_core::ErrorCode;
use runcor_router::{Error, Registration, Retries, Router};

use crate::fakes::{Scripted, World};

fn code(built: Result<Router, Error>) -> ErrorCode {
    built.unwrap_err().code()
}

#[test]
fn two_providers_of_one_name_are_refused() {
    let builder =
        Router::builder().provider(Scripted::new("a", [])).provider(Scripted::new("a", []));
    assert_eq!(code(builder.build()), ErrorCode::DuplicateProvider);
}

#[test]
fn settings_out_of_range_are_refused() {
    let one = || Router::builder().provider(Scripted::new("a", []));
    let given = |given: Registration| Router::builder().provider(given).build();
    let a = || Registration::new(Scripted::new("a", []));
    assert_eq!(code(Router::builder().build()), ErrorCode::InvalidConfig);
    assert_eq!(code(one().failure_threshold(0).build()), ErrorCode::InvalidConfig);
    let none = Retries { attempts: 0, ..Retries::default() };
    assert_eq!(code(one().retries(none).build()), ErrorCode::InvalidConfig);
    assert_eq!(code(given(a().with_priority(0))), ErrorCode::InvalidConfig);
    assert_eq!(code(given(a().with_models([" "]))), ErrorCode::InvalidConfig);
    assert_eq!(code(given(Scripted::new(" ", []).into())), ErrorCode::InvalidConfig);
    assert!(given(Registration { priority: 2, ..a() }).is_ok());
}

#[test]
fn a_router_shows_no_more_than_names_in_debug_output() {
    let router = World::default().router().provider(Scripted::new("a", [])).build().unwrap();
    assert_eq!(format!("{:?}", Arc::new(router)), "Router { providers: [\"a\"], .. }");
}
