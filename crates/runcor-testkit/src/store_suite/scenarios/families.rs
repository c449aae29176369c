//! Families: children are found by the execution that called them.

use runcor_core::{
    Batch, Execution, ExecutionId, ExecutionQuery, ExecutionState, ForkChanges, ForkOrigin, Order,
    Parent, RequestHash,
};

use crate::ExecutionBuilder;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::delete_op;
use crate::store_suite::subject::{Subject, at, complete, flow, ids, must, sample, worker};

fn parent(id: ExecutionId, path: &str) -> Parent {
    Parent { id, path: path.to_owned(), request: None, depth: 1 }
}

fn child_of(execution: &Execution) -> ExecutionBuilder {
    sample().parent(parent(execution.id(), "call#1"))
}

fn children(of: &Execution) -> ExecutionQuery {
    ExecutionQuery { parent: Some(of.id()), ..ExecutionQuery::default() }
}

pub(crate) async fn children_are_listed_by_their_parent(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let first = subject.running(sample(), worker(), at(1)).await;
    let second = subject.running(sample(), worker(), at(1)).await;
    let mut of_first = Vec::new();
    for number in 0..7 {
        of_first.push(subject.insert(child_of(&first).queued_at(at(number * 7 % 5))).await);
        subject.insert(sample()).await;
    }
    let of_second = subject.insert(child_of(&second)).await;
    let page = subject.list(&children(&first)).await;
    assert_eq!(page.items, of_first, "expected its own children in order of creation");
    assert_eq!(page.next, None, "expected no next page");
    assert_eq!(subject.ids(&children(&second)).await, [of_second.id()], "expected the other's");
    let none = subject.ids(&children(&of_second)).await;
    assert!(none.is_empty(), "expected a child to have no children, got {none:?}");
}

pub(crate) async fn children_come_in_pages_and_newest_first(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mother = subject.running(sample(), worker(), at(1)).await;
    let mut born = Vec::new();
    for _ in 0..5 {
        born.push(subject.insert(child_of(&mother)).await.id());
        subject.insert(sample()).await;
    }
    let mut query = ExecutionQuery { limit: 2, order: Order::Newest, ..children(&mother) };
    let mut found = Vec::new();
    for _ in 0..3 {
        let page = subject.list(&query).await;
        found.extend(ids(&page.items));
        query.after = page.next;
    }
    born.reverse();
    assert_eq!(found, born, "expected every child once, newest first");
    assert_eq!(query.after, None, "expected three pages to be all");
}

pub(crate) async fn a_parent_is_combined_with_other_filters(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mother = subject.running(sample(), worker(), at(1)).await;
    let mut ended = subject.running(child_of(&mother), worker(), at(1)).await;
    subject.change(&mut ended, complete(None), at(2)).await;
    let going_on = subject.insert(child_of(&mother).tenant("t")).await;
    subject.insert(sample().tenant("t")).await;
    let state = |state| ExecutionQuery { state: Some(state), ..children(&mother) };
    let found = subject.ids(&state(ExecutionState::Complete)).await;
    assert_eq!(found, [ended.id()], "expected the child that has ended");
    let found = subject.ids(&state(ExecutionState::Queued)).await;
    assert_eq!(found, [going_on.id()], "expected the child that has not");
    let tenant = going_on.spec.tenant_id.clone();
    let found = subject.ids(&ExecutionQuery { tenant, ..children(&mother) }).await;
    assert_eq!(found, [going_on.id()], "expected the child of the tenant");
    let other = ExecutionQuery { flow: Some(flow("g")), ..children(&mother) };
    assert!(subject.ids(&other).await.is_empty(), "expected no child of another flow");
}

pub(crate) async fn children_outlive_their_parent(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mother = subject.running(sample(), worker(), at(1)).await;
    let child = subject.insert(child_of(&mother)).await;
    subject.insert(sample()).await;
    let late = subject.insert(child_of(&mother)).await;
    subject.commit(Batch::new().with(delete_op(&mother))).await;
    subject.expect(&child, "after its parent was deleted").await;
    let found = subject.ids(&children(&mother)).await;
    assert_eq!(found, [child.id(), late.id()], "expected the children of one that is gone");
    subject.commit(Batch::new().with(delete_op(&child))).await;
    assert_eq!(subject.ids(&children(&mother)).await, [late.id()], "expected the rest");
}

pub(crate) async fn parents_and_forks_are_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for builder in relations() {
        let execution = subject.insert(builder).await;
        let found = must(subject.find(execution.id()).await, "the execution");
        assert_eq!(found.spec.parent, execution.spec.parent, "expected its parent");
        assert_eq!(found.spec.fork, execution.spec.fork, "expected where it comes from");
        subject.expect(&execution, "with its relations").await;
    }
}

/// Makes executions with every shape of relation.
pub(super) fn relations() -> Vec<ExecutionBuilder> {
    let of = sample().build().id();
    let request = Some(RequestHash::of(&serde_json::json!({ "flow": "g" })));
    let text = |text: &str| Some(text.to_owned());
    let changes = [
        ForkChanges::default(),
        ForkChanges { model: text("größeres-Modell"), ..ForkChanges::default() },
        ForkChanges { provider: text("openai"), ..ForkChanges::default() },
        ForkChanges {
            model: text("m"),
            provider: text("p"),
            system_prompt: text("Be „brief“."),
            prompt: text(""),
        },
    ];
    let forks =
        changes.map(|changes| ForkOrigin { of, at: "fetch#1/7/model#1".to_owned(), changes });
    let mut builders: Vec<_> = forks.into_iter().map(|fork| sample().fork(fork)).collect();
    builders.push(sample().parent(parent(of, "call#1")));
    builders.push(sample().parent(Parent { request, depth: u32::MAX, ..parent(of, "a/b#1") }));
    builders.push(sample().parent(parent(of, "")).replay_of(of).fork(ForkOrigin {
        of,
        at: String::new(),
        changes: ForkChanges::default(),
    }));
    builders
}
