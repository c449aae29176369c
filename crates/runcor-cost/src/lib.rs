//! Money for runcor: prices, the ledger of model calls, and budgets that hold.
//!
//! [`CostKeeper`] is the [`Meter`](runcor_core::Meter) that the router asks
//! before each request to a vendor. It knows what the request may cost
//! ([`PriceBook`]), sets that aside in every budget that applies, and hands out
//! a [`Held`](runcor_core::Held), which books the truth however the request
//! ends. A hard budget is a precondition of the commit that sets money aside,
//! so it holds under any concurrency, over restarts, and for several processes
//! on one store.
//!
//! Inside of flows the engine commits the bill together with the answer that it
//! pays for. [`Metered`] does so for models that are called without an engine:
//!
//! ```text
//! Metered ─▶ (StructuredOutput) ─▶ Router ─▶ ModelProvider ─▶ the vendor
//!    │                               │
//!    └── commits the bill            └── asks the CostKeeper before each request
//! ```
//!
//! Outermost, because a second attempt at a valid answer is a request of its
//! own; the other way round it would never be committed.
//!
//! # Examples
//! A budget of a dollar a day, and what a request takes from it:
//!
//! ```
//! # use std::sync::Arc;
//! # use std::time::Duration;
//! use runcor_core::{
//!     AttemptPlan, BudgetLimit, Budgets, Caller, Clock, FlowName, ManualClock, Meter,
//!     ModelRequest, Money, NopSink, Store, Usage,
//! };
//! use runcor_cost::{BudgetLimits, CostConfig, CostKeeper};
//! # use runcor_store_memory::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
//! let clock = Arc::new(ManualClock::new());
//! let budgets = BudgetLimits {
//!     global: Some(BudgetLimit::hard(Money::from_dollars(1.0))),
//!     ..BudgetLimits::default()
//! };
//! let config = CostConfig { budgets, ..CostConfig::default() };
//! let keeper = CostKeeper::new(config, store, clock.clone(), Arc::new(NopSink));
//!
//! // This is what the router does for each request to a vendor.
//! let scope = keeper.scope(FlowName::new("brief")?, Caller::default());
//! let request = ModelRequest::prompt("Good morning").with_model("claude-haiku-4-5");
//! let plan =
//!     AttemptPlan { provider: "anthropic", request: &request, price: None, now: clock.now() };
//! let held = keeper.reserve(&scope, plan).await?;
//! let usage = Usage { prompt_tokens: 9, completion_tokens: 20, ..Usage::default() };
//! held.answered("claude-haiku-4-5-20251001", usage, Duration::from_millis(700));
//!
//! // And this what the engine, or `Metered`, does with the answer.
//! keeper.settle(scope.take_bill()).await?;
//! let budget = &keeper.budgets(&Caller::default()).await?[0];
//! assert_eq!(budget.state.spent.to_string(), "$0.000109");
//! assert_eq!(budget.state.reserved, Money::ZERO);
//! # Ok(())
//! # }
//! ```
//!
//! # What whoever runs the keeper sends
//! Once a minute or so, the engine's housekeeping: [`Meter::flush`](runcor_core::Meter::flush),
//! and a batch of [`Op::Lapse`](runcor_core::Op::Lapse), which books requests of
//! which nothing was heard any more, and [`Op::Expire`](runcor_core::Op::Expire)
//! with [`CostConfig::max_ledger_entries`] as `keep_ledger`.

mod config;
mod estimate;
mod keeper;
mod metered;
mod price;

pub use config::{BudgetLimits, CostConfig, Unpriced};
pub use estimate::{ceiling, estimate};
pub use keeper::CostKeeper;
pub use metered::Metered;
pub use price::{PriceBook, Vendor, price_per_million};
