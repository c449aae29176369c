//! Clients that are slow, greedy, broken or hostile.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use runcor_http::HttpConfig;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{PATIENCE, Site, answer, code, config, rest, until};

const CHUNKED: &str = "POST /v1/flows/hello/trigger HTTP/1.1\r\nhost: localhost\r\n\
                       transfer-encoding: chunked\r\n\r\n";
const LIVEZ: &str = "GET /livez HTTP/1.1\r\nhost: localhost\r\n";

fn body_of(answer: &str) -> serde_json::Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no body: {answer}"));
    serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer}"))
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_taken_and_one_byte_more_is_413() {
    let site = Site::with(HttpConfig { body_limit: 1000, ..config() }).await;
    let of_length = |length: usize| {
        let shell = json!({ "idempotencyKey": "k", "input": "" }).to_string().len();
        json!({ "idempotencyKey": "k", "input": "x".repeat(length - shell) }).to_string()
    };
    let path = "/v1/flows/hello/trigger";
    assert_eq!(site.post(path, of_length(1000)).await.0, StatusCode::CREATED);
    let (status, body) = site.post(path, of_length(1001)).await;
    assert_eq!((status.as_u16(), code(&body)), (413, "PAYLOAD_TOO_LARGE"));
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_413_before_it_is_sent() {
    let site = Site::open().await;
    let answer = site
        .raw(
            "POST /v1/flows/hello/trigger HTTP/1.1\r\nhost: localhost\r\n\
             content-length: 104857600\r\nexpect: 100-continue\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(code(&body_of(&answer)), "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_chunked_body_of_100_megabytes_is_413_and_not_gathered() {
    let site = Site::open().await;
    let stream = site.connect().await;
    let (mut read, mut write) = stream.into_split();
    let sending = tokio::spawn(async move {
        write.write_all(CHUNKED.as_bytes()).await.unwrap();
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
        let mut sent = 0_usize;
        while sent < 100 << 20 && write.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
        }
    });
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(PATIENCE, read.read_to_end(&mut answer));
    let _ = reading.await.expect("the server did not answer");
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(code(&body_of(&answer)), "PAYLOAD_TOO_LARGE");
    sending.await.unwrap();
    assert_eq!(site.get("/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_chunked_body_within_the_limit_is_taken() {
    let site = Site::open().await;
    let mut stream = site.connect().await;
    stream.write_all(CHUNKED.as_bytes()).await.unwrap();
    for piece in [r#"{"idempotency"#, r#"Key":"#, r#""k"}"#] {
        let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
        stream.write_all(chunk.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    assert!(until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 201 "));
}

#[tokio::test]
async fn a_body_that_dribbles_in_is_408() {
    let site =
        Site::with(HttpConfig { body_timeout: Duration::from_millis(100), ..config() }).await;
    let answer = site
        .raw(
            "POST /v1/flows/hello/trigger HTTP/1.1\r\nhost: localhost\r\n\
             content-length: 100\r\n\r\n{",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(code(&body_of(&answer)), "REQUEST_TIMEOUT");
}

#[tokio::test]
async fn a_head_that_dribbles_in_is_cut_off() {
    let header_timeout = Duration::from_millis(200);
    let site = Site::with(HttpConfig { header_timeout, ..config() }).await;
    let mut stream = site.connect().await;
    stream.write_all(b"GET /v1/health HTTP/1.1\r\nhost: local").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    // A connection that says nothing at all is closed as well.
    assert_eq!(rest(&mut site.connect().await).await, "");
    assert_eq!(site.get("/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_flood_of_headers_is_431() {
    let site = Site::open().await;
    let many: String = (0..1000).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(100_000));
    for headers in [many, long] {
        let mut stream = site.connect().await;
        let request = format!("{LIVEZ}{headers}\r\n");
        // The server may hang up before it has read all of it.
        let _ = stream.write_all(request.as_bytes()).await;
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    assert_eq!(site.get("/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_long_path_is_414() {
    let site = Site::open().await;
    let (status, body) = site.get(&format!("/v1/executions?state={}", "x".repeat(9000))).await;
    assert_eq!((status.as_u16(), code(&body)), (414, "URI_TOO_LONG"));
}

#[tokio::test]
async fn garbage_is_answered_or_dropped_and_never_hangs() {
    let site = Site::open().await;
    let noise: Vec<u8> =
        (0..4000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for garbage in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET /livez HTTP/9.9\r\n\r\n".to_vec(),
        b"POST /livez HTTP/1.1\r\nhost: localhost\r\ncontent-length: -5\r\n\r\n".to_vec(),
        b"POST /livez HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n"
            .to_vec(),
        noise,
    ] {
        let answer = half_closed(&site, &garbage).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    assert_eq!(site.get("/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_body_with_two_lengths_at_odds_is_not_smuggled() {
    let site = Site::open().await;
    let answer = site
        .raw(
            "POST /v1/flows/hello/trigger HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\
             transfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\nGET /v1/flows HTTP/1.1\r\n\r\n",
        )
        .await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_broken_chunk_is_400() {
    let site = Site::open().await;
    let answer = site.raw(format!("{CHUNKED}zz\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let site = Site::open().await;
    let trigger = |key: &str| {
        let body = json!({ "idempotencyKey": key }).to_string();
        format!(
            "POST /v1/flows/hello/trigger HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let all: String = (0..20).map(|n| trigger(&format!("key-{n:02}"))).collect();
    let answer = site.raw(format!("{all}{LIVEZ}connection: close\r\n\r\n")).await;
    assert_eq!(answer.matches("HTTP/1.1 201 ").count(), 20);
    let places: Vec<_> =
        (0..20).map(|n| answer.find(&format!("\"key-{n:02}\"")).unwrap()).collect();
    assert!(places.is_sorted());
    assert!(answer.ends_with(r#"{"status":"live"}"#), "{answer}");
}

#[tokio::test]
async fn a_client_that_half_closes_gets_its_answer() {
    let site = Site::open().await;
    for n in 0..120 {
        site.fake.add("hello", &"x".repeat(500 - n));
    }
    for _ in 0..20 {
        let answer = half_closed(&site, format!("{LIVEZ}\r\n").as_bytes()).await;
        assert!(answer.ends_with(r#"{"status":"live"}"#), "{answer}");
    }
    // An answer that needs more than one write, too.
    let request = "GET /v1/executions?limit=200 HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answer = half_closed(&site, request.as_bytes()).await;
    assert_eq!(body_of(&answer)["executions"].as_array().unwrap().len(), 120);
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_leaves_nothing_behind() {
    let site = Site::with(HttpConfig { max_connections: 4, ..config() }).await;
    for _ in 0..50 {
        let mut stream = site.connect().await;
        stream.write_all(CHUNKED.as_bytes()).await.unwrap();
        stream.write_all(b"5\r\n{\"id").await.unwrap();
    }
    // The places of those who left become free again.
    let free = async {
        while site.raw(format!("{LIVEZ}connection: close\r\n\r\n")).await.contains("503") {}
    };
    tokio::time::timeout(PATIENCE, free).await.unwrap();
}

#[tokio::test]
async fn one_connection_too_many_gets_503_and_a_place_once_one_is_free() {
    let site = Site::with(HttpConfig { max_connections: 2, ..config() }).await;
    let mut taken = Vec::new();
    for _ in 0..2 {
        let mut stream = site.connect().await;
        stream.write_all(format!("{LIVEZ}\r\n").as_bytes()).await.unwrap();
        until(&mut stream, "live").await;
        taken.push(stream);
    }
    let answer = site.raw(format!("{LIVEZ}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(code(&body_of(&answer)), "TOO_MANY_CONNECTIONS");
    drop(taken);
    let free = async {
        while !site.raw(format!("{LIVEZ}connection: close\r\n\r\n")).await.contains("200") {}
    };
    tokio::time::timeout(PATIENCE, free).await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_readable_although_the_body_is_still_on_its_way() {
    let site = Site::with(HttpConfig { body_limit: 10, ..config() }).await;
    for _ in 0..5 {
        let request =
            site.request(Method::POST, "/v1/flows/hello/trigger").body(vec![b' '; 8 << 20]);
        let (status, body) = answer(request.send().await.unwrap()).await;
        assert_eq!((status.as_u16(), code(&body)), (413, "PAYLOAD_TOO_LARGE"));
    }
}

/// A small generator of numbers, the same in every run.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    }
}

#[tokio::test]
async fn damaged_requests_are_answered_or_dropped_and_break_nothing() {
    let site = Site::open().await;
    let mut number = numbers();
    let id = site.fake.add("hello", "k");
    let whole = [
        "POST /v1/flows/hello/trigger?wait=1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 36\r\n\r\n\
         {\"idempotencyKey\":\"k\",\"timeout\":123}"
            .to_owned(),
        format!("{CHUNKED}16\r\n{{\"idempotencyKey\":\"k\"}}\r\n0\r\n\r\n"),
        "GET /v1/executions?limit=5&order=desc&cursor=c1&state=failed HTTP/1.1\r\n\
         host: localhost\r\norigin: http://localhost\r\n\r\n"
            .to_owned(),
        format!("DELETE /v1/executions/{id} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    ];
    for request in &whole {
        let answer = half_closed(&site, request.as_bytes()).await;
        assert!(!answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    for round in 0..400 {
        let mut bytes = whole[round % whole.len()].clone().into_bytes();
        for _ in 0..=number(3) {
            let at = number(bytes.len());
            match number(4) {
                0 => bytes[at] = u8::try_from(number(256)).unwrap(),
                1 => bytes.insert(at, u8::try_from(number(256)).unwrap()),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let answer = half_closed(&site, &bytes).await;
        let fine = answer.is_empty() || answer.starts_with("HTTP/1.");
        let shown = String::from_utf8_lossy(&bytes);
        assert!(fine && !answer.contains(" 500 "), "{shown} -> {answer}");
    }
    assert_eq!(site.get("/livez").await.0, StatusCode::OK);
}

async fn half_closed(site: &Site, bytes: &[u8]) -> String {
    let mut stream = site.connect().await;
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    rest(&mut stream).await
}
