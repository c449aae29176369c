//! The first vendor dies in the middle of a stream, in the middle of a card number.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use runcor::config::LoadOptions;
use runcor::flow::{FlowContext, FlowError, FlowName, FlowOutcome};
use runcor::governance::{AttemptOutcome, LedgerQuery};
use runcor::model::{ModelChunk, ModelRequest};
use runcor::{Flow, Project, Trigger};
use runcor_testkit::vendor_server::{Reply, VendorServer, chat_completion_events};
use serde_json::json;

use super::books::holds_no_card;
use super::office::{CARD_OF_CUSTOMERS, project};
use super::vendor::CARD_OF_VENDORS;

/// What a reader saw, try by try.
type Seen = Arc<Mutex<Vec<String>>>;

/// Reads an answer piece by piece, and notes each piece.
async fn read(ctx: FlowContext, seen: Seen) -> Result<FlowOutcome, FlowError> {
    seen.lock().unwrap().push(String::new());
    let question = format!("Where is the money for my card {CARD_OF_CUSTOMERS}?");
    let request = ModelRequest::prompt(question).with_max_tokens(200);
    let mut pieces = ctx.model().stream(request).await?;
    while let Some(piece) = pieces.next().await {
        match piece? {
            ModelChunk::TextDelta { text } => {
                seen.lock().unwrap().last_mut().unwrap().push_str(&text);
            }
            ModelChunk::Finished { response } => {
                return Ok(FlowOutcome::Complete(json!(response.text)));
            }
            ModelChunk::ToolCall { .. } => {}
        }
    }
    Err(FlowError::permanent("the stream has no end"))
}

/// A stream that brings the vendors' card, a group of digits a piece.
fn story() -> Reply {
    let text = format!("We have found your card {CARD_OF_VENDORS} in our books, all is well.");
    Reply::events(chat_completion_events("trial-1", &text))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_off_is_billed_and_read_again_elsewhere_and_shows_no_card() {
    let first = VendorServer::start().await.unwrap();
    let second = VendorServer::start().await.unwrap();
    // The beginning, five words, and three of the card's four groups; then HTTP 500 for ever.
    first.enqueue(story().cut_after_events(9));
    second.enqueue(story());
    let folder = project(&first.url(), &second.url(), "{ limit: 5 }");
    let options = LoadOptions::new(folder.dir(), &|_| None);
    let runcor = Project::load(&options).unwrap().start().await.unwrap();
    let seen = Seen::default();
    let notes = Arc::clone(&seen);
    let flow = Flow::new(FlowName::new("read").unwrap(), move |ctx| read(ctx, Arc::clone(&notes)));
    let (soon, hour) = (Duration::from_millis(1), Duration::from_secs(3600));
    runcor.register(flow.with_max_retries(1).with_retry_delays(soon, hour)).unwrap();
    let ended = runcor.run("read", Trigger::new("one", json!(null))).await.unwrap();

    let whole = "We have found your card [card] in our books, all is well.";
    assert_eq!(ended.status.result, Some(Arc::new(json!(whole))), "{:?}", ended.status.error);
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2, "{seen:?}");
    // What might have become a card was held back, and went nowhere when the stream broke.
    assert!(whole.starts_with(&seen[0]) && seen[0].contains("have found"), "{seen:?}");
    assert_eq!(seen[1], whole);
    for server in [&first, &second] {
        let heard = format!("{:?}", server.requests());
        assert!(heard.contains("[card]"));
        holds_no_card("what a vendor heard", &heard);
    }
    let journal = runcor.store().journal(ended.id()).await.unwrap();
    holds_no_card("the journal", &format!("{journal:?}"));

    // The broken stream is paid, by what was seen of it; refusals are not.
    let rows = runcor.store().ledger().ledger(&LedgerQuery::default()).await.unwrap().items;
    let of =
        |name: &str| rows.iter().filter(|row| row.provider.starts_with(name)).collect::<Vec<_>>();
    let broken: Vec<_> = of("first").into_iter().filter(|row| row.cost.as_nanos() > 0).collect();
    assert_eq!(broken.len(), 1, "{rows:?}");
    assert_eq!(broken[0].outcome, AttemptOutcome::Failed);
    assert!(broken[0].usage.completion_tokens > 0 && broken[0].usage.completion_tokens < 200);
    let answered = of("second");
    assert_eq!(answered.len(), 1);
    assert_eq!(answered[0].outcome, AttemptOutcome::Answered);
    runcor.shutdown().await.unwrap();
}
