//! The access policies of one realm, found by whom they are for.

use std::collections::HashMap;

use runcor_core::Caller;

use super::{AccessPolicy, Identity, Matching};

/// The access policies of the runtime, or of one tenant.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccessTable {
    everybody: Option<AccessPolicy>,
    users: HashMap<String, AccessPolicy>,
    tenants: HashMap<String, AccessPolicy>,
    either: HashMap<String, AccessPolicy>,
}

impl AccessTable {
    /// Keeps a policy in place of the one for the same identity, and returns that.
    pub(crate) fn set(&mut self, policy: AccessPolicy) -> Option<AccessPolicy> {
        match policy.identity.clone() {
            Identity::Everybody => self.everybody.replace(policy),
            Identity::User(name) => self.users.insert(name, policy),
            Identity::Tenant(name) => self.tenants.insert(name, policy),
            Identity::Either(name) => self.either.insert(name, policy),
        }
    }

    /// Takes the policy of an identity away.
    pub(crate) fn remove(&mut self, identity: &Identity) -> Option<AccessPolicy> {
        match identity {
            Identity::Everybody => self.everybody.take(),
            Identity::User(name) => self.users.remove(name),
            Identity::Tenant(name) => self.tenants.remove(name),
            Identity::Either(name) => self.either.remove(name),
        }
    }

    /// Returns the policies that match a caller; `None` where there are none for anybody.
    pub(crate) fn matching(&self, caller: &Caller) -> Option<Matching<'_>> {
        let Self { everybody, users, tenants, either } = self;
        if everybody.is_none() && users.is_empty() && tenants.is_empty() && either.is_empty() {
            return None;
        }
        let user = caller.user.as_ref().map(AsRef::as_ref);
        let tenant = caller.tenant.as_ref().map(AsRef::as_ref);
        Some(Matching::new([
            [named(user, users), named(user, either)],
            [named(tenant, tenants), named(tenant, either)],
            [everybody.as_ref(), None],
        ]))
    }
}

fn named<'a>(
    name: Option<&str>,
    policies: &'a HashMap<String, AccessPolicy>,
) -> Option<&'a AccessPolicy> {
    policies.get(name?)
}
