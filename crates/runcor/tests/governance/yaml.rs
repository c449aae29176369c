//! Flows of files: they keep to their budgets, remember, and fail as policy says.

use std::time::Duration;

use runcor::cost::CostConfig;
use runcor::execution::{Execution, ExecutionState};
use runcor::flow::WaitKind;
use runcor::governance::{BudgetScope, Budgets, Caller, TopUp};
use runcor::model::Money;
use runcor::pipeline::{FlowFile, SafeHttp, WebhookPolicy, pipeline_flow};
use runcor::policy::guardrail::{GuardrailConfig, GuardrailSpec};
use runcor::testkit::ScriptedProvider;
use runcor::{Flow, Runtime, Trigger};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, answer, on_every_store, priced};

on_every_store![
    the_flow_of_the_guide_remembers_each_customer_by_itself,
    memory_steps_give_what_they_did_and_do_it_once,
    a_memory_step_with_another_value_diverges_and_a_removed_one_is_forgotten,
    a_value_of_another_shape_and_a_missing_key_or_user_fail_the_step,
    a_pausing_budget_of_a_file_waits_within_its_step_and_goes_on_after_a_top_up,
    a_failing_budget_of_a_file_asks_nobody_and_is_not_tried_again,
    a_blocked_question_of_a_file_fails_with_its_code_and_is_not_tried_again,
];

fn flow(yaml: &str) -> Flow {
    let spec = FlowFile::parse(yaml, "f.yaml").unwrap();
    pipeline_flow(spec, &SafeHttp::new(WebhookPolicy::default()).unwrap())
}

fn result(execution: Execution) -> Value {
    let status = execution.status;
    let error = status.error;
    status.result.unwrap_or_else(|| panic!("{error:?}")).as_ref().clone()
}

fn code(execution: Execution) -> String {
    execution.status.error.unwrap().code.unwrap()
}

fn of_the_guide() -> &'static str {
    let page = include_str!("../../../../docs/flows-yaml.md");
    let flow = page.split("```yaml\n").find(|text| text.starts_with("name: desk")).unwrap();
    flow.split("\n```").next().unwrap()
}

async fn the_flow_of_the_guide_remembers_each_customer_by_itself(kind: Kind) {
    let model = ["one", "two", "three"]
        .into_iter()
        .fold(ScriptedProvider::new("p"), |model, text| model.then(answer(text)));
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(CostConfig::default())).await;
    bed.runcor.register(flow(of_the_guide())).unwrap();
    let rounds = [("c-7", "Where is it?", 1), ("c-8", "How?", 1), ("c-7", "And now?", 2)];
    let mut results = Vec::new();
    for (index, (customer, question, _)) in rounds.into_iter().enumerate() {
        let input = json!({ "customer": customer, "question": question });
        let id = bed.trigger_with("desk", Trigger::new(index.to_string(), input)).await;
        results.push(result(bed.ended(id).await)["visit"].clone());
    }
    assert_eq!(results, rounds.map(|(_, _, visit)| json!(visit)));
    let asked: Vec<_> = model.requests().into_iter().map(|asked| asked.prompt.unwrap()).collect();
    assert!(asked[0].contains("\"earlier\":null"), "{asked:?}");
    assert!(asked[1].contains("\"earlier\":null"), "{asked:?}");
    assert!(asked[2].contains("\"earlier\":[\"Where is it?\"]"), "{asked:?}");
}

const ALL_ACTS: &str = "
name: f
steps:
  - { name: count, kind: memory, add: n, by: $.input }
  - { name: plus, kind: memory, add: n, by: 0.5 }
  - { name: last, kind: memory, append: list, value: $.input, keep: 2 }
  - { name: put, kind: memory, set: [k, $.input], value: { at: $.input }, ttl: 1h }
  - { name: got, kind: memory, get: [k, $.input] }
  - { name: none, kind: memory, get: nothing }
  - { name: all, kind: memory, list: 'k:' }
  - { name: gone, kind: memory, delete: [k, $.input] }
  - { name: left, kind: memory, list: 'k:' }
  - { name: pause, kind: wait }
  - name: result
    kind: parallel
    branches:
      x:
        - name: put-result
          kind: memory
          scope: session
          set: r
          value:
            - $.steps.count.output
            - $.steps.plus.output
            - $.steps.last.output
            - $.steps.got.output
            - $.steps.none.output
            - $.steps.all.output
            - $.steps.left.output
        - { name: get-result, kind: memory, scope: session, get: r }
";

async fn memory_steps_give_what_they_did_and_do_it_once(kind: Kind) {
    let bed = Bed::new(kind, |b| b).await;
    bed.runcor.register(flow(ALL_ACTS)).unwrap();
    for (input, count, last) in
        [(3, 3.0, json!([3])), (4, 7.5, json!([3, 4])), (5, 13.0, json!([4, 5]))]
    {
        let id = bed.trigger_with("f", Trigger::new(input.to_string(), json!(input))).await;
        bed.until(id, ExecutionState::Waiting).await;
        bed.runcor.resume(id, None).await.unwrap();
        let found = result(bed.ended(id).await)["x"].clone();
        let value = json!({ "at": input });
        assert_eq!(found[0].as_f64(), Some(count));
        assert_eq!(found[1].as_f64(), Some(count + 0.5));
        let listed = json!([{ "key": format!("k:{input}"), "value": value }]);
        let rest: Vec<_> = found.as_array().unwrap()[2..].to_vec();
        assert_eq!(json!(rest), json!([last, value, null, listed, []]));
    }
}

