//! All memories of a tenant, and how to get at each.

use std::sync::Arc;

use runcor_core::{
    Clock, ExecutionId, FlowName, MemoryLimits, MemoryOwner, MemorySpace, Store, TenantId, UserId,
};

use crate::memory::Memory;

/// The memories in a store; of one tenant, or outside of all. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Memories {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    limits: MemoryLimits,
    tenant: Option<TenantId>,
}

impl Memories {
    /// Opens the memories in a store that belong to no tenant.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, limits: MemoryLimits::default(), tenant: None }
    }

    /// Opens the memories of a tenant instead.
    #[must_use]
    pub fn of_tenant(mut self, tenant: Option<TenantId>) -> Self {
        self.tenant = tenant;
        self
    }

    /// Sets how much a memory may hold; give it the limits of the engine.
    #[must_use]
    pub fn with_limits(mut self, limits: MemoryLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the memory that all executions of a flow share.
    #[must_use]
    pub fn tool(&self, flow: FlowName) -> Memory {
        self.of(MemoryOwner::Tool(flow))
    }

    /// Returns the memory of a user, which all flows share.
    #[must_use]
    pub fn user(&self, user: UserId) -> Memory {
        self.of(MemoryOwner::User(user))
    }

    /// Returns the memory of one execution; it is emptied when that ends.
    #[must_use]
    pub fn session(&self, execution: ExecutionId) -> Memory {
        self.of(MemoryOwner::Session(execution))
    }

    /// Returns the memory of an owner.
    #[must_use]
    pub fn of(&self, owner: MemoryOwner) -> Memory {
        let space = MemorySpace { tenant: self.tenant.clone(), owner };
        Memory::new(Arc::clone(&self.store), Arc::clone(&self.clock), self.limits, space)
    }
}
