//! Case 90: event streams.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Response};
use runcor_core::{
    Event, ExecutionId, ExecutionState, ExecutionStateChange, FlowChange, FlowName, ProviderHealth,
    ProviderHealthChange, Timestamp,
};
use runcor_http::HttpConfig;
use serde_json::{Value, json};

use crate::client::{PATIENCE, Site, answer, code, config};

/// Reads messages and comments of a stream one after another.
struct Stream {
    response: Response,
    text: String,
}

#[derive(Debug, PartialEq)]
enum Item {
    Comment(String),
    Message { id: Option<u64>, data: Value },
}

impl Stream {
    async fn open(site: &Site, query: &str, last: Option<u64>) -> Self {
        let mut request = site.request(Method::GET, &format!("/v1/events{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut stream = Self { response, text: String::new() };
        assert_eq!(stream.next().await, Some(Item::Comment("connected".to_owned())));
        stream
    }

    fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    async fn next(&mut self) -> Option<Item> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let item = parse(block);
                self.text = rest.to_owned();
                return Some(item);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            match chunk.expect("the stream is silent").unwrap() {
                Some(bytes) => self.text.push_str(std::str::from_utf8(&bytes).unwrap()),
                None => return None,
            }
        }
    }

    async fn message(&mut self) -> (Option<u64>, Value) {
        match self.next().await {
            Some(Item::Message { id, data }) => (id, data),
            other => panic!("no message but {other:?}"),
        }
    }
}

fn parse(block: &str) -> Item {
    if let Some(comment) = block.strip_prefix(": ") {
        return Item::Comment(comment.to_owned());
    }
    let (mut id, mut data) = (None, Value::Null);
    for line in block.lines() {
        match line.split_once(": ").unwrap() {
            ("id", number) => id = Some(number.parse().unwrap()),
            ("data", json) => data = serde_json::from_str(json).unwrap(),
            other => panic!("unexpected line {other:?}"),
        }
    }
    Item::Message { id, data }
}

fn flow(name: &str) -> Event {
    Event::FlowRegistered(FlowChange { name: FlowName::new(name).unwrap() })
}

fn change(execution_id: ExecutionId) -> Event {
    Event::ExecutionStateChange(ExecutionStateChange {
        execution_id,
        from: ExecutionState::Queued,
        to: ExecutionState::Running,
        timestamp: Timestamp::from_millis(0),
        tenant_id: None,
        flow_name: None,
    })
}

fn health() -> Event {
    Event::ProviderHealthChange(ProviderHealthChange {
        provider: "mock".to_owned(),
        from: ProviderHealth::Healthy,
        to: ProviderHealth::Unhealthy,
        timestamp: Timestamp::from_millis(0),
    })
}

fn id() -> ExecutionId {
    ExecutionId::mint(Timestamp::from_millis(0))
}

#[tokio::test]
async fn a_stream_begins_with_a_comment_and_has_the_headers_of_one() {
    let site = Site::open().await;
    let stream = Stream::open(&site, "", None).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.headers()["cache-control"], "no-cache");
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    assert_eq!(stream.headers()["connection"], "keep-alive");
    assert_eq!(stream.headers()["transfer-encoding"], "chunked");
}

#[tokio::test]
async fn an_event_is_an_unnamed_message_with_its_name_in_type_and_its_number_as_id() {
    let site = Site::open().await;
    let mut stream = Stream::open(&site, "", None).await;
    let execution = id();
    let seq = site.fake.publish(change(execution));
    let (got, data) = stream.message().await;
    assert_eq!(got, Some(seq));
    assert_eq!(
        data.to_string(),
        format!(
            r#"{{"type":"execution:state_change","executionId":"{execution}","from":"queued","to":"running","timestamp":"1970-01-01T00:00:00.000Z"}}"#
        )
    );
}

#[tokio::test]
async fn one_trigger_is_seen_as_the_documented_sequence() {
    let site = Site::open().await;
    let mut stream = Stream::open(&site, "?type=execution,cost", None).await;
    let execution = site.fake.add("hello", "k");
    site.fake.finish(execution, json!({ "ok": true }));
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (_, data) = stream.message().await;
        assert_eq!(data["executionId"], json!(execution));
        seen.push(data);
    }
    assert_eq!(seen[0]["to"], "running");
    assert_eq!(seen[1]["to"], "complete");
    assert_eq!(seen[2]["type"], "execution:complete");
    assert_eq!(seen[2]["result"], json!({ "ok": true }));
    assert_eq!(seen[2]["error"], Value::Null);
}

