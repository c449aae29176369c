//! What was spent, in total and by flow, user and provider.

use serde::Serialize;

use super::ledger::{LedgerDimension, LedgerFilter, LedgerReads, LedgerTotal};
use super::scope::Caller;
use crate::money::Money;
use crate::store::StoreError;

/// What the report calls requests that were made on nobody's behalf.
const NOBODY: &str = "system";

/// What was spent, in total and in shares, the largest share first.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CostSummary {
    /// The sum in dollars.
    pub total: f64,
    /// The sum in nano-dollars.
    pub total_nanos: Money,
    /// How many requests were made.
    pub entry_count: u64,
    /// By flow.
    pub by_flow: Vec<CostShare>,
    /// By user; `system` are those of nobody.
    pub by_user: Vec<CostShare>,
    /// By provider.
    pub by_provider: Vec<CostShare>,
    /// How many requests have no known price, so that the sums say too little.
    pub unpriced_count: u64,
}

/// A share of what was spent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CostShare {
    /// Whose share.
    pub name: String,
    /// Its cost in dollars.
    pub cost: f64,
    /// Its cost in nano-dollars.
    pub cost_nanos: Money,
    /// How many requests were made.
    pub count: u64,
}

impl CostSummary {
    /// Sums up what of `filter` a caller may see.
    ///
    /// # Errors
    /// Fails when the store does.
    pub async fn read(
        ledger: &dyn LedgerReads,
        filter: LedgerFilter,
        caller: &Caller,
    ) -> Result<Self, StoreError> {
        let Some(filter) = filter.seen_by(caller) else { return Ok(Self::default()) };
        let by = |dimension| ledger.ledger_totals(&filter, Some(dimension));
        let total = ledger.ledger_totals(&filter, None).await?.into_iter().next();
        let total = total.unwrap_or_default();
        Ok(Self {
            total: total.cost.as_dollars(),
            total_nanos: total.cost,
            entry_count: total.count,
            by_flow: shares(by(LedgerDimension::Flow).await?),
            by_user: shares(by(LedgerDimension::User).await?),
            by_provider: shares(by(LedgerDimension::Provider).await?),
            unpriced_count: total.unpriced,
        })
    }
}

impl LedgerFilter {
    /// Returns what of it a caller may see; `None` when that is nothing.
    #[must_use]
    pub fn seen_by(mut self, caller: &Caller) -> Option<Self> {
        let Some(own) = &caller.tenant else { return Some(self) };
        if self.tenant.as_ref().is_some_and(|wanted| wanted != own) {
            return None;
        }
        self.tenant = Some(own.clone());
        Some(self)
    }
}

fn shares(totals: Vec<LedgerTotal>) -> Vec<CostShare> {
    let mut shares: Vec<_> = totals.into_iter().map(share).collect();
    shares.sort_by(|a, b| (b.cost_nanos, &a.name).cmp(&(a.cost_nanos, &b.name)));
    shares
}

fn share(total: LedgerTotal) -> CostShare {
    CostShare {
        name: total.name.unwrap_or_else(|| NOBODY.to_owned()),
        cost: total.cost.as_dollars(),
        cost_nanos: total.cost,
        count: total.count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TenantId;

    #[test]
    fn a_tenant_sees_its_own_rows_and_nobody_elses() {
        let own = TenantId::new("acme").unwrap();
        let caller = Caller::tenant(own.clone());
        let seen = LedgerFilter::default().seen_by(&caller).unwrap();
        assert_eq!(seen.tenant, Some(own));
        let other = Some(TenantId::new("umbrella").unwrap());
        let wanted = LedgerFilter { tenant: other, ..LedgerFilter::default() };
        assert_eq!(wanted.clone().seen_by(&caller), None);
        assert_eq!(wanted.clone().seen_by(&Caller::default()), Some(wanted));
    }

    #[test]
    fn the_largest_share_comes_first_and_nobody_is_the_system() {
        let total = |name: Option<&str>, nanos| LedgerTotal {
            name: name.map(str::to_owned),
            cost: Money::from_nanos(nanos),
            ..LedgerTotal::default()
        };
        let found = shares(vec![total(Some("b"), 1), total(None, 5), total(Some("a"), 1)]);
        let names: Vec<_> = found.iter().map(|share| share.name.as_str()).collect();
        assert_eq!(names, ["system", "a", "b"]);
    }
}
