//! What models cost: published prices, and what the configuration says instead.

mod book;
mod data;
mod names;

pub use book::{PriceBook, Vendor, price_per_million};
