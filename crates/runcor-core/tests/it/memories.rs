//! What a flow's memories promise, through retries, crashes and other executions.

mod laws;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{
    ErrorCode, FlowContext, FlowError, FlowName, JournalKind, MemoryEntry, MemoryLimits,
    ModelRequest, TenantId, UserId,
};
use serde_json::{Value, json};

use crate::shelf::Shelf;
use crate::support::Bed;

fn of_user(shelf: &Shelf, user: &str) -> Bed {
    Bed::beside(shelf, |spec| spec.user_id = Some(UserId::new(user).unwrap()))
}

fn code<T: std::fmt::Debug>(result: Result<T, FlowError>) -> String {
    result.unwrap_err().code().unwrap_or("none").to_owned()
}

fn keys(items: &[MemoryEntry]) -> Vec<&str> {
    items.iter().map(|entry| entry.key.as_str()).collect()
}

/// Looks at a memory as somebody else does.
async fn seen(shelf: &Shelf, key: &str) -> Option<Value> {
    let (shelf, key) = (shelf.clone(), key.to_owned());
    let look = async move { Bed::beside(&shelf, |_| {}).ctx().memory().tool().get(&key).await };
    // In a task of its own, since a step's writes are seen wherever the step's task looks.
    tokio::spawn(look).await.unwrap().unwrap()
}

/// Counts on as somebody else does.
async fn add_one_elsewhere(shelf: &Shelf, key: &'static str) {
    let ctx = Bed::beside(shelf, |_| {}).ctx();
    let add = async move { ctx.memory().tool().update(key, add_one).await };
    tokio::spawn(add).await.unwrap().unwrap();
}

fn add_one(before: Option<Value>) -> Option<Value> {
    Some(json!(before.and_then(|it| it.as_u64()).unwrap_or(0) + 1))
}

#[tokio::test]
async fn a_tools_memory_outlives_the_execution_and_is_its_flows_alone() {
    let shelf = Shelf::default();
    let ctx = Bed::beside(&shelf, |_| {}).ctx();
    ctx.memory().tool().set("seen", json!({ "n": 1 })).await.unwrap();
    assert_eq!(seen(&shelf, "seen").await, Some(json!({ "n": 1 })));
    let other = Bed::beside(&shelf, |spec| spec.flow = FlowName::new("g").unwrap());
    assert_eq!(other.ctx().memory().tool().get("seen").await.unwrap(), None);
}

#[tokio::test]
async fn a_users_memory_is_shared_by_all_flows_and_missing_without_a_user() {
    let shelf = Shelf::default();
    let alice = of_user(&shelf, "alice").ctx();
    alice.memory().user().unwrap().set("likes", "tea").await.unwrap();
    let elsewhere = Bed::beside(&shelf, |spec| {
        spec.flow = FlowName::new("g").unwrap();
        spec.user_id = Some(UserId::new("alice").unwrap());
    });
    let likes: Option<String> =
        elsewhere.ctx().memory().user().unwrap().get_as("likes").await.unwrap();
    assert_eq!(likes.as_deref(), Some("tea"));
    let nobody = Bed::new().ctx().memory().user();
    assert_eq!(nobody.unwrap_err().code(), ErrorCode::MissingUserId);
}

#[tokio::test]
async fn a_session_is_one_executions_alone() {
    let shelf = Shelf::default();
    let ctx = Bed::beside(&shelf, |_| {}).ctx();
    ctx.memory().session().set("k", 1).await.unwrap();
    assert_eq!(ctx.memory().session().get("k").await.unwrap(), Some(json!(1)));
    let other = Bed::beside(&shelf, |_| {}).ctx();
    assert_eq!(other.memory().session().get("k").await.unwrap(), None);
}

#[tokio::test]
async fn no_name_of_a_user_reaches_into_the_memory_of_another() {
    let shelf = Shelf::default();
    let colon = of_user(&shelf, "a:b").ctx();
    colon.memory().user().unwrap().set("secret", 1).await.unwrap();
    let plain = of_user(&shelf, "a").ctx();
    let plain = plain.memory().user().unwrap();
    assert_eq!(plain.get("b:secret").await.unwrap(), None);
    assert!(plain.list("", None, 10).await.unwrap().items.is_empty());
    // Nor does a flow of the same name as a user.
    let flow = Bed::beside(&shelf, |spec| spec.flow = FlowName::new("a:b").unwrap()).ctx();
    assert_eq!(flow.memory().tool().get("secret").await.unwrap(), None);
}