#[tokio::test]
async fn filters_let_exactly_the_matching_events_through_in_order() {
    let site = Site::open().await;
    let (mine, other) = (id(), id());
    let mut by_category = Stream::open(&site, "?type=flow,provider", None).await;
    let mut by_execution = Stream::open(&site, &format!("?executionId={mine}"), None).await;
    let mut by_both = Stream::open(&site, &format!("?type=flow&executionId={mine}"), None).await;
    for event in [change(other), flow("a"), change(mine), health(), flow("b"), Event::Ready] {
        site.fake.publish(event);
    }
    let last = site.fake.publish(change(mine));
    for (seq, kind) in
        [(2, "flow:registered"), (4, "provider:health_change"), (5, "flow:registered")]
    {
        let (got, data) = by_category.message().await;
        assert_eq!((got, &data["type"]), (Some(seq), &json!(kind)));
    }
    assert_eq!(by_execution.message().await.0, Some(3));
    assert_eq!(by_execution.message().await.0, Some(last));
    site.handle.stop().await;
    let end = Some(Item::Comment("shutdown".to_owned()));
    assert_eq!(by_both.next().await, end);
    assert_eq!(by_both.next().await, None);
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_missed() {
    let site = Site::open().await;
    for n in 0..200 {
        site.fake.publish(flow(&format!("f{n}")));
    }
    let mut by_header = Stream::open(&site, "?lastEventId=1", Some(150)).await;
    let mut by_query = Stream::open(&site, "?lastEventId=0", None).await;
    for seq in 151..=200 {
        assert_eq!(by_header.message().await.0, Some(seq));
    }
    for seq in 1..=200 {
        assert_eq!(by_query.message().await.0, Some(seq));
    }
    site.fake.publish(flow("live"));
    assert_eq!(by_header.message().await.0, Some(201));
    assert_eq!(by_query.message().await.0, Some(201));
}

#[tokio::test]
async fn without_an_id_history_is_not_repeated() {
    let site = Site::open().await;
    site.fake.publish(flow("old"));
    let mut stream = Stream::open(&site, "", None).await;
    site.fake.publish(flow("new"));
    assert_eq!(stream.message().await.0, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_between_history_and_present() {
    const EVENTS: u64 = 3000;
    let site = Site::open().await;
    for _ in 0..500 {
        site.fake.publish(flow("before"));
    }
    let fake = site.fake.clone();
    let publishing = tokio::spawn(async move {
        for n in 500..EVENTS {
            fake.publish(flow("during"));
            if n % 16 == 0 {
                tokio::task::yield_now().await;
            }
        }
    });
    let mut streams = Vec::new();
    for after in [0, 10, 499] {
        streams.push((after, Stream::open(&site, "", Some(after)).await));
    }
    for (after, mut stream) in streams {
        for seq in after + 1..=EVENTS {
            assert_eq!(stream.message().await.0, Some(seq));
        }
    }
    publishing.await.unwrap();
}

#[tokio::test]
async fn forgotten_history_is_an_explicit_gap() {
    let site = Site::open().await;
    for _ in 0..10 {
        site.fake.publish(flow("f"));
    }
    site.fake.forget_to(7);
    let mut stream = Stream::open(&site, "", Some(2)).await;
    let gap = json!({ "type": "gap", "missed": 5, "reason": "forgotten" });
    assert_eq!(stream.message().await, (None, gap));
    for seq in 8..=10 {
        assert_eq!(stream.message().await.0, Some(seq));
    }
}

#[tokio::test]
async fn an_id_of_another_history_is_an_explicit_gap_and_brings_all_there_is() {
    let site = Site::open().await;
    for _ in 0..3 {
        site.fake.publish(flow("f"));
    }
    for last in [4000, u64::MAX] {
        let mut stream = Stream::open(&site, "", Some(last)).await;
        assert_eq!(stream.message().await.1["type"], "gap");
        for seq in 1..=3 {
            assert_eq!(stream.message().await.0, Some(seq));
        }
    }
    let mut up_to_date = Stream::open(&site, "", Some(3)).await;
    site.fake.publish(flow("live"));
    assert_eq!(up_to_date.message().await.0, Some(4));
}

#[tokio::test]
async fn a_client_that_lags_right_after_its_replay_still_gets_everything_once() {
    const EVENTS: u64 = 9000;
    let site = Site::open().await;
    for _ in 0..3 {
        site.fake.publish(flow("f"));
    }
    // Neither stream has anything to replay; then more comes than the feed holds.
    let mut up_to_date = Stream::open(&site, "", Some(3)).await;
    let mut from_start = Stream::open(&site, "", Some(0)).await;
    for _ in 3..EVENTS {
        site.fake.publish(flow("f"));
    }
    for seq in 4..=EVENTS {
        assert_eq!(up_to_date.message().await.0, Some(seq));
    }
    for seq in 1..=EVENTS {
        assert_eq!(from_start.message().await.0, Some(seq));
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_without_an_event_or_a_heartbeat() {
    let site = Site::open().await;
    let stream = Stream::open(&site, "", None).await;
    assert!(site.fake.has_listeners());
    drop(stream);
    let noticed = async {
        while site.fake.has_listeners() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), noticed).await.unwrap();
}

#[tokio::test]
async fn an_id_that_is_no_number_is_400() {
    let site = Site::open().await;
    let (status, body) = site.get("/v1/events?lastEventId=x").await;
    assert_eq!((status.as_u16(), code(&body)), (400, "VALIDATION_ERROR"));
    assert_eq!(body["error"]["details"]["field"], "lastEventId");
}

#[tokio::test]
async fn a_client_that_reads_too_slowly_learns_what_it_missed() {
    let site = Site::open().await;
    let mut stream = Stream::open(&site, "", None).await;
    // Larger than all buffers between the two, and published without a pause.
    let name = "x".repeat(500);
    let published = 40_000;
    for _ in 0..published {
        site.fake.publish(flow(&name));
    }
    let (mut seen, mut missed, mut last) = (0, 0, 0);
    while last < published {
        let (id, data) = stream.message().await;
        match id {
            Some(id) => {
                assert!(id > last);
                last = id;
                seen += 1;
            }
            None => {
                assert_eq!((&data["type"], &data["reason"]), (&json!("gap"), &json!("lagged")));
                missed += data["missed"].as_u64().unwrap();
            }
        }
    }
    assert!(missed > 0);
    assert_eq!(seen + missed, published);
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_off_and_frees_its_place() {
    let write_timeout = Duration::from_millis(200);
    let site = Site::with(HttpConfig { write_timeout, max_event_streams: 1, ..config() }).await;
    let stuck = Stream::open(&site, "", None).await;
    let name = "x".repeat(500);
    let freed = async {
        while site.fake.has_listeners() {
            let seq = site.fake.publish(flow(&name));
            site.fake.forget_to(seq);
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, freed).await.unwrap();
    Stream::open(&site, "", None).await;
    drop(stuck);
}

#[tokio::test]
async fn heartbeats_come_as_comments() {
    let site = Site::with(HttpConfig { heartbeat: Duration::from_millis(20), ..config() }).await;
    let mut stream = Stream::open(&site, "", None).await;
    for _ in 0..3 {
        assert_eq!(stream.next().await, Some(Item::Comment("ping".to_owned())));
    }
    assert_eq!(HttpConfig::default().heartbeat, Duration::from_secs(30));
}

#[tokio::test]
async fn the_stream_beyond_the_last_place_is_refused_with_503() {
    let site = Site::open().await;
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(Stream::open(&site, "", None).await);
    }
    let response = site.request(Method::GET, "/v1/events").send().await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    let (status, body) = answer(response).await;
    assert_eq!((status.as_u16(), code(&body)), (503, "TOO_MANY_STREAMS"));
    // A client that leaves makes room at once.
    open.pop();
    let room = async {
        while site.request(Method::GET, "/v1/events").send().await.unwrap().status() != 200 {}
    };
    tokio::time::timeout(PATIENCE, room).await.unwrap();
}

#[tokio::test]
async fn a_store_that_does_not_answer_ends_the_replay_and_the_client_may_come_back() {
    let site = Site::open().await;
    site.fake.publish(flow("f"));
    site.fake.fail_next(runcor_core::Error::new(runcor_core::ErrorCode::StorageUnavailable, "no"));
    let mut stream = Stream::open(&site, "", Some(0)).await;
    assert!(matches!(stream.next().await, Some(Item::Comment(_))));
    assert_eq!(stream.next().await, None);
    let mut stream = Stream::open(&site, "", Some(0)).await;
    assert_eq!(stream.message().await.0, Some(1));
}
