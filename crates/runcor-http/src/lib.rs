//! The HTTP API of runcor: routes, server-sent events, authentication, limits.
//!
//! A [`Server`] puts a [`Runtime`](runcor_core::Runtime) on the network. It
//! knows the control plane and nothing behind it, so it serves the real engine
//! and a test's fake alike.
//!
//! - **Safe by default**: it binds to 127.0.0.1, refuses a public address
//!   without a token, answers browsers only from local pages, and keeps CORS off.
//! - **Bounded**: connections, header and body sizes, reading and writing times,
//!   event streams and their memory all have limits, and meeting one is an
//!   answer (413, 408, 414, 431, 503, a `gap` message), never growth.
//! - **One shape**: whatever fails, the body is
//!   `{"error":{"code","message","details"}}`.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use runcor_core::Runtime;
//! use runcor_http::{HttpConfig, HttpParts, Server};
//!
//! # async fn example(runtime: Arc<dyn Runtime>) -> Result<(), runcor_http::Error> {
//! let server = Server::bind(HttpConfig::default(), HttpParts::new(runtime)).await?;
//! let handle = server.start();
//! // … until it is time to go:
//! handle.stop().await;
//! # Ok(())
//! # }
//! ```

mod config;
mod cors;
mod error;
mod server;

mod connection;
mod socket;
mod stall;

mod access;
mod app;
mod auth;
mod gate;
mod host_check;
mod identity;

mod body;
mod reply;
mod routes;
mod sse;

pub use app::HttpParts;
pub use auth::AccessToken;
pub use config::HttpConfig;
pub use cors::{Cors, CorsRules};
pub use error::Error;
pub use server::{Server, ServerHandle};
