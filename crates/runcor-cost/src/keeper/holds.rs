//! Which budgets apply to a request, and what it sets aside in each.

use std::collections::HashMap;

use parking_lot::RwLock;

use runcor_core::{
    AccountId, BudgetHold, BudgetKey, BudgetLimit, BudgetScope, CallScope, Enforcement, FlowName,
    Money, TenantId, Timestamp,
};

use super::quote::Quote;
use crate::config::{BudgetLimits, CostConfig};

/// Parts of which a threshold has so many.
const MILLION: f64 = 1e6;
/// The most flows whose own budgets are remembered.
const MAX_FLOWS: usize = 10_000;

/// The limits, ready to be held against.
#[derive(Debug)]
pub(super) struct Limits {
    limits: BudgetLimits,
    /// The part of a limit at which a warning is due, in millionths.
    warn_millionths: i64,
    /// Budgets of flows, in place of the one that holds for every flow.
    flows: RwLock<HashMap<FlowName, BudgetLimit>>,
}

impl Limits {
    #[expect(clippy::cast_possible_truncation, reason = "between zero and a million")]
    pub(super) fn of(config: &CostConfig) -> Self {
        let warn_millionths = (config.warning_threshold.clamp(0.0, 1.0) * MILLION).round() as i64;
        Self { limits: config.budgets.clone(), warn_millionths, flows: RwLock::default() }
    }

    /// Returns the limit of a scope for a request, if anybody looks.
    pub(super) fn of_scope(&self, scope: BudgetScope, call: &CallScope) -> Option<BudgetLimit> {
        let own = (scope == BudgetScope::Flow).then(|| call.flow_budget()).flatten();
        enabled(own.or_else(|| self.limits.of(scope)))
    }

    /// Returns the limit of an owner, whoever asks.
    pub(super) fn of_key(&self, key: &BudgetKey) -> Option<BudgetLimit> {
        let own = match key.scope {
            BudgetScope::Flow => self.flows.read().get(key.subject.as_str()).copied(),
            _ => None,
        };
        enabled(own.or_else(|| self.limits.of(key.scope)))
    }

    pub(super) fn set_flow(&self, flow: &FlowName, budget: Option<BudgetLimit>) {
        if self.flows.read().get(flow).copied() == budget {
            return;
        }
        let mut flows = self.flows.write();
        match budget {
            Some(budget) if flows.len() < MAX_FLOWS || flows.contains_key(flow) => {
                flows.insert(flow.clone(), budget);
            }
            Some(_) => {}
            None => {
                flows.remove(flow);
            }
        }
    }

    /// Returns whether a hard budget applies to a request, whatever it costs.
    pub(super) fn are_hard_for(&self, call: &CallScope) -> bool {
        let is_hard = |scope| {
            self.of_scope(scope, call).is_some_and(|limit| limit.enforcement == Enforcement::Hard)
        };
        BudgetScope::ALL.into_iter().any(|scope| {
            (scope == BudgetScope::Request || key(scope, call).is_some()) && is_hard(scope)
        })
    }

    /// Returns what a request sets aside, in the order in which budgets are judged.
    ///
    /// Hard budgets get the most that it can cost, others what it probably
    /// costs. What costs nothing sets nothing aside.
    pub(super) fn holds(&self, quote: &Quote, call: &CallScope, now: Timestamp) -> Vec<BudgetHold> {
        if quote.most == Money::ZERO {
            return Vec::new();
        }
        if let (Some(flow), Some(own)) = (call.flow(), call.flow_budget()) {
            self.set_flow(flow, Some(own));
        }
        BudgetScope::ALL
            .into_iter()
            .filter_map(|scope| {
                let limit = self.of_scope(scope, call)?;
                Some(self.hold(key(scope, call)?, limit, quote, now))
            })
            .collect()
    }

    fn hold(
        &self,
        key: BudgetKey,
        limit: BudgetLimit,
        quote: &Quote,
        now: Timestamp,
    ) -> BudgetHold {
        let hard = limit.enforcement == Enforcement::Hard;
        BudgetHold {
            account: AccountId::at(key, limit.window, now),
            amount: if hard { quote.most } else { quote.estimated },
            limit: limit.limit,
            hard,
            warn_at: self.warn_at(limit.limit),
        }
    }

    fn warn_at(&self, limit: Money) -> Money {
        let nanos = i128::from(limit.as_nanos()) * i128::from(self.warn_millionths) / 1_000_000;
        Money::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

fn enabled(limit: Option<BudgetLimit>) -> Option<BudgetLimit> {
    limit.filter(|limit| limit.enforcement != Enforcement::Disabled)
}

/// Returns the owner whom a request charges in a scope, if it has one.
fn key(scope: BudgetScope, call: &CallScope) -> Option<BudgetKey> {
    let tenant = || call.caller().and_then(|caller| caller.tenant.clone());
    let (tenant, subject): (Option<TenantId>, String) = match scope {
        BudgetScope::Request => return None,
        BudgetScope::Execution => (tenant(), call.execution()?.to_string()),
        BudgetScope::User => (tenant(), call.caller()?.user.as_ref()?.to_string()),
        // A flow is everybody's.
        BudgetScope::Flow => (None, call.flow()?.to_string()),
        BudgetScope::Tenant => {
            let tenant = tenant()?;
            let subject = tenant.to_string();
            (Some(tenant), subject)
        }
        BudgetScope::Global => (None, String::new()),
    };
    Some(BudgetKey { scope, tenant, subject })
}
