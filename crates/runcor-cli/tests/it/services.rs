//! Model services that hang or are not there.

use runcor_testkit::vendor_server::{Reply, VendorServer};

use crate::bed::Project;

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_is_a_clear_error_and_the_process_lives_on() {
    let vendor = VendorServer::openai_compatible().await.unwrap();
    for _ in 0..100 {
        vendor.enqueue(Reply::hang());
    }
    let project = Project::with(&format!(
        "providers: [{{ type: openai, apiKey: sk-secret, baseUrl: '{}/v1', timeoutMs: 200 }}]",
        vendor.url()
    ));
    let mut dev = project.dev();
    let ran = project.run(&["trigger", "echo", "--input", "\"private\""]).exits(1);
    assert!(ran.stdout.contains("State:     failed"), "{ran:?}");
    assert!(ran.stdout.contains("openai: timed out waiting for the answer"), "{ran:?}");
    assert!(dev.is_running());
    for line in dev.errors() {
        assert!(!line.contains("sk-secret") && !line.contains("private"), "{line}");
    }
    project.run(&["status"]).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_answers_is_used() {
    let vendor = VendorServer::openai_compatible().await.unwrap();
    let project = Project::with(&format!(
        "providers: [{{ type: openai, apiKey: x, baseUrl: '{}/v1', defaultModel: small }}]",
        vendor.url()
    ));
    project.run(&["trigger", "echo", "--input", "\"hello\""]).exits(0);
    assert_eq!(vendor.requests().len(), 1);
}

#[test]
fn a_provider_that_is_not_there_is_a_clear_error() {
    let project =
        Project::with("providers: [{ type: openai, apiKey: x, baseUrl: 'http://127.0.0.1:1/v1' }]");
    let ran = project.run(&["trigger", "echo", "--input", "1"]).exits(1);
    assert!(ran.stdout.contains("openai: can't connect"), "{ran:?}");
}

#[test]
fn a_missing_key_is_told_at_the_start() {
    let project = Project::with("providers: [{ type: anthropic }]");
    let mut command = crate::bed::runcor(project.dir(), &["dev", "--port", "0", "--json"]);
    let output = command.env_remove("ANTHROPIC_API_KEY").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("runcor.yaml:3:13") && text.contains("ANTHROPIC_API_KEY"), "{text}");
}
