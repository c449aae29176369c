//! From the sections `costs`, `policy` and `evaluation` to what governs a runtime.

use runcor_config::section::{Budget, Budgets, Costs, Provider, ProviderType, Unpriced};
use runcor_core::{BudgetWindow, Error, ErrorCode, MemoryLimits, Result};
use runcor_cost::{BudgetLimits, CostConfig, PriceBook, Vendor};
use runcor_policy::PolicyConfig;
use runcor_policy::guardrail::GuardrailConfig;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Project;
use super::evaluation::evaluator;
use crate::builder::{Builder, Runcor};
use crate::governing::EvaluationSettings;

impl Project {
    /// Adds what counts, allows and looks, as the file wants it.
    pub(super) fn govern(&self, builder: Builder) -> Result<Builder> {
        let builder = builder.costs(self.cost_config()).memory_limits(self.memory_limits());
        let builder = self.add_policy(builder)?;
        Ok(match &self.config.evaluation {
            Some(section) => builder.evaluation(EvaluationSettings {
                auto_flag_below: section.auto_flag_score_threshold,
                concurrency: section.concurrency.map(|it| usize::try_from(it).unwrap_or(1)),
            }),
            None => builder,
        })
    }

    /// Adds the evaluators of the file, which may ask the models of the runtime.
    pub(super) fn add_evaluators(&self, runcor: &Runcor) -> Result<()> {
        let Some(evaluators) = runcor.evaluators() else { return Ok(()) };
        let entries = self.config.evaluation.iter().flat_map(|section| &section.evaluators);
        for entry in entries {
            let guardrails = runcor.guardrails();
            evaluators.add(evaluator(entry, runcor.models(), runcor.costs(), guardrails)?)?;
        }
        Ok(())
    }

    fn memory_limits(&self) -> MemoryLimits {
        let section = &self.config.memory;
        let wide = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX);
        MemoryLimits {
            max_key_bytes: wide(section.max_key_bytes),
            max_value_bytes: wide(section.max_value_bytes),
            max_entries: section.max_entries,
        }
    }

    /// Counts the money of every project: who sets no budget still wants to know.
    fn cost_config(&self) -> CostConfig {
        let costs = self.config.costs.clone().unwrap_or_default();
        CostConfig {
            warning_threshold: costs.warning_threshold,
            default_token_estimate: costs.default_token_estimate,
            max_ledger_entries: Some(u64::from(costs.max_ledger_entries)),
            budgets: costs.budgets.as_ref().map(limits).unwrap_or_default(),
            reservation_lifetime: costs.reservation_lifetime(),
            unpriced: match costs.unpriced {
                Unpriced::Allow => runcor_cost::Unpriced::Allow,
                Unpriced::Deny => runcor_cost::Unpriced::Deny,
            },
            prices: prices(&costs, &self.config.providers),
        }
    }

    fn add_policy(&self, mut builder: Builder) -> Result<Builder> {
        if let Some(config) = self.policy_config()? {
            builder = builder.policies(config);
        }
        if let Some(config) = self.guardrail_config()? {
            builder = builder.guardrail_config(config);
        }
        Ok(builder)
    }

    /// Returns who may do what, if the file says anything of it.
    pub(super) fn policy_config(&self) -> Result<Option<PolicyConfig>> {
        self.policy_section().map(read).transpose()
    }

    /// Returns what guardrails the file describes, if any.
    pub(super) fn guardrail_config(&self) -> Result<Option<GuardrailConfig>> {
        let config = self.policy_section().map(read::<GuardrailConfig>).transpose()?;
        Ok(config.filter(|config| !config.is_empty()))
    }

    fn policy_section(&self) -> Option<Value> {
        // What was read from a file can be written as JSON.
        serde_json::to_value(self.config.policy.as_ref()?).ok()
    }
}

fn limits(budgets: &Budgets) -> BudgetLimits {
    let limit = |budget: &Option<Budget>, window| budget.as_ref().map(|it| it.to_limit(window));
    let daily = BudgetWindow::Daily;
    BudgetLimits {
        per_request: limit(&budgets.per_request, BudgetWindow::None),
        per_execution: limit(&budgets.per_execution, BudgetWindow::None),
        per_user: limit(&budgets.per_user, daily),
        per_flow: limit(&budgets.per_flow, daily),
        per_tenant: limit(&budgets.per_tenant, daily),
        global: limit(&budgets.global, daily),
    }
}

fn prices(costs: &Costs, providers: &[Provider]) -> PriceBook {
    let book = providers.iter().fold(PriceBook::published(), |book, provider| {
        let default_model = provider.model().map(str::to_owned);
        book.with_provider(provider.registered_name(), vendor(provider), default_model)
    });
    costs.prices().fold(book, |book, (model, price)| book.with_price(model, price))
}

/// Says whose prices hold: what speaks a vendor's protocol elsewhere has its own.
fn vendor(provider: &Provider) -> Vendor {
    match (provider.kind, &provider.base_url) {
        (ProviderType::Ollama | ProviderType::Mock, _) => Vendor::Free,
        (_, Some(_)) => Vendor::Any,
        (ProviderType::Anthropic, None) => Vendor::Anthropic,
        (ProviderType::Openai, None) => Vendor::OpenAi,
        (ProviderType::Google, None) => Vendor::Google,
    }
}

/// Reads what was checked by the configuration already.
fn read<T: DeserializeOwned>(section: Value) -> Result<T> {
    serde_json::from_value(section).map_err(|error| invalid(&error))
}

fn invalid(error: &serde_json::Error) -> Error {
    Error::new(ErrorCode::InvalidConfig, format!("runcor.yaml: {error}"))
}
