//! Those who call, and do not give up.

use std::collections::BTreeMap;

use serde_json::json;

use super::api::Api;
use super::office::CARD_OF_CUSTOMERS;

/// How many call at once.
pub(super) const CLIENTS: usize = 50;
/// How often each calls.
pub(super) const CALLS: usize = 10;

/// Calls ten times, and sees to it that each call is accepted; returns what was accepted, by
/// key. Every other client waits for each end before its next call.
pub(super) async fn call_ten_times(api: Api, client: usize) -> BTreeMap<String, String> {
    let mut accepted = BTreeMap::new();
    let wait = if client.is_multiple_of(2) { "?wait=60000" } else { "" };
    for call in 0..CALLS {
        let key = format!("call-{client}-{call}");
        // A card number is written in many ways.
        let card = match call % 3 {
            0 => CARD_OF_CUSTOMERS.to_owned(),
            1 => CARD_OF_CUSTOMERS.replace(' ', "-"),
            _ => CARD_OF_CUSTOMERS.replace(' ', ""),
        };
        let mut body = json!({
            "idempotencyKey": key,
            "userId": format!("user-{}", client % 7),
            "input": { "question": format!("Where is the money for card {card}?"), "call": key },
        });
        if client.is_multiple_of(5) {
            body["tenantId"] = json!("acme");
        }
        let (status, answer) = api.insist(&format!("/flows/support/trigger{wait}"), &body).await;
        assert_eq!(status, 201, "{answer}");
        let id = answer["execution"]["id"].as_str().unwrap().to_owned();
        accepted.insert(key, id);
    }
    accepted
}
