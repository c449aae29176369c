//! Paths: the identity of everything that a handler does, the same in every run.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

tokio::task_local! {
    /// The path of the step or branch whose body is being polled.
    static SCOPE: Arc<str>;
}

/// Counts how often each name was met in one run of a handler.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    met: Mutex<HashMap<String, u32>>,
}

/// The place of one thing: its scope and name, and how often that was met.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    name: String,
    number: u32,
}

impl Counts {
    /// Meets a name once more in the present scope.
    pub(crate) fn meet(&self, name: &str) -> Place {
        let name = match SCOPE.try_with(|scope| format!("{scope}/{name}")) {
            Ok(nested) => nested,
            Err(_) => name.to_owned(),
        };
        let mut met = self.met.lock();
        let number = met.entry(name.clone()).or_insert(0);
        *number += 1;
        Place { number: *number, name }
    }

    /// Makes a place free for whoever meets the name next: what stood there
    /// has failed for now, left nothing behind, and is perhaps tried again.
    /// What was met inside of it is met again from the first on.
    pub(crate) fn give_back(&self, place: &Place) {
        let mut met = self.met.lock();
        if let Some(number) = met.get_mut(&place.name).filter(|number| **number == place.number) {
            *number -= 1;
            let inside = format!("{}/", place.path());
            met.retain(|name, _| !name.starts_with(&inside));
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
