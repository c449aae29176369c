//! Policy for runcor: who may do what, how often, and what may go in and out.
//!
//! [`Policies`] is a [`Policy`](runcor_core::Policy): the engine asks it before
//! each operation. It goes through access control ([`AccessPolicy`]), tenants
//! ([`TenantPolicy`]), rate limits ([`RateLimit`]) and rules ([`Rule`] in code,
//! [`DeclaredRule`] in a file). [`PolicyConfig`] is all of it as `runcor.yaml`
//! has it. There is no clock and no storage here: a request brings the present
//! instant, and what is to be counted goes out with the answer.
//!
//! [`Guardrails`] is a [`Guard`](runcor_core::Guard): it looks at what goes
//! into and comes out of flows, models and tools; see [`guardrail`].
//!
//! ```
//! # use std::sync::Arc;
//! # use runcor_core::{NopSink, Operation, PolicyRequest};
//! # use runcor_policy::{Policies, RuleSpec, Verdict};
//! let policies = Policies::new(Arc::new(NopSink));
//! let spec = RuleSpec::new("exports-by-admins", [Operation::Trigger]);
//! policies.add_rule(spec, |request: &PolicyRequest<'_>| {
//!     let is_export = request.flow.is_some_and(|flow| flow.as_str() == "bulk-export");
//!     let is_admin = request.caller.user.as_ref().is_some_and(|user| user.as_str() == "admin");
//!     match is_export && !is_admin {
//!         true => Verdict::deny("only admins can run bulk exports"),
//!         false => Verdict::Allow,
//!     }
//! })?;
//! # Ok::<(), runcor_policy::Error>(())
//! ```

mod access;
mod config;
mod error;
pub mod guardrail;
mod limit;
mod names;
mod operations;
mod policies;
mod rule;
mod tenant;

pub use access::{AccessPolicy, Identity};
pub use config::PolicyConfig;
pub use error::Error;
pub use guardrail::{Guardrail, Guardrails};
pub use limit::RateLimit;
pub use policies::Policies;
pub use rule::{DeclaredRule, Rule, RuleSpec, Verdict};
pub use tenant::{TenantPolicy, UnknownTenants};
