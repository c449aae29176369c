//! The bed: a runtime with as much governance as its stage says, and a flow that calls a model.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;
use runcor::cost::{BudgetLimits, CostConfig};
use runcor::eval::{Evaluators, Expected};
use runcor::eval::{KeywordEvaluator, LengthEvaluator, Registration as Judge, Similarity};
use runcor::flow::{FlowName, FlowOutcome};
use runcor::governance::{BudgetLimit, GuardPhase, Operation, PolicyRequest};
use runcor::model::{
    ModelProvider, ModelRequest, ModelResponse, Money, ProviderError, ProviderStream, TokenPrice,
    Usage,
};
use runcor::policy::guardrail::{Guardrail, GuardrailMode, Guardrails, GuardrailsBuilder};
use runcor::policy::guardrail::{Pii, Secrets};
use runcor::policy::{Policies, PolicyConfig, RuleSpec, Verdict};
use runcor::router::Registration;
use runcor::store::Store;
use runcor::{EvaluationSettings, Flow, FlowContext, Runcor, Trigger};
use serde_json::{Value, json};

const FLOW: &str = "asks";
const ANSWER: &str = "Revenue grew by 12.5 percent, mostly in the region around Vienna; \
the open questions are the invoices as PDF and the tone of the second letter.";
const PROSE: &str = "The quarterly report of 2026 says that revenue grew by 12.5 percent, mostly \
in the region around Vienna; see the table on page 17. Customers asked for invoices as PDF, \
for which the team has planned six weeks. Please keep the tone friendly. ";

/// How much governance there is; each stage has everything before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Nothing but the router.
    Routing,
    /// The ledger, without a budget.
    Cost,
    /// Hard budgets of the user, the flow, the tenant and everybody.
    Budgets,
    /// Five rules about triggers.
    Rules,
    /// `pii` and `secrets` on what models are asked and answer.
    Guardrails,
    /// A sliding window for each user's triggers.
    RateLimit,
    /// Three evaluators that judge every execution.
    Evaluators,
}

impl Stage {
    pub(crate) const ALL: [Self; 7] = [
        Self::Routing,
        Self::Cost,
        Self::Budgets,
        Self::Rules,
        Self::Guardrails,
        Self::RateLimit,
        Self::Evaluators,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Routing => "routing only",
            Self::Cost => "+ cost tracking",
            Self::Budgets => "+ four budgets",
            Self::Rules => "+ five rules",
            Self::Guardrails => "+ two guardrails",
            Self::RateLimit => "+ one rate limit",
            Self::Evaluators => "+ three evaluators",
        }
    }
}

/// A runtime of a stage, and what its flow has measured.
pub(crate) struct Bed {
    runcor: Runcor,
    samples: Arc<Mutex<Vec<u64>>>,
    next: AtomicU64,
}

impl Bed {
    /// Starts a runtime whose provider is `pauses` times not ready before it answers.
    pub(crate) async fn start(stage: Stage, store: impl Store + 'static, pauses: u32) -> Self {
        let provider = Registration::new(Arc::new(Instantly { pauses })).with_price(price());
        let mut builder = Runcor::builder().store(store).registration(provider);
        if stage >= Stage::Cost {
            builder = builder.costs(costs(stage));
        }
        if stage >= Stage::Rules {
            builder = builder.policies(policy(stage));
        }
        if stage >= Stage::Guardrails {
            builder = builder.guardrails(guardrails());
        }
        if stage >= Stage::Evaluators {
            builder = builder.evaluation(EvaluationSettings::default());
        }
        let runcor = builder.start().await.expect("it starts");
        if let Some(policies) = runcor.policies() {
            add_rules(policies);
        }
        if let Some(evaluators) = runcor.evaluators() {
            add_evaluators(evaluators);
        }
        let samples = Arc::default();
        runcor.register(asking(Arc::clone(&samples))).expect("it registers");
        Self { runcor, samples, next: AtomicU64::new(0) }
    }

    /// Runs one execution with so many model calls, trigger to end.
    pub(crate) async fn run(&self, calls: u64) {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        // Scattered, as the keys of callers are.
        let key = format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut trigger = Trigger::new(key, json!({ "calls": calls, "amount": 7 }));
        trigger.user_id = Some("alice".to_owned());
        trigger.tenant_id = Some("acme".to_owned());
        trigger.metadata = Some(json!({ "channel": "web" }));
        let ended = self.runcor.run(FLOW, trigger).await.expect("it runs");
        assert!(ended.status.result.is_some(), "the flow failed: {:?}", ended.status.error);
    }

