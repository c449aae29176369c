//! Parallel branches with paths of their own.

use futures_util::future::join_all;

use super::context::FlowContext;
use super::error::FlowError;
use super::path;
use super::wait::Suspension;

impl FlowContext {
    /// Runs branches side by side and returns their results in order.
    ///
    /// What branch *i* does is nested below `name#n/i`, so that its identity
    /// does not depend on which branch is faster. Every branch runs to its end
    /// before this one does: to a result, a failure, or a wait. Several
    /// hundred branches are fine.
    ///
    /// ```
    /// # use runcor_core::{FlowContext, FlowError};
    /// async fn total(ctx: FlowContext) -> Result<u64, FlowError> {
    ///     let branches = (1..=3_u64).map(|n| ctx.step("square", async move { Ok(n * n) }));
    ///     Ok(ctx.join("squares", branches).await?.into_iter().sum())
    /// }
    /// ```
    ///
    /// # Errors
    /// Returns the first branch's error, in the order of the branches; when
    /// none has failed and some wait, the error that pauses the flow.
    pub async fn join<T, Fut>(
        &self,
        name: &str,
        branches: impl IntoIterator<Item = Fut>,
    ) -> Result<Vec<T>, FlowError>
    where
        Fut: Future<Output = Result<T, FlowError>>,
    {
        let branches = branches.into_iter().enumerate();
        self.join_named(name, branches.map(|(number, branch)| (number.to_string(), branch))).await
    }

    /// As [`join`](Self::join), with names for the branches: what branch
    /// `stock` does is nested below `name#n/stock`, so that its identity does
    /// not depend on its position among the others.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub async fn join_named<T, N, Fut>(
        &self,
        name: &str,
        branches: impl IntoIterator<Item = (N, Fut)>,
    ) -> Result<Vec<T>, FlowError>
    where
        N: AsRef<str>,
        Fut: Future<Output = Result<T, FlowError>>,
    {
        let place = self.counts().meet(name, None);
        let loan = self.counts().lend(&place);
        let scope = place.path();
        let branches: Vec<_> = branches
            .into_iter()
            .map(|(label, branch)| {
                let path = format!("{scope}/{}", label.as_ref());
                async move { path::within(&path, branch).await }
            })
            .collect();
        let gathered = self.gather(join_all(branches).await);
        if gathered.as_ref().err().is_none_or(FlowError::is_for_good) {
            loan.keep();
        }
        gathered
    }

    fn gather<T>(&self, results: Vec<Result<T, FlowError>>) -> Result<Vec<T>, FlowError> {
        let mut done = Vec::with_capacity(results.len());
        let mut pause: Option<Suspension> = None;
        let mut failure = None;
        for result in results {
            match result.map_err(FlowError::into_suspension) {
                Ok(value) => done.push(value),
                Err(Ok(other)) => {
                    pause = Some(match pause.take() {
                        Some(first) => first.join(other),
                        None => other,
                    });
                }
                Err(Err(error)) => failure = failure.or(Some(error)),
            }
        }
        match (failure, pause) {
            (Some(error), _) => {
                self.note_suspension(None);
                Err(error)
            }
            (None, Some(pause)) => Err(self.suspend(pause)),
            (None, None) => Ok(done),
        }
    }
}
