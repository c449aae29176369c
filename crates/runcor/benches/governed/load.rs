//! The load: bare calls of the provider, and executions one after the other.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runcor::model::ModelProvider;

use crate::bed::{self, Bed};

/// What executions took.
pub(crate) struct Executions {
    /// Each of them, from the trigger until its end was told, in nanoseconds.
    pub(crate) each: Vec<u64>,
    /// All of them, with what is done after their ends.
    pub(crate) whole: Duration,
}

/// Calls the provider itself, and returns how long each call took in nanoseconds.
pub(crate) async fn bare(calls: u64) -> Vec<u64> {
    let provider: Arc<dyn ModelProvider> = Arc::new(bed::Instantly::default());
    let request = bed::request();
    let mut took = Vec::with_capacity(usize::try_from(calls).unwrap_or(0));
    for _ in 0..calls {
        let request = black_box(request.clone());
        let begun = Instant::now();
        let answer = black_box(provider.complete(&request).await).expect("an answer");
        took.push(bed::nanos(begun.elapsed()));
        drop(answer);
    }
    took
}

/// Runs executions of one model call, and waits for whatever is done about them.
pub(crate) async fn executions(bed: &Bed, count: u64) -> Executions {
    let mut each = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    let all = Instant::now();
    for _ in 0..count {
        let begun = Instant::now();
        bed.run(1).await;
        each.push(bed::nanos(begun.elapsed()));
    }
    bed.settle().await;
    Executions { each, whole: all.elapsed() }
}