    /// Waits until every execution that is to be judged was judged.
    pub(crate) async fn settle(&self) {
        if self.runcor.evaluators().is_none() {
            return;
        }
        let quality = self.runcor.store().quality();
        loop {
            let open = quality.unevaluated(1).await.expect("the store answers");
            if open.is_empty() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Takes how long each model call took, in nanoseconds.
    pub(crate) fn take_samples(&self) -> Vec<u64> {
        std::mem::take(&mut self.samples.lock())
    }

    pub(crate) async fn stop(self) {
        self.runcor.shutdown().await.expect("it stops");
    }
}

/// Makes the request that is asked everywhere: a prompt of one KB.
pub(crate) fn request() -> ModelRequest {
    let prompt: String = PROSE.chars().cycle().take(1_024).collect();
    ModelRequest::prompt(prompt).with_model("instant-1").with_max_tokens(500)
}

/// A flow that makes as many calls as its input says, and tells how long each took.
fn asking(samples: Arc<Mutex<Vec<u64>>>) -> Flow {
    let handler = move |ctx: FlowContext| {
        let samples = Arc::clone(&samples);
        async move {
            let calls = ctx.input()["calls"].as_u64().unwrap_or(0);
            let request = request();
            let mut took = Vec::with_capacity(usize::try_from(calls).unwrap_or(0));
            for _ in 0..calls {
                let request = request.clone();
                let begun = Instant::now();
                let answer = ctx.model().complete(request).await?;
                took.push(nanos(begun.elapsed()));
                drop(answer);
            }
            samples.lock().append(&mut took);
            Ok(FlowOutcome::Complete(Value::String(ANSWER.to_owned())))
        }
    };
    Flow::new(FlowName::new(FLOW).expect("a name"), handler)
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A provider that takes no time of its own.
#[derive(Debug, Default)]
pub(crate) struct Instantly {
    /// How often it is not ready yet, as one behind a network never is at once.
    pauses: u32,
}

#[async_trait]
impl ModelProvider for Instantly {
    fn name(&self) -> &'static str {
        "instantly"
    }

    async fn complete(&self, _: &ModelRequest) -> Result<ModelResponse, ProviderError> {
        for _ in 0..self.pauses {
            tokio::task::yield_now().await;
        }
        Ok(ModelResponse {
            text: ANSWER.to_owned(),
            provider: "instantly".to_owned(),
            model: "instant-1".to_owned(),
            usage: Usage { prompt_tokens: 250, completion_tokens: 40, ..Usage::default() },
            ..ModelResponse::default()
        })
    }

    async fn stream(&self, _: &ModelRequest) -> Result<ProviderStream, ProviderError> {
        Ok(Box::pin(futures_util::stream::empty()))
    }
}

fn price() -> TokenPrice {
    TokenPrice { input_picos: 3_000_000, output_picos: 15_000_000, ..TokenPrice::default() }
}

fn costs(stage: Stage) -> CostConfig {
    let limit =
        (stage >= Stage::Budgets).then(|| BudgetLimit::hard(Money::from_dollars(1_000_000.0)));
    let budgets = BudgetLimits {
        per_user: limit,
        per_flow: limit,
        per_tenant: limit,
        global: limit,
        ..BudgetLimits::default()
    };
    CostConfig { budgets, ..CostConfig::default() }
}

/// Three of the five rules, and the limit.
fn policy(stage: Stage) -> PolicyConfig {
    let limits = if stage >= Stage::RateLimit {
        json!([{ "name": "per-user", "scope": "user", "limit": 1_000_000, "windowMs": 60_000 }])
    } else {
        json!([])
    };
    let config = json!({
        "rules": [
            { "name": "large", "operations": ["trigger"], "action": "deny",
              "when": [{ "input": "/amount", "greaterThan": 1_000_000 }] },
            { "name": "channel", "operations": ["*"], "action": "deny",
              "when": [{ "metadata": "/channel", "in": ["fax", "telex"] }] },
            { "name": "exports", "operations": ["trigger"], "flows": ["export"], "action": "deny" },
        ],
        "rateLimits": limits,
    });
    serde_json::from_value(config).expect("a sound configuration")
}

fn add_rules(policies: &Policies) {
    for name in ["first", "second"] {
        let rule = |request: &PolicyRequest<'_>| match request.caller.user {
            Some(_) => Verdict::Allow,
            None => Verdict::deny("nobody in particular"),
        };
        policies.add_rule(RuleSpec::new(name, [Operation::Trigger]), rule).expect("a sound rule");
    }
}

fn guardrails() -> GuardrailsBuilder {
    let phases = [GuardPhase::ModelRequest, GuardPhase::ModelResponse];
    let both = [Guardrail::built_in("pii", Pii::new()), Guardrail::built_in("secrets", Secrets)];
    both.into_iter().fold(Guardrails::builder(), |builder, it| {
        builder.guardrail(it.phases(phases).mode(GuardrailMode::Transform))
    })
}

fn add_evaluators(evaluators: &Evaluators) {
    let length = LengthEvaluator::new("length").between(Some(10), Some(1_000)).expect("a range");
    let words = vec!["revenue".to_owned()];
    let words = KeywordEvaluator::new("words").words(words, vec![]).expect("words");
    let alike = Similarity::new("alike", Expected::Value(json!(ANSWER)));
    for judge in [Judge::new(length), Judge::new(words), Judge::new(alike)] {
        evaluators.add(judge).expect("it can work");
    }
}
