//! The embedded durable store of runcor: one SQLite file, one writer thread, group commit.
//!
//! [`SqliteStore`] implements [`runcor_core::Store`]. Every commit goes to one
//! thread that owns the only writing connection; whatever has gathered in its
//! queue becomes one SQLite transaction and one `fsync`, and everybody is
//! answered after it. So each acknowledged commit is on the disk
//! ([`Durability::Full`], the default), and many callers share its price.
//!
//! The file belongs to one process at a time: an operating-system lock beside
//! it says so, and ends with its owner however that ends. Because of it,
//! opening may treat everything that was owned as free to be claimed again.
//!
//! ```
//! # use runcor_core::{Batch, Event, Store};
//! # use runcor_store_sqlite::{SqliteConfig, SqliteStore};
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let dir = tempfile::tempdir()?;
//! let store = SqliteStore::open(dir.path().join("runcor.db"), SqliteConfig::default())?;
//! store.commit(Batch::new().emit_all(vec![Event::Ready])).await?;
//! assert_eq!(store.last_event().await?, 1);
//! store.close().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod store;

mod connection;
mod error;
mod file;
mod lock;
mod schema;

mod decode;
mod encode;

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;

mod apply;
mod claim;
mod compaction;
mod counters;
mod event;
mod expiry;
mod journal;
mod listing;
mod pack;
mod retention;
mod timer;

mod budget;
mod ledger;
mod memory;
mod quality;
mod rate;

mod checkpoint;
mod drain;
mod job;
mod readers;
mod reads;
mod renew;
mod statistics;
mod writer;

mod backup;
mod verify;

pub use backup::{BackupProgress, backup};
pub use config::{Durability, SqliteConfig};
pub use statistics::SqliteStatistics;
pub use store::SqliteStore;
pub use verify::{Checked, Finding, Report, verify};
