//! The in-memory store of runcor, the reference implementation of the store contract.
//!
//! [`MemoryStore`] keeps everything in one structure behind one lock: records
//! by creation number, an ordered index for every question that
//! [`Store`](runcor_core::Store) can be asked, and a ring of the newest events.
//! No operation scans the executions; a store with a million ended executions
//! is as fast as an empty one. Totals of the ledger are rolled up as rows are
//! written, so they don't scan the rows either. Nothing outlives the process.
//!
//! ```
//! # use runcor_core::{Batch, Execution, ExecutionId, ExecutionSpec, FlowName, IdempotencyKey};
//! # use runcor_core::{Store, Timestamp};
//! # use runcor_store_memory::MemoryStore;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::new();
//! let now = Timestamp::from_millis(1_000);
//! let spec = ExecutionSpec::new(
//!     ExecutionId::mint(now),
//!     FlowName::new("hello")?,
//!     IdempotencyKey::new("k1")?,
//!     serde_json::json!({ "name": "Ada" }),
//!     now,
//! );
//! let execution = Execution::queued(spec);
//! store.commit(Batch::new().insert(execution.clone())).await?;
//! assert_eq!(store.execution(execution.id()).await?, Some(execution));
//! # Ok(())
//! # }
//! ```

mod reads;
mod store;

mod batch;
mod claim;
mod state;

mod events;
mod executions;
mod groups;
mod index;
mod journal;
mod keyed;
mod listing;
mod memories;
mod money;
mod quality;
mod queues;
mod rates;
mod record;
mod workers;

#[cfg(test)]
mod laws;

pub use store::MemoryStore;
