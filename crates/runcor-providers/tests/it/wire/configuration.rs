//! Configurations: what they accept, and what a missing key says.

use runcor_core::{Error, ErrorCode, ModelProvider, ModelRequest, ProviderErrorKind};
use runcor_providers::{AnthropicConfig, GoogleConfig, MockConfig, OpenAi, OpenAiConfig};
use runcor_testkit::vendor_server::{Reply, VendorServer, chat_completion};
use serde_json::json;

use super::vendors::{KEY, VENDORS, provider};

#[test]
fn unknown_settings_are_refused() {
    let wrong = json!({ "api_key": "x" });
    assert!(serde_json::from_value::<OpenAiConfig>(wrong.clone()).is_err());
    assert!(serde_json::from_value::<AnthropicConfig>(wrong.clone()).is_err());
    assert!(serde_json::from_value::<GoogleConfig>(wrong.clone()).is_err());
    assert!(serde_json::from_value::<MockConfig>(wrong).is_err());
}

#[test]
fn a_configuration_shows_no_key() {
    let config: OpenAiConfig = serde_json::from_value(json!({ "apiKey": KEY })).unwrap();
    assert!(!format!("{config:?}").contains(KEY));
    let made = OpenAi::new(config).unwrap();
    assert!(!format!("{made:?}").contains(KEY));
}

#[tokio::test]
async fn each_vendor_gets_its_key_in_its_own_header() {
    let server = VendorServer::start().await.unwrap();
    for vendor in VENDORS {
        server.enqueue(Reply::error(400, "no"));
        let made = provider(vendor, &server.url(), &json!({}));
        made.complete(&ModelRequest::prompt("x")).await.unwrap_err();
    }
    let asked = server.requests();
    assert_eq!(asked[0].header("x-api-key"), Some(KEY));
    assert_eq!(asked[0].header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(asked[1].header("x-goog-api-key"), Some(KEY));
    assert_eq!(asked[2].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert!(asked.iter().all(|request| request.method == "POST"));
}

#[tokio::test]
async fn a_local_server_needs_no_key_and_gets_none_of_ours() {
    let server = VendorServer::start().await.unwrap();
    server.enqueue(Reply::json(200, &chat_completion("m", "hi")));
    let config = OpenAiConfig { base_url: Some(server.url()), ..OpenAiConfig::default() };
    let local = OpenAi::new(config).unwrap();
    local.complete(&ModelRequest::prompt("x")).await.unwrap();
    assert_eq!(server.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_vendor_without_its_key_fails_at_once_and_says_what_to_set() {
    // A key of only blanks is what `${OPENAI_API_KEY:-}` leaves behind.
    let variable = "OPENAI_API_KEY";
    if std::env::var_os(variable).is_some() {
        return;
    }
    let config = OpenAiConfig { api_key: Some(" ".to_owned().into()), ..OpenAiConfig::default() };
    let keyless = OpenAi::new(config).unwrap();
    let error = keyless.complete(&ModelRequest::prompt("x")).await.unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Auth);
    assert!(error.message.contains(variable) && error.message.contains("apiKey"), "{error}");
    let upward = Error::from(error);
    assert_eq!(upward.code(), ErrorCode::ProviderAuthError);
    assert!(!upward.is_retryable());
}

#[tokio::test]
async fn a_requests_own_model_wins_over_the_default() {
    let server = VendorServer::start().await.unwrap();
    let extra = json!({ "defaultModel": "usual" });
    for vendor in VENDORS {
        let made = provider(vendor, &server.url(), &extra);
        made.complete(&ModelRequest::prompt("x")).await.unwrap_err();
        made.complete(&ModelRequest::prompt("x").with_model("special")).await.unwrap_err();
    }
    let asked = server.requests();
    let models = [0, 1, 4, 5].map(|at| asked[at].body["model"].as_str().unwrap().to_owned());
    assert_eq!(models, ["usual", "special", "usual", "special"]);
    assert_eq!(asked[2].path, "/v1beta/models/usual:generateContent");
    assert_eq!(asked[3].path, "/v1beta/models/special:generateContent");
}
