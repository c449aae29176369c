//! Models that are called without an engine.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use runcor_core::{
    AttemptOutcome, AttemptPlan, Clock, Error, ErrorCode, ManualClock, ModelChunk, ModelRequest,
    ModelResponse, ModelService, ModelStream, Money, StoreError,
};
use runcor_cost::{BudgetLimits, CostConfig, Metered};
use runcor_store_memory::MemoryStore;
use runcor_testkit::FaultStore;

use crate::bed::{Bed, PRICE, caller, flow, hard, micros, output, spec};

/// Asks the meter as the router does, and answers with three tokens; fails where
/// that is asked for.
#[derive(Debug)]
pub(crate) struct Vendor {
    pub(crate) clock: ManualClock,
    pub(crate) used: u64,
}

impl Vendor {
    async fn ask(&self, request: &ModelRequest) -> Result<ModelResponse, Error> {
        let now = self.clock.now();
        let plan = AttemptPlan { provider: "p", request, price: Some(PRICE), now };
        let held = request.scope.reserve(plan).await?;
        tokio::task::yield_now().await;
        if request.prompt.as_deref() == Some("fail") {
            held.failed(Duration::ZERO);
            return Err(Error::new(ErrorCode::ProviderError, "no"));
        }
        held.answered("m-1", output(self.used), Duration::ZERO);
        Ok(ModelResponse { text: "three words here".to_owned(), ..ModelResponse::default() })
    }
}

#[async_trait]
impl ModelService for Vendor {
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, Error> {
        self.ask(&request).await
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, Error> {
        let response = Box::new(self.ask(&request).await?);
        let text = ModelChunk::TextDelta { text: response.text.clone() };
        Ok(Box::pin(stream::iter([Ok(text), Ok(ModelChunk::Finished { response })])))
    }
}

fn metered(bed: &Bed) -> Metered {
    let vendor = Arc::new(Vendor { clock: bed.clock.clone(), used: 3 });
    Metered::new(vendor, Arc::clone(&bed.keeper), flow("chat"))
}

fn global(amount: i64) -> BudgetLimits {
    BudgetLimits { global: hard(amount), ..BudgetLimits::default() }
}

fn request(text: &str) -> ModelRequest {
    ModelRequest::prompt(text).with_max_tokens(9)
}

#[tokio::test]
async fn an_answer_is_paid_for_before_it_is_handed_on() {
    let bed = Bed::new(global(99));
    let models = metered(&bed).on_behalf_of(caller(Some("ada"), None));
    models.complete(request("hi")).await.unwrap();
    assert_eq!(bed.global().await.spent, micros(3));
    let row = bed.rows().await.remove(0);
    assert_eq!((row.flow_name, row.user_id), (flow("chat"), caller(Some("ada"), None).user));
}

#[tokio::test]
async fn a_stream_is_paid_for_before_its_end_is_handed_on() {
    let bed = Bed::new(global(99));
    let mut pieces = metered(&bed).stream(request("hi")).await.unwrap();
    while let Some(piece) = pieces.next().await {
        if let ModelChunk::Finished { .. } = piece.unwrap() {
            assert_eq!(bed.global().await.used(), micros(3));
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_given_up_is_paid_for_with_the_next_call() {
    let bed = Bed::new(global(99));
    let pieces = metered(&bed).stream(request("hi")).await.unwrap();
    drop(pieces);
    assert_eq!(bed.global().await.spent, Money::ZERO);
    metered(&bed).complete(request("hi")).await.unwrap();
    assert_eq!(bed.global().await.spent, micros(6));
}

#[tokio::test]
async fn a_failure_is_a_row_that_costs_nothing() {
    let bed = Bed::new(global(99));
    metered(&bed).complete(request("fail")).await.unwrap_err();
    assert!(metered(&bed).stream(request("fail")).await.is_err());
    let rows = bed.rows().await;
    assert_eq!((rows.len(), rows[0].outcome), (2, AttemptOutcome::Failed));
    assert_eq!(bed.global().await.used(), Money::ZERO);
}

#[tokio::test]
async fn an_answer_is_not_thrown_away_because_the_store_is_away() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let config = CostConfig::default();
    let bed = Bed::on(config, Arc::<FaultStore>::clone(&store));
    store.begin_outage(StoreError::Unavailable { message: "no line".to_owned() });
    assert!(metered(&bed).complete(request("hi")).await.is_ok());
    store.recover();
    metered(&bed).complete(request("hi")).await.unwrap();
    assert_eq!(bed.rows().await.len(), 2);
}

#[tokio::test]
async fn the_bills_of_flows_are_left_to_the_engine() {
    let bed = Bed::new(global(99));
    let scope = bed.within(&spec("f"), None);
    metered(&bed).complete(request("hi").with_scope(scope.clone())).await.unwrap();
    assert!(bed.rows().await.is_empty());
    assert_eq!(scope.take_bill().entries.len(), 1);
}

#[tokio::test]
async fn a_request_may_say_itself_on_whose_behalf_it_is_made() {
    let bed = Bed::new(BudgetLimits { per_user: hard(3), ..BudgetLimits::default() });
    let by = |user| request("hi").with_max_tokens(3).with_scope(bed.of("other", Some(user)));
    metered(&bed).complete(by("ada")).await.unwrap();
    let refused = metered(&bed).complete(by("ada")).await.unwrap_err();
    assert_eq!(refused.details().unwrap()["scopeKey"], "user:ada");
    metered(&bed).complete(by("bob")).await.unwrap();
    assert_eq!(bed.rows().await[0].flow_name, flow("other"));
}
