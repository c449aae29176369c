//! What a request may cost, before it is made.

use std::time::Duration;

use runcor_core::{
    AttemptId, AttemptOutcome, AttemptPlan, CallScope, FlowName, LedgerEntry, Money, TokenPrice,
    Usage,
};

use crate::config::CostConfig;
use crate::estimate::Volume;

/// What is known of a request and of its cost before it is made.
#[derive(Debug)]
pub(super) struct Quote {
    /// Its row, should nobody ever tell what came of it.
    pub(super) entry: LedgerEntry,
    pub(super) price: Option<TokenPrice>,
    /// The most that it can use.
    pub(super) ceiling: Usage,
    /// What it probably costs.
    pub(super) estimated: Money,
    /// The most that it can cost.
    pub(super) most: Money,
}

impl Quote {
    pub(super) fn of(
        config: &CostConfig,
        flow: &FlowName,
        scope: &CallScope,
        plan: &AttemptPlan<'_>,
    ) -> Self {
        let model = plan.request.model.as_deref();
        let model =
            model.or_else(|| config.prices.default_model(plan.provider)).unwrap_or_default();
        let price = plan.price.or_else(|| config.prices.price(plan.provider, model, plan.now));
        let volume = Volume::of(plan.request);
        let ceiling = volume.ceiling(plan.request);
        let ceiling = price.map_or(ceiling, |price| dearest(price, ceiling));
        let cost = |usage: &Usage| price.map_or(Money::ZERO, |price| price.cost(usage));
        let presumed = volume.estimate(plan.request, config.default_token_estimate);
        let most = cost(&ceiling);
        let entry = LedgerEntry {
            id: AttemptId::mint(plan.now),
            timestamp: plan.now,
            execution_id: scope.execution(),
            path: scope.path().map(str::to_owned),
            flow_name: flow.clone(),
            user_id: scope.caller().and_then(|caller| caller.user.clone()),
            tenant_id: scope.caller().and_then(|caller| caller.tenant.clone()),
            provider: plan.provider.to_owned(),
            model: model.to_owned(),
            usage: ceiling,
            cost: most,
            outcome: AttemptOutcome::Lost,
            unpriced: price.is_none(),
            duration: Duration::ZERO,
        };
        Self { entry, price, ceiling, estimated: cost(&presumed).min(most), most }
    }
}

/// Returns the usage at its dearest: vendors may charge more for reasoning, or even for their cache.
fn dearest(price: TokenPrice, usage: Usage) -> Usage {
    let all_if = |part: Option<i64>, whole: i64, tokens: u64| {
        if part.is_some_and(|part| part > whole) { tokens } else { 0 }
    };
    let input = usage.prompt_tokens;
    let cached_tokens = match price.long.filter(|long| input > long.above) {
        Some(long) => all_if(long.cached_picos, long.input_picos, input),
        None => all_if(price.cached_picos, price.input_picos, input),
    };
    let output = usage.completion_tokens;
    let reasoning_tokens = all_if(price.reasoning_picos, price.output_picos, output);
    Usage { cached_tokens, reasoning_tokens, ..usage }
}

#[cfg(test)]
mod tests {
    use runcor_core::{ModelRequest, Timestamp};

    use super::*;

    fn quote(config: &CostConfig, request: &ModelRequest, price: TokenPrice) -> Quote {
        let now = Timestamp::from_millis(1_795_000_000_000);
        let plan = AttemptPlan { provider: "p", request, price: Some(price), now };
        Quote::of(config, &FlowName::new("f").unwrap(), &CallScope::default(), &plan)
    }

    #[test]
    fn the_most_covers_reasoning_that_is_dearer_than_other_output() {
        let price = TokenPrice {
            output_picos: 1_000,
            reasoning_picos: Some(3_000),
            ..TokenPrice::default()
        };
        let request = ModelRequest::prompt("x").with_max_tokens(10);
        let config = CostConfig::default();
        assert_eq!(quote(&config, &request, price).most, Money::from_nanos(30));
    }

    #[test]
    fn the_estimate_is_never_above_the_most() {
        let price = TokenPrice { output_picos: 1_000, ..TokenPrice::default() };
        let request = ModelRequest::prompt("x");
        let usual = quote(&CostConfig::default(), &request, price);
        assert_eq!((usual.most.as_nanos(), usual.estimated.as_nanos()), (1_024, 1_000));
        let config = CostConfig { default_token_estimate: 9_999, ..CostConfig::default() };
        let generous = quote(&config, &request, price);
        assert_eq!(generous.estimated, generous.most);
    }
}
