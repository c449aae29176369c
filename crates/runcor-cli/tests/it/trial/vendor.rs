//! Model vendors on loopback, which keep books of their own.

use std::time::Duration;

use runcor_testkit::vendor_server::{Reply, VendorServer, chat_completion};
use serde_json::json;

use super::office::wait;

/// The card number that answers bring; nobody else knows it.
pub(super) const CARD_OF_VENDORS: &str = "5555 5555 5555 4444";

/// Nano-dollars for a token: the prices of the project's file.
const INPUT: u64 = 10_000;
const OUTPUT: u64 = 30_000;

/// More answers than anybody asks for.
const MANY: usize = 3_000;

/// A vendor: what it answers, and what it charges for each answer in turn.
pub(super) struct Vendor {
    server: VendorServer,
    bills: Vec<u64>,
}

impl Vendor {
    /// A vendor that answers everything.
    pub(super) async fn reliable() -> Self {
        let mut vendor = Self::new().await;
        for number in 0..MANY {
            vendor.answers(number);
        }
        vendor
    }

    /// A vendor that answers a few requests, breaks off in the middle of the next ones, and
    /// is dead from then on: every later request is HTTP 500.
    pub(super) async fn mortal(answered: usize, broken: usize) -> Self {
        let mut vendor = Self::new().await;
        for number in 0..answered {
            vendor.answers(number);
        }
        for number in 0..broken {
            let (reply, bill) = answer(number);
            // What it has worked out it charges, whether it arrives or not.
            vendor.server.enqueue(reply.cut_after_bytes(250));
            vendor.bills.push(bill);
        }
        vendor
    }

    async fn new() -> Self {
        Self { server: VendorServer::start().await.unwrap(), bills: Vec::new() }
    }

    fn answers(&mut self, number: usize) {
        let (reply, bill) = answer(number);
        self.server.enqueue(reply);
        self.bills.push(bill);
    }

    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// Returns how often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.server.requests().len()
    }

    /// Waits until it was asked as often.
    pub(super) fn wait_until_asked(&self, count: usize) {
        wait(&format!("{count} requests to a vendor"), || (self.asked() >= count).then_some(()));
    }

    /// Returns what it charges for what it was asked so far, in nano-dollars.
    pub(super) fn charged(&self) -> u64 {
        self.bills.iter().take(self.asked()).sum()
    }

    /// Returns whether it had an answer, or a broken one, for all that it was asked.
    pub(super) fn never_ran_out(&self) -> bool {
        self.asked() <= self.bills.len()
    }

    /// Returns all that it was told.
    pub(super) fn heard(&self) -> String {
        let requests = self.server.requests();
        let all = requests.iter().map(|request| format!("{:?} {}", request.headers, request.body));
        all.collect::<Vec<_>>().join("\n")
    }
}

/// Makes an answer and its bill: each tenth is of two words, the others are long.
fn answer(number: usize) -> (Reply, u64) {
    let (text, tokens) = if number % 10 == 9 {
        (format!("Card {CARD_OF_VENDORS}"), 5)
    } else {
        let text = format!(
            "Dear customer, we have found your card {CARD_OF_VENDORS} in our books, \
             and the money will be on your account within three days."
        );
        (text, 500)
    };
    let mut body = chat_completion("trial-1", &text);
    body["usage"] =
        json!({ "prompt_tokens": 90, "completion_tokens": tokens, "total_tokens": 90 + tokens });
    // In pieces, so that a kill finds some of them half on their way.
    let reply = Reply::json(200, &body).in_pieces_of(100).with_pause(Duration::from_millis(5));
    (reply, 90 * INPUT + tokens * OUTPUT)
}
