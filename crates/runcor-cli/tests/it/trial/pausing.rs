//! A budget that pauses instead of failing.

use tokio::task::block_in_place;

use super::office::{Office, project, wait};
use super::vendor::Vendor;

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_meets_a_pausing_budget_goes_on_after_a_top_up_over_a_crash() {
    let vendor = Vendor::reliable().await;
    // Enough for one answer, and not for a second.
    let project = project(&vendor.url(), &vendor.url(), "{ limit: 0.03, onExceed: pause }");
    block_in_place(|| {
        let office = Office::open(&project, "before.log");
        let call = |key| {
            let args = ["trigger", "support", "-i", r#""how?""#, "--key", key, "--json"];
            project.run(&args).exits(0).json()["execution"].take()
        };
        assert_eq!(call("one")["state"], "complete");
        let second = call("two");
        let id = second["id"].as_str().unwrap();
        assert_eq!(second["state"], "waiting", "{second}");
        let told = project.run(&["status", id]).exits(0).stdout;
        assert!(told.contains("budget global") && told.contains("runcor top-up"), "{told}");
        office.kill();

        let _office = Office::open(&project, "after.log");
        assert_eq!(call("two")["state"], "waiting");
        let found = project.run(&["top-up", "global", "1", "--json"]).exits(0).json();
        assert_eq!(found["woken"], 1, "{found}");
        wait("the one that waited ends", || {
            let found = project.run(&["status", id, "--json"]).exits(0).json();
            (found["execution"]["state"] == "complete").then_some(())
        });
        assert_eq!(vendor.asked(), 2);
    });
}
