//! A model vendor on loopback that misbehaves on purpose.
//!
//! [`VendorServer`] is an HTTP server on a random port, written straight onto
//! TCP so that it can break every rule: hang, stall in the middle of a stream,
//! cut a chunk in half, reset the connection. It gives the [`Reply`]s that were
//! enqueued, in order, and records what it was asked ([`RecordedRequest`]).
//! Started by [`VendorServer::openai_compatible`], it answers every chat
//! completion by itself for which nothing is enqueued.
//!
//! ```
//! use runcor_testkit::vendor_server::{Reply, VendorServer};
//! use serde_json::json;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let vendor = VendorServer::start().await?;
//! vendor.enqueue(Reply::rate_limited("2"));
//! vendor.enqueue(Reply::json(200, &json!({ "ok": true })));
//! // Point a provider's baseUrl at `vendor.url()`, call it, and look:
//! assert!(vendor.requests().is_empty());
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod connection;
mod openai;
mod reply;
mod request;
mod sample;
mod server;

pub use openai::{chat_completion, chat_completion_events};
pub use reply::Reply;
pub use request::RecordedRequest;
pub use server::VendorServer;