#[tokio::test]
async fn two_tenants_with_one_user_and_one_flow_share_nothing() {
    let shelf = Shelf::default();
    let of = |tenant: &str| {
        Bed::beside(&shelf, |spec| {
            spec.tenant_id = Some(TenantId::new(tenant).unwrap());
            spec.user_id = Some(UserId::new("alice").unwrap());
        })
        .ctx()
        .memory()
    };
    of("one").tool().set("k", 1).await.unwrap();
    of("one").user().unwrap().set("k", 1).await.unwrap();
    assert_eq!(of("two").tool().get("k").await.unwrap(), None);
    assert_eq!(of("two").user().unwrap().get("k").await.unwrap(), None);
    assert_eq!(seen(&shelf, "k").await, None, "nor does whoever has no tenant");
}

#[tokio::test]
async fn a_value_is_there_until_the_very_instant_at_which_it_expires() {
    let bed = Bed::new();
    let ctx = bed.ctx();
    let memory = ctx.memory().tool();
    memory.set_for("short", 1, Duration::from_millis(50)).await.unwrap();
    memory.set_for("for ever", 1, Duration::ZERO).await.unwrap();
    bed.clock.advance(Duration::from_millis(49));
    assert_eq!(memory.get("short").await.unwrap(), Some(json!(1)));
    bed.clock.advance(Duration::from_millis(1));
    assert_eq!(memory.get("short").await.unwrap(), None);
    assert_eq!(keys(&memory.list("", None, 10).await.unwrap().items), ["for ever"]);
    // Setting it anew sets its time anew.
    memory.set_for("short", 2, Duration::from_millis(50)).await.unwrap();
    memory.set("short", 3).await.unwrap();
    bed.clock.advance(Duration::from_secs(3600));
    assert_eq!(memory.get("short").await.unwrap(), Some(json!(3)));
}

#[tokio::test]
async fn an_update_leaves_the_time_of_a_value_as_it_is() {
    let bed = Bed::new();
    let ctx = bed.ctx();
    let memory = ctx.memory().tool();
    memory.set_for("n", 1, Duration::from_secs(10)).await.unwrap();
    bed.clock.advance(Duration::from_secs(9));
    assert_eq!(memory.update("n", add_one).await.unwrap(), Some(json!(2)));
    bed.clock.advance(Duration::from_secs(1));
    assert_eq!(memory.get("n").await.unwrap(), None);
    // What has expired counts as absent.
    assert_eq!(memory.update("n", add_one).await.unwrap(), Some(json!(1)));
}

#[tokio::test]
async fn keys_and_values_that_can_t_be_kept_are_refused_and_leave_nothing() {
    let mut bed = Bed::new();
    bed.limits = MemoryLimits { max_value_bytes: 8, max_key_bytes: 4, max_entries: 1 };
    let ctx = bed.ctx();
    let memory = ctx.memory().tool();
    assert_eq!(code(memory.set("", 1).await), "INVALID_MEMORY_KEY");
    assert_eq!(code(memory.get("").await), "INVALID_MEMORY_KEY");
    assert_eq!(code(memory.delete("12345").await), "INVALID_MEMORY_KEY");
    assert_eq!(code(memory.set("k", "123456789").await), "INVALID_MEMORY_VALUE");
    let odd = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert_eq!(code(memory.set("k", odd).await), "INVALID_MEMORY_VALUE");
    assert_eq!(
        code(memory.update("k", |_| Some(json!("123456789"))).await),
        "INVALID_MEMORY_VALUE"
    );
    assert!(bed.journal.paths().is_empty());
    memory.set("k", 1).await.unwrap();
    assert_eq!(code(memory.set("l", 1).await), "MEMORY_FULL");
    memory.set("k", 2).await.unwrap();
    memory.delete("none").await.unwrap();
}

#[tokio::test]
async fn a_value_of_another_shape_is_refused_without_being_told() {
    let ctx = Bed::new().ctx();
    let memory = ctx.memory().tool();
    memory.set("k", "hunter2").await.unwrap();
    let error = memory.get_as::<u32>("k").await.unwrap_err();
    assert_eq!(error.code(), Some("INVALID_MEMORY_VALUE"));
    assert!(!error.message().contains("hunter2"), "{}", error.message());
    assert_eq!(code(memory.update_as("k", |n: Option<u32>| n).await), "INVALID_MEMORY_VALUE");
    assert_eq!(memory.get("k").await.unwrap(), Some(json!("hunter2")));
}

#[tokio::test]
async fn a_handler_that_runs_again_reads_the_same_and_writes_nothing_twice() {
    let shelf = Shelf::default();
    let bed = Bed::beside(&shelf, |_| {});
    let run = async |value: u64| {
        let ctx = bed.ctx();
        let memory = ctx.memory().tool();
        let before = memory.get("at").await.unwrap();
        memory.set("at", value).await.unwrap();
        let count = memory.update("n", add_one).await.unwrap();
        (before, count)
    };
    assert_eq!(run(1).await, (None, Some(json!(1))));
    // Somebody else writes before the handler runs again, which has other words by now.
    let other = Bed::beside(&shelf, |_| {}).ctx();
    other.memory().tool().set("at", 99).await.unwrap();
    assert_eq!(run(2).await, (None, Some(json!(1))));
    assert_eq!(seen(&shelf, "at").await, Some(json!(99)));
    assert_eq!(seen(&shelf, "n").await, Some(json!(1)));
}

