//! Which flows a caller reaches, by all that is said of it.

use super::Matching;
use crate::names::Names;

/// The flows of a caller: what the runtime's policies, the tenant's policies
/// and the tenant's own list leave.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reach<'a> {
    /// The policies of the runtime.
    pub(crate) shared: Option<Matching<'a>>,
    /// The policies of the tenant.
    pub(crate) own: Option<Matching<'a>>,
    /// The tenant's flows.
    pub(crate) tenant: Option<&'a Names>,
}

impl<'a> Reach<'a> {
    pub(crate) fn contains(&self, flow: &str) -> bool {
        self.matching().all(|matching| matching.flow(flow).is_ok())
            && self.tenant.is_none_or(|names| names.contains(flow))
    }

    /// Returns whether no flow is left, whichever there are.
    pub(crate) fn is_empty(&self) -> bool {
        let lists = self.matching().flat_map(|matching| matching.allowed_flows());
        match lists.chain(self.tenant).find(|names| !names.is_all()) {
            Some(names) => !names.iter().any(|flow| self.contains(flow)),
            None => self.matching().any(|matching| matching.denies_all_flows()),
        }
    }

    fn matching(&self) -> impl Iterator<Item = Matching<'a>> {
        self.shared.into_iter().chain(self.own)
    }
}
