//! What a router can't be built from.

use std::collections::HashSet;

use super::RouterBuilder;
use crate::error::Error;
use crate::registration::Registration;

impl RouterBuilder {
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |problem: &str| Err(Error::InvalidConfig(problem.to_owned()));
        if self.providers.is_empty() {
            return refuse("the router has no provider; register at least one");
        }
        if self.policy.threshold == 0 {
            return refuse("the failure threshold is 0; it must be 1 or more");
        }
        if self.retries.attempts == 0 {
            return refuse("the retries allow 0 attempts; they must allow 1 or more");
        }
        if self.timeout.is_some_and(|limit| limit.is_zero()) {
            return refuse("the timeout is 0; it must be longer, or left out");
        }
        if self.hedge.is_some_and(|hedge| !(0.0..=1.0).contains(&hedge.after)) {
            return refuse("the hedge begins after a share that is not between 0 and 1");
        }
        let mut names = HashSet::new();
        for given in &self.providers {
            let name = given.provider.name();
            check_one(name, given)?;
            if !names.insert(name) {
                return Err(Error::DuplicateProvider(name.to_owned()));
            }
        }
        Ok(())
    }
}

fn check_one(name: &str, given: &Registration) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(Error::InvalidConfig("a provider has no name; give it one".to_owned()));
    }
    if given.priority == 0 {
        let problem = format!("the priority of provider {name:?} is 0; it must be 1 or more");
        return Err(Error::InvalidConfig(problem));
    }
    if given.timeout.is_some_and(|limit| limit.is_zero()) {
        let problem = format!("the timeout of provider {name:?} is 0; leave it out for none");
        return Err(Error::InvalidConfig(problem));
    }
    if given.models.iter().any(|model| model.trim().is_empty()) {
        let problem = format!("provider {name:?} lists a model without a name; remove it");
        return Err(Error::InvalidConfig(problem));
    }
    Ok(())
}
