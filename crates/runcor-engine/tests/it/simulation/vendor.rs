//! A vendor of models, and whoever stands before it and counts the money.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runcor_core::{
    AttemptPlan, BudgetLimit, BudgetScope, BudgetWindow, Budgets, Caller, Clock, Error, ErrorCode,
    ManualClock, ModelRequest, ModelResponse, ModelService, ModelStream, Money, NopSink, Result,
    Store, TokenPrice, TopUp, Usage,
};
use runcor_cost::{BudgetLimits, CostConfig, CostKeeper};

use super::world::Effects;

/// A nano-dollar for each token.
const PRICE: TokenPrice = TokenPrice {
    input_picos: 1_000,
    output_picos: 1_000,
    cached_picos: None,
    reasoning_picos: None,
    long: None,
};

/// The hard limit of everybody's spending: a few requests at once.
pub(crate) const LIMIT: Money = Money::from_nanos(700);

/// Counts money, with a budget for which flows wait.
pub(crate) fn keeper(store: Arc<dyn Store>, clock: &ManualClock) -> Arc<CostKeeper> {
    let global = BudgetLimit::hard(LIMIT).within(BudgetWindow::None).pausing();
    let budgets = BudgetLimits { global: Some(global), ..BudgetLimits::default() };
    let config = CostConfig { budgets, ..CostConfig::default() };
    CostKeeper::new(config, store, Arc::new(clock.clone()), Arc::new(NopSink))
}

/// Adds to the budget.
pub(crate) async fn top_up(keeper: &CostKeeper) {
    let (subject, tenant) = (String::new(), None);
    let amount = Money::from_nanos(300);
    let wish = TopUp { scope: BudgetScope::Global, subject, tenant, amount };
    drop(keeper.top_up(&Caller::default(), &wish).await);
}

/// Answers after a while, and sometimes not; it notes what it was asked.
#[derive(Debug)]
pub(crate) struct Vendor {
    pub(crate) effects: Effects,
    pub(crate) clock: ManualClock,
}

#[async_trait]
impl ModelService for Vendor {
    /// Asks as a router does: money first, then the vendor, then the truth.
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse> {
        let plan = AttemptPlan {
            provider: "vendor",
            request: &request,
            price: Some(PRICE),
            now: self.clock.now(),
        };
        let held = request.scope.reserve(plan).await?;
        let scope = &request.scope;
        let id = scope.execution().map(|id| id.to_string()).unwrap_or_default();
        let key = format!("{id}:{}", scope.path().unwrap_or_default());
        tokio::task::yield_now().await;
        let fails = request.prompt.as_deref() == Some("fails at first")
            && !self.effects.lock().contains_key(&format!("{key} failed"));
        let key = if fails { format!("{key} failed") } else { key };
        *self.effects.lock().entry(key).or_insert(0) += 1;
        tokio::task::yield_now().await;
        if fails {
            held.failed(Duration::ZERO);
            return Err(Error::new(ErrorCode::ProviderError, "overloaded").retryable(None));
        }
        let usage = Usage { prompt_tokens: 20, completion_tokens: 30, ..Usage::default() };
        held.answered("model", usage, Duration::ZERO);
        Ok(ModelResponse { text: "yes".to_owned(), usage, ..ModelResponse::default() })
    }

    async fn stream(&self, _: ModelRequest) -> Result<ModelStream> {
        Err(Error::new(ErrorCode::InvalidRequest, "it does not stream"))
    }
}
