//! Typed flows: schemas from types, checked before the handler runs.

use runcor_core::{ErrorCode, Flow, FlowContext, FlowError, FlowName, Runtime, Trigger};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::bed::{Bed, Kind, on_every_store};

on_every_store!(
    a_typed_flow_takes_its_input_and_gives_its_output,
    a_wrong_input_is_refused_with_its_place
);

#[derive(Debug, Deserialize, JsonSchema)]
struct Order {
    cents: u64,
    #[serde(default)]
    items: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Receipt {
    total: u64,
    lines: usize,
}

fn pay() -> Flow {
    Flow::typed(FlowName::new("pay").unwrap(), |_ctx: FlowContext, order: Order| async move {
        Ok::<_, FlowError>(Receipt { total: order.cents, lines: order.items.len() })
    })
}

async fn a_typed_flow_takes_its_input_and_gives_its_output(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.engine.register(pay()).unwrap();
    let order = Trigger::new("k", json!({ "cents": 120, "items": ["tea"] }));
    let ended = bed.engine.run("pay", order).await.unwrap();
    assert_eq!(ended.status.result.as_deref(), Some(&json!({ "total": 120, "lines": 1 })));
    let info = bed.engine.flows().remove(0);
    assert_eq!(info.input_schema.unwrap()["required"], json!(["cents"]));
    assert_eq!(info.output_schema.unwrap()["required"], json!(["total", "lines"]));
}

async fn a_wrong_input_is_refused_with_its_place(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.engine.register(pay()).unwrap();
    for wrong in [json!({ "cents": -1 }), json!({ "cents": "many" }), json!([])] {
        let error = bed.engine.trigger("pay", Trigger::new("k", wrong)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
    }
    let wrong = Trigger::new("k", json!({ "cents": 1, "items": [7] }));
    let error = bed.engine.trigger("pay", wrong).await.unwrap_err();
    assert_eq!(error.details().unwrap()["errors"][0]["path"], "/items/0");
}