async fn a_memory_step_with_another_value_diverges_and_a_removed_one_is_forgotten(kind: Kind) {
    let file = |steps: &str| {
        flow(&format!("name: f\nsteps:\n{steps}\n  - {{ name: pause, kind: wait }}\n"))
    };
    let before = "  - { name: a, kind: memory, add: n, by: 1 }";
    for (index, (after, state)) in [
        ("  - { name: a, kind: memory, add: n, by: 2 }", ExecutionState::Failed),
        ("  - { name: a, kind: memory, add: m, by: 1 }", ExecutionState::Failed),
        ("  - { name: a, kind: memory, scope: session, add: n, by: 1 }", ExecutionState::Failed),
        ("  - { name: a, kind: memory, set: n, value: 1 }", ExecutionState::Failed),
        (before, ExecutionState::Complete),
        ("", ExecutionState::Complete),
    ]
    .into_iter()
    .enumerate()
    {
        let bed = Bed::new(kind, |b| b).await;
        bed.runcor.register(file(before)).unwrap();
        let id = bed.trigger("f", &index.to_string()).await;
        bed.until(id, ExecutionState::Waiting).await;
        bed.runcor.engine().register_or_replace(file(after)).unwrap();
        bed.runcor.resume(id, None).await.unwrap();
        let ended = bed.ended(id).await;
        assert_eq!(ended.state(), state, "{after}");
        if state == ExecutionState::Failed {
            assert_eq!(code(ended), "JOURNAL_DIVERGED");
        }
    }
}

async fn a_value_of_another_shape_and_a_missing_key_or_user_fail_the_step(kind: Kind) {
    let bed = Bed::new(kind, |b| b).await;
    for (name, step, expected) in [
        ("shape", "add: text", "INVALID_MEMORY_VALUE"),
        ("list", "append: text, value: 1", "INVALID_MEMORY_VALUE"),
        ("key", "get: [k, $.input.nothing]", "STEP_FAILED"),
        ("amount", "add: n, by: $.input.nothing", "STEP_FAILED"),
        ("user", "scope: user, get: k", "MISSING_USER_ID"),
    ] {
        let put = "  - { name: put, kind: memory, set: text, value: hello }";
        let step = format!("  - {{ name: a, kind: memory, {step} }}");
        bed.runcor.register(flow(&format!("name: {name}\nsteps:\n{put}\n{step}\n"))).unwrap();
        let id = bed.trigger(name, "k").await;
        assert_eq!(code(bed.ended(id).await), expected, "{name}");
    }
}

/// A flow that counts, asks twice and gives the second answer.
fn asks_twice(on_exceed: &str) -> Flow {
    flow(&format!(
        "
name: asks
budget: {{ limit: 0.0005, window: none, on_exceed: {on_exceed} }}
steps:
  - {{ name: count, kind: memory, add: n }}
  - {{ name: first, kind: agent, max_tokens: 20, retries: 3, input: hello }}
  - {{ name: second, kind: agent, max_tokens: 1000, retries: 3, input: hello }}
  - name: both
    kind: memory
    set: both
    value: [$.steps.count.output, $.steps.first.output.text, $.steps.second.output.text]
  - {{ name: result, kind: memory, get: both }}
"
    ))
}

async fn a_pausing_budget_of_a_file_waits_within_its_step_and_goes_on_after_a_top_up(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer("one")).then(answer("two"));
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(CostConfig::default())).await;
    bed.runcor.register(asks_twice("pause")).unwrap();
    let id = bed.trigger("asks", "k").await;
    let waiting = bed.until(id, ExecutionState::Waiting).await;
    assert_eq!(waiting.status.wait.unwrap().kind, WaitKind::Budget);
    assert_eq!(model.requests().len(), 1);
    let wish = TopUp {
        scope: BudgetScope::Flow,
        subject: "asks".to_owned(),
        tenant: None,
        amount: Money::from_dollars(0.01),
    };
    bed.runcor.costs().unwrap().top_up(&Caller::default(), &wish).await.unwrap();
    assert_eq!(bed.runcor.wake_budget_waits().await.unwrap(), 1);
    assert_eq!(result(bed.ended(id).await), json!([1, "one", "two"]));
    assert_eq!(model.requests().len(), 2);
}

async fn a_failing_budget_of_a_file_asks_nobody_and_is_not_tried_again(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer("one")).then(answer("two"));
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(CostConfig::default())).await;
    bed.runcor.register(asks_twice("fail")).unwrap();
    let id = bed.trigger("asks", "k").await;
    let ended = bed.ended(id).await;
    let error = ended.status.error.clone().unwrap();
    assert!(error.message.starts_with("step 'second': "), "{}", error.message);
    assert_eq!(code(ended), "BUDGET_EXCEEDED");
    assert_eq!(model.requests().len(), 1);
}

async fn a_blocked_question_of_a_file_fails_with_its_code_and_is_not_tried_again(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer("one"));
    let spec: GuardrailSpec = serde_json::from_value(json!({
        "name": "cards", "type": "pii", "phases": ["modelRequest"], "mode": "block",
        "kinds": ["card"],
    }))
    .unwrap();
    let guardrails = GuardrailConfig { guardrails: vec![spec], tenants: Vec::new() };
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).guardrail_config(guardrails)).await;
    let yaml = "name: f\nsteps:\n  - { name: ask, kind: agent, retries: 3, input: 'pay 4111 1111 1111 1111' }\n";
    bed.runcor.register(flow(yaml)).unwrap();
    let id = bed.trigger("f", "k").await;
    let ended = tokio::time::timeout(Duration::from_secs(20), bed.ended(id)).await.unwrap();
    assert_eq!(code(ended), "GUARDRAIL_BLOCKED");
    assert!(model.requests().is_empty());
}