#[tokio::test]
async fn another_question_at_the_place_of_an_old_one_is_divergence() {
    let bed = Bed::new();
    bed.ctx().memory().tool().set("a", 1).await.unwrap();
    assert_eq!(code(bed.ctx().memory().tool().set("b", 1).await), "JOURNAL_DIVERGED");
    assert_eq!(code(bed.ctx().memory().tool().delete("a").await), "JOURNAL_DIVERGED");
    assert_eq!(code(bed.ctx().memory().session().set("a", 1).await), "JOURNAL_DIVERGED");
}

#[tokio::test]
async fn what_was_read_is_durable_before_anything_is_done_because_of_it() {
    let shelf = Shelf::default();
    let bed = Bed::beside(&shelf, |_| {});
    let other = Bed::beside(&shelf, |_| {}).ctx();
    other.memory().tool().set("k", "old").await.unwrap();
    let (ctx, journal) = (bed.ctx(), Arc::clone(&bed.journal));
    let read = ctx.memory().tool().get("k").await.unwrap();
    assert!(bed.journal.paths().is_empty(), "a look alone costs no commit");
    let at_work = ctx.step("act", async move { Ok(journal.paths()) }).await.unwrap();
    assert_eq!(at_work, [("memory#1".to_owned(), true), ("act#1".to_owned(), false)]);
    other.memory().tool().set("k", "new").await.unwrap();
    assert_eq!(bed.ctx().memory().tool().get("k").await.unwrap(), read);
}

#[tokio::test]
async fn a_look_that_nothing_followed_is_taken_anew_after_a_crash() {
    let shelf = Shelf::default();
    let bed = Bed::beside(&shelf, |_| {});
    assert_eq!(bed.ctx().memory().tool().get("k").await.unwrap(), None);
    Bed::beside(&shelf, |_| {}).ctx().memory().tool().set("k", 1).await.unwrap();
    assert_eq!(bed.ctx().memory().tool().get("k").await.unwrap(), Some(json!(1)));
}

#[tokio::test]
async fn a_model_is_asked_only_once_what_was_read_for_it_is_durable() {
    let bed = Bed::new();
    let ctx = bed.ctx();
    bed.models.answers.lock().push_back(Ok(Default::default()));
    ctx.memory().tool().get("k").await.unwrap();
    ctx.model().complete(ModelRequest::prompt("x")).await.unwrap();
    let kinds: Vec<_> = bed.journal.entries.lock().iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [JournalKind::Memory, JournalKind::Model]);
}

#[tokio::test]
async fn a_look_that_failed_leaves_its_place_to_the_next() {
    let shelf = Shelf::default();
    let bed = Bed::beside(&shelf, |_| {});
    let ctx = bed.ctx();
    shelf.set_away(true);
    assert_eq!(code(ctx.memory().tool().get("k").await), "STORAGE_UNAVAILABLE");
    assert_eq!(code(ctx.memory().tool().update("n", add_one).await), "STORAGE_UNAVAILABLE");
    shelf.set_away(false);
    ctx.memory().tool().get("k").await.unwrap();
    ctx.memory().tool().update("n", add_one).await.unwrap();
    assert_eq!(bed.journal.paths(), [("memory#1".to_owned(), true), ("memory#2".to_owned(), true)]);
    // A run without trouble meets the same places.
    let again = bed.ctx();
    again.memory().tool().get("k").await.unwrap();
    again.memory().tool().update("n", add_one).await.unwrap();
    assert_eq!(seen(&shelf, "n").await, Some(json!(1)));
}

#[tokio::test]
async fn what_the_guide_shows_works() {
    let bed = of_user(&Shelf::default(), "ada");
    let flow = async |ctx: FlowContext| -> Result<(), FlowError> {
        let memory = ctx.memory().user()?;
        let name: Option<String> = memory.get_as("name").await?;
        assert_eq!(name, None);
        memory.set("name", "Ada").await?;
        memory.set_for("otp", 4711, Duration::from_secs(300)).await?;
        memory.update_as("visits", |n: Option<u32>| Some(n.unwrap_or(0) + 1)).await?;
        memory.delete("draft").await?;
        let page = memory.list("o", None, 100).await?;
        assert_eq!(keys(&page.items), ["otp"]);
        Ok(())
    };
    flow(bed.ctx()).await.unwrap();
    flow(bed.ctx()).await.unwrap();
    let visits = bed.ctx();
    let visits = visits.memory().user().unwrap().list("visits", None, 1).await.unwrap();
    assert_eq!(visits.items[0].value, json!(1));
}
