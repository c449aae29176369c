//! Memories inside of steps: own writes are seen, and become true with the result.

use runcor_core::{ErrorCode, FlowError, WaitSignal};
use serde_json::{Value, json};

use super::{add_one, add_one_elsewhere, seen};
use crate::shelf::Shelf;
use crate::support::Bed;

#[tokio::test]
async fn a_steps_writes_become_true_with_its_result() {
    let shelf = Shelf::default();
    let bed = Bed::beside(&shelf, |_| {});
    let run = async || {
        let ctx = bed.ctx();
        let memory = ctx.memory().tool();
        let shelf = shelf.clone();
        ctx.step("note", async move {
            memory.set("a", 1).await?;
            memory.update("a", add_one).await?;
            memory.set("gone", 1).await?;
            memory.delete("gone").await?;
            assert_eq!(memory.get("a").await?, Some(json!(2)), "it sees its own");
            assert_eq!(memory.get("gone").await?, None);
            assert_eq!(seen(&shelf, "a").await, None, "nobody else does");
            memory.get_as::<u32>("a").await
        })
        .await
    };
    assert_eq!(run().await.unwrap(), Some(2));
    assert_eq!(seen(&shelf, "a").await, Some(json!(2)));
    Bed::beside(&shelf, |_| {}).ctx().memory().tool().set("a", 7).await.unwrap();
    assert_eq!(run().await.unwrap(), Some(2), "it is remembered, and not done again");
    assert_eq!(seen(&shelf, "a").await, Some(json!(7)));
}

#[tokio::test]
async fn a_step_that_fails_pauses_or_is_dropped_has_written_nothing() {
    let shelf = Shelf::default();
    let bed = Bed::beside(&shelf, |_| {});
    let ctx = bed.ctx();
    let noting = async |name: &str, how: Result<(), FlowError>| {
        let memory = ctx.memory().tool();
        ctx.step(name, async move {
            memory.set("a", 1).await?;
            how
        })
        .await
    };
    noting("later", Err(FlowError::retryable("busy"))).await.unwrap_err();
    noting("never", Err(FlowError::new(ErrorCode::StepFailed, "no"))).await.unwrap_err();
    let waiting = ctx.step("wait", async {
        ctx.memory().tool().set("a", 1).await?;
        ctx.wait_for(WaitSignal::new("?")).await
    });
    waiting.await.unwrap_err();
    tokio::select! {
        biased;
        _ = ctx.step("slow", async {
            ctx.memory().tool().set("a", 1).await?;
            std::future::pending::<Result<(), FlowError>>().await
        }) => {}
        () = tokio::task::yield_now() => {}
    }
    assert_eq!(seen(&shelf, "a").await, None);
    noting("later", Ok(())).await.unwrap();
    assert_eq!(seen(&shelf, "a").await, Some(json!(1)));
}

#[tokio::test]
async fn a_step_within_a_step_has_writes_of_its_own() {
    let shelf = Shelf::default();
    let bed = Bed::beside(&shelf, |_| {});
    let ctx = bed.ctx();
    let outer = ctx.step("outer", async {
        ctx.memory().tool().set("outer", 1).await?;
        let inner = ctx.step("inner", async {
            ctx.memory().tool().set("inner", 1).await?;
            ctx.memory().tool().get("outer").await
        });
        assert_eq!(inner.await?, None, "what is not written is not seen");
        assert_eq!(ctx.memory().tool().get("inner").await?, Some(json!(1)));
        Err::<(), _>(FlowError::retryable("busy"))
    });
    outer.await.unwrap_err();
    assert_eq!(seen(&shelf, "inner").await, Some(json!(1)));
    assert_eq!(seen(&shelf, "outer").await, None);
}

#[tokio::test]
async fn a_steps_update_is_made_to_what_stands_there_when_it_ends() {
    let shelf = Shelf::default();
    let bed = Bed::beside(&shelf, |_| {});
    let ctx = bed.ctx();
    let in_step = ctx.step("count", async {
        let seen = ctx.memory().tool().update("n", add_one).await?;
        add_one_elsewhere(&shelf, "n").await;
        Ok(seen)
    });
    assert_eq!(in_step.await.unwrap(), Some(json!(1)));
    assert_eq!(seen(&shelf, "n").await, Some(json!(2)));
}

#[tokio::test]
async fn a_list_shows_a_step_its_own_writes_page_by_page() {
    let bed = Bed::new();
    let ctx = bed.ctx();
    let memory = ctx.memory().tool();
    for key in ["k/1", "k/3", "k/5", "k/7", "other"] {
        memory.set(key, 0).await.unwrap();
    }
    let pages = ctx.step("list", async {
        memory.set("k/2", 1).await?;
        memory.delete("k/3").await?;
        memory.update("k/5", |_| Some(json!(9))).await?;
        memory.set("k/8", 1).await?;
        let (mut pages, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = memory.list("k/", after.as_deref(), 2).await?;
            pages.push(page.items.iter().map(|it| (it.key.clone(), it.value.clone())).collect());
            after = page.next;
            if after.is_none() {
                return Ok::<Vec<Vec<(String, Value)>>, FlowError>(pages);
            }
        }
    });
    let all: Vec<_> = pages.await.unwrap().into_iter().flatten().collect();
    let expected = [("k/1", 0), ("k/2", 1), ("k/5", 9), ("k/7", 0), ("k/8", 1)];
    let expected: Vec<_> = expected.map(|(k, v)| (k.to_owned(), json!(v))).into();
    assert_eq!(all, expected);
}
