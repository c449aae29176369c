//! Budgets as people handle them: looked at, and topped up.

use async_trait::async_trait;

use runcor_core::{
    AccountId, Batch, BudgetAccount, BudgetKey, BudgetScope, BudgetStatus, BudgetToppedUp, Budgets,
    Caller, Error, ErrorCode, Event, ExecutionId, Money, Op, Result, TenantId, Timestamp, TopUp,
};

use super::CostKeeper;

/// The most budgets of one scope that are shown.
const MAX_SHOWN: usize = 1_000;

#[async_trait]
impl Budgets for CostKeeper {
    async fn budgets(&self, caller: &Caller) -> Result<Vec<BudgetStatus>> {
        let (now, ledger) = (self.clock.now(), self.store.ledger());
        let mut found = Vec::new();
        for scope in BudgetScope::ALL {
            let accounts = ledger.budget_accounts(Some(scope), now, MAX_SHOWN).await?;
            found.extend(accounts.into_iter().filter_map(|(account, state)| {
                let is_seen = caller.sees(account.key.tenant.as_ref());
                is_seen.then(|| self.status(account, state)).flatten()
            }));
        }
        found.extend(self.untouched(caller, now, &found));
        Ok(found)
    }

    async fn top_up(&self, caller: &Caller, wish: &TopUp) -> Result<BudgetStatus> {
        if wish.amount <= Money::ZERO {
            let message = "the amount must be above zero";
            return Err(Error::new(ErrorCode::ValidationError, message));
        }
        let key = self.owner(caller, wish).await?;
        let Some(limit) = self.limits.of_key(&key) else { return Err(not_found(&key)) };
        let now = self.clock.now();
        let account = AccountId::at(key, limit.window, now);
        let batch = Batch::new()
            .with(Op::TopUp { account: Box::new(account.clone()), amount: wish.amount })
            .with(Op::Emit(topped_up(&account.key, wish.amount, now)));
        self.store.commit(batch).await?;
        let state = self.store.ledger().budget_account(&account).await?.unwrap_or_default();
        Ok(BudgetStatus { until: account.until(), account, limit, state })
    }
}

impl CostKeeper {
    /// Returns the budget of all while nothing is spent of it, so that nobody
    /// takes it for missing. Whom others are for is not known before they spend.
    fn untouched(
        &self,
        caller: &Caller,
        now: Timestamp,
        found: &[BudgetStatus],
    ) -> Option<BudgetStatus> {
        let key = BudgetKey { scope: BudgetScope::Global, tenant: None, subject: String::new() };
        let is_shown = found.iter().any(|budget| budget.account.key == key);
        let limit = self.limits.of_key(&key)?;
        let account = AccountId::at(key, limit.window, now);
        let is_seen = caller.sees(account.key.tenant.as_ref());
        (is_seen && !is_shown).then(|| self.status(account, BudgetAccount::default())).flatten()
    }

    /// Returns how a budget stands; `None` when it no longer limits anything.
    fn status(&self, account: AccountId, state: BudgetAccount) -> Option<BudgetStatus> {
        let limit = self.limits.of_key(&account.key)?;
        // Accounts of a window that was configured before say nothing any more.
        (limit.window == account.window).then(|| BudgetStatus {
            until: account.until(),
            account,
            limit,
            state,
        })
    }

    /// Returns whose budget is meant, if the caller may add to it.
    async fn owner(&self, caller: &Caller, wish: &TopUp) -> Result<BudgetKey> {
        let key = self.named(caller, wish).await?;
        // What a tenant may spend is not for the tenant to say.
        let is_allowed = key.scope != BudgetScope::Tenant || caller.tenant.is_none();
        if key.scope == BudgetScope::Request || !caller.sees(key.tenant.as_ref()) || !is_allowed {
            return Err(not_found(&key));
        }
        let is_of_no_tenant = matches!(key.scope, BudgetScope::Global | BudgetScope::Flow);
        if is_of_no_tenant && wish.tenant.is_some() {
            let message = format!("the budget {key} is everybody's; leave the tenant out");
            return Err(Error::new(ErrorCode::ValidationError, message));
        }
        if key.subject.is_empty() && key.scope != BudgetScope::Global {
            let message = format!("name the {} whose budget is meant", key.scope.as_str());
            return Err(Error::new(ErrorCode::ValidationError, message));
        }
        Ok(key)
    }

    async fn named(&self, caller: &Caller, wish: &TopUp) -> Result<BudgetKey> {
        let subject = wish.subject.clone();
        let given = || wish.tenant.clone().or_else(|| caller.tenant.clone());
        let (tenant, subject) = match wish.scope {
            BudgetScope::Request | BudgetScope::Flow => (None, subject),
            BudgetScope::Global => (None, String::new()),
            BudgetScope::User => (given(), subject),
            BudgetScope::Tenant => (TenantId::new(subject.clone()).ok(), subject),
            BudgetScope::Execution => (self.tenant_of(&subject).await?, subject),
        };
        Ok(BudgetKey { scope: wish.scope, tenant, subject })
    }

    /// Returns the tenant of an execution.
    async fn tenant_of(&self, execution: &str) -> Result<Option<TenantId>> {
        let Ok(id) = execution.parse::<ExecutionId>() else {
            let message = "an execution's budget is named by the id of the execution";
            return Err(Error::new(ErrorCode::ValidationError, message));
        };
        let found = self.store.execution(id).await?;
        Ok(found.and_then(|execution| execution.spec.tenant_id.clone()))
    }
}

fn not_found(key: &BudgetKey) -> Error {
    let message = format!(
        "no budget {key} is configured that you may add to; see costs.budgets and `runcor budgets`"
    );
    Error::new(ErrorCode::BudgetNotFound, message)
}

fn topped_up(key: &BudgetKey, amount: Money, now: Timestamp) -> Event {
    Event::BudgetToppedUp(BudgetToppedUp {
        scope: key.scope,
        scope_key: key.to_string(),
        amount: amount.as_dollars(),
        tenant_id: key.tenant.clone(),
        timestamp: now,
    })
}
