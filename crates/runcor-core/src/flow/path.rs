//! Paths: the identity of everything that a handler does, the same in every run.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::hash::RequestHash;

tokio::task_local! {
    /// The path of the step or branch whose body is being polled.
    static SCOPE: Arc<str>;
}

/// Counts how often each name was met in one run of a handler.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    met: Mutex<HashMap<String, Numbers>>,
}

/// The numbers of one name.
#[derive(Debug, Default)]
struct Numbers {
    last: u32,
    /// Places that were given back, and what was asked for there.
    free: Vec<(u32, Option<RequestHash>)>,
}

/// The place of one thing: its scope and name, and how often that was met.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    name: String,
    number: u32,
    request: Option<RequestHash>,
}

impl Counts {
    /// Meets a name once more in the present scope, at a place that was given
    /// back if the same was asked for there: else the next run, which begins
    /// with what was asked first, would find another question's answer.
    pub(crate) fn meet(&self, name: &str, request: Option<RequestHash>) -> Place {
        let name = match SCOPE.try_with(|scope| format!("{scope}/{name}")) {
            Ok(nested) => nested,
            Err(_) => name.to_owned(),
        };
        let mut met = self.met.lock();
        let number = met.entry(name.clone()).or_default().next(request);
        Place { name, number, request }
    }

    /// Makes a place free for whoever meets the name next: what stood there
    /// has failed for now, left nothing behind, and is perhaps tried again.
    /// What was met inside of it is met again from the first on.
    pub(crate) fn give_back(&self, place: &Place) {
        let mut met = self.met.lock();
        let Some(numbers) = met.get_mut(&place.name) else { return };
        if numbers.free.iter().all(|(number, _)| *number != place.number) {
            numbers.free.push((place.number, place.request));
            let inside = format!("{}/", place.path());
            met.retain(|name, _| !name.starts_with(&inside));
        }
    }

    /// Makes a place free unless it is kept before the loan is dropped, be it
    /// with the future that holds it.
    pub(crate) fn lend<'c>(&'c self, place: &'c Place) -> Loan<'c> {
        Loan { counts: self, place, is_kept: false }
    }
}

impl Numbers {
    fn next(&mut self, request: Option<RequestHash>) -> u32 {
        let fits =
            |then: Option<RequestHash>| then.is_none() || request.is_none() || then == request;
        match self.free.iter().position(|(_, then)| fits(*then)) {
            Some(at) => self.free.remove(at).0,
            None => {
                self.last += 1;
                self.last
            }
        }
    }
}

/// A place that is given back unless it is kept.
#[derive(Debug)]
pub(crate) struct Loan<'c> {
    counts: &'c Counts,
    place: &'c Place,
    is_kept: bool,
}

impl Loan<'_> {
    /// Keeps the place: something stands there now.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.counts.give_back(self.place);
        }
    }
}

impl Place {
    /// Returns the path, such as `charge#1` or `fetch#1/7/model#1`.
    pub(crate) fn path(&self) -> String {
        format!("{}#{}", self.name, self.number)
    }
}

/// Runs `work` in a scope: what it meets is nested below `path`.
pub(crate) async fn within<T>(path: &str, work: impl Future<Output = T>) -> T {
    SCOPE.scope(Arc::from(path), work).await
}
