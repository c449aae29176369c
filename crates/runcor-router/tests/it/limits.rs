//! How long a request to a vendor may take.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{AttemptOutcome, ErrorCode, ModelRequest, ModelService};
use runcor_router::{Registration, Retries};

use crate::fakes::{Scripted, Turn, World, drain};
use crate::meter::metered;

fn hello() -> ModelRequest {
    ModelRequest::prompt("hello")
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn the_requests_own_limit_goes_before_the_registrations_and_that_before_the_routers() {
    for (own, registered, due) in
        [(None, None, 30), (None, Some(20), 20), (Some(10), Some(20), 10), (Some(60), Some(20), 60)]
    {
        let world = World::default();
        let provider = Scripted::streaming("a", [Turn::Hang, Turn::Hang]);
        let mut registration = Registration::new(Arc::<Scripted>::clone(&provider));
        registration.timeout = registered.map(seconds);
        let builder = world.router().timeout(seconds(30)).retries(Retries::NONE);
        let router = builder.provider(registration).build().unwrap();
        let request = ModelRequest { timeout: own.map(seconds), ..hello() };
        let (ended, waited) = world.fly(router.complete(request.clone())).await;
        assert_eq!(waited, [seconds(due)]);
        assert!(ended.unwrap_err().is_retryable());
        let (ended, waited) = world.fly(router.stream(request)).await;
        assert_eq!(waited, [seconds(due)]);
        assert_eq!(ended.err().unwrap().code(), ErrorCode::AllProvidersFailed);
        assert_eq!(provider.seen(0).timeout, None);
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_tried_again_and_booked_at_its_ceiling() {
    let world = World::default();
    let provider = Scripted::new("a", [Turn::Hang]);
    let router = world.router().provider(provider).build().unwrap();
    let (scope, meter) = metered();
    let request = hello().with_timeout(seconds(5)).with_scope(scope);
    let (answer, waited) = world.fly(router.complete(request)).await;
    answer.unwrap();
    assert_eq!(waited, [seconds(5), Duration::from_millis(200)]);
    let booked = meter.booked();
    assert_eq!((booked[0].outcome, booked[0].duration), (AttemptOutcome::Failed, seconds(5)));
    assert!(booked[0].usage.estimated && booked[0].usage.completion_tokens > 0);
    assert_eq!(booked[1].outcome, AttemptOutcome::Answered);
}

#[tokio::test]
async fn a_stream_that_has_begun_takes_the_time_it_takes() {
    let world = World::default();
    let provider = Scripted::streaming("a", [Turn::Say("one two")]);
    let router = world.router().provider(provider).timeout(seconds(1)).build().unwrap();
    let chunks = router.stream(hello()).await.unwrap();
    world.clock.advance(seconds(60));
    assert!(drain(chunks).await.1.is_some());
}

#[test]
fn a_limit_of_no_time_is_refused() {
    let world = World::default();
    let given = || Registration::new(Scripted::new("a", []));
    for builder in [
        world.router().provider(given()).timeout(Duration::ZERO),
        world.router().provider(given().with_timeout(Duration::ZERO)),
    ] {
        assert_eq!(builder.build().unwrap_err().code(), ErrorCode::InvalidConfig);
    }
}
