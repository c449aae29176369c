//! Laws of access control, against an oracle that is written the slow way.

use std::collections::BTreeSet;

use proptest::prelude::*;
use runcor_core::{Caller, Operation, Policy};
use serde_json::{Map, Value, json};

use crate::support::{Ask, Bed, caller};

const FLOWS: [&str; 3] = ["f", "g", "h"];
const WHO: [&str; 8] = ["", "a", "b", "a@a", "a@b", "b@a", "@a", "c@c"];
const IDENTITIES: [&str; 7] = ["*", "user:a", "user:b", "tenant:a", "tenant:b", "a", "b"];

/// One access policy in words.
#[derive(Debug, Clone, Default)]
struct Words {
    identity: String,
    /// Allowed flows, denied flows, allowed operations, denied operations.
    lists: [Option<Vec<String>>; 4],
}

const KEYS: [&str; 4] = ["allowedFlows", "deniedFlows", "allowedOperations", "deniedOperations"];

impl Words {
    fn json(&self) -> Value {
        let lists = KEYS.iter().zip(&self.lists);
        let mut fields: Map<String, Value> = lists
            .filter_map(|(key, list)| list.as_ref().map(|list| ((*key).to_owned(), json!(list))))
            .collect();
        fields.insert("identity".to_owned(), json!(self.identity));
        Value::Object(fields)
    }

    /// Returns how specific the policy is for a caller: 2 the user, 1 the tenant, 0 everybody.
    fn rank(&self, caller: &Caller) -> Option<u8> {
        let user = caller.user.as_ref().map(|user| user.as_str());
        let tenant = caller.tenant.as_ref().map(|tenant| tenant.as_str());
        match self.identity.split_once(':') {
            Some(("user", name)) => (user == Some(name)).then_some(2),
            Some((_, name)) => (tenant == Some(name)).then_some(1),
            None if self.identity == "*" => Some(0),
            None if user == Some(&self.identity) => Some(2),
            None => (tenant == Some(&self.identity)).then_some(1),
        }
    }

    fn lists(&self, list: usize, word: &str) -> Option<bool> {
        let list = self.lists[list].as_ref()?;
        Some(list.iter().any(|other| other == word || other == "*"))
    }
}

/// Says by the documented law whether a caller may do something, in one realm.
fn oracle(policies: &[Words], caller: &Caller, operation: &str, flow: Option<&str>) -> bool {
    if policies.is_empty() {
        return true;
    }
    let matching: Vec<_> =
        policies.iter().filter_map(|policy| Some((policy.rank(caller)?, policy))).collect();
    let allows = |word: &str, allowed: usize, denied: usize| {
        let is_denied = matching.iter().any(|(_, policy)| policy.lists(denied, word) == Some(true));
        let with_list = || matching.iter().filter(|(_, policy)| policy.lists[allowed].is_some());
        let top = with_list().map(|(rank, _)| *rank).max();
        let mut deciding = with_list().filter(|(rank, _)| Some(*rank) == top);
        !is_denied && deciding.all(|(_, policy)| policy.lists(allowed, word) == Some(true))
    };
    !matching.is_empty() && allows(operation, 2, 3) && flow.is_none_or(|flow| allows(flow, 0, 1))
}

fn list(words: &'static [&'static str]) -> impl Strategy<Value = Option<Vec<String>>> {
    let words = proptest::sample::subsequence(words, 0..=2);
    proptest::option::weighted(
        0.4,
        words.prop_map(|words| words.into_iter().map(str::to_owned).collect()),
    )
}

fn policies() -> impl Strategy<Value = Vec<Words>> {
    let identities = proptest::sample::subsequence(&IDENTITIES[..], 0..=4);
    let lists = || {
        (
            list(&["f", "g", "h", "*"]),
            list(&["f", "g", "*"]),
            list(&["trigger", "read", "delete", "*"]),
            list(&["trigger", "read", "cancel"]),
        )
    };
    (identities, proptest::collection::vec(lists(), 4)).prop_map(|(identities, lists)| {
        let words = identities.into_iter().zip(lists).map(|(identity, (a, b, c, d))| Words {
            identity: identity.to_owned(),
            lists: [a, b, c, d],
        });
        words.collect()
    })
}

fn json_of(policies: &[Words]) -> Value {
    policies.iter().map(Words::json).collect()
}

fn asks() -> impl Iterator<Item = (Operation, Option<&'static str>, &'static str)> {
    let flows = FLOWS.map(Some).into_iter().chain([None]);
    let operations = || Operation::ALL.into_iter();
    flows.flat_map(move |flow| {
        operations().flat_map(move |operation| WHO.map(|who| (operation, flow, who)))
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn access_control_agrees_with_the_law_and_gives_the_same_answer_twice(policies in policies()) {
        let bed = Bed::of(json!({ "accessPolicies": json_of(&policies) }));
        block_on(async {
            for (operation, flow, who) in asks() {
                let ask = Ask::of(operation, flow).by(who);
                let wanted = match flow {
                    Some(_) => oracle(&policies, &ask.caller, operation.as_str(), flow),
                    // Allowed when it is for any flow, those included that are not thought of here.
                    None => FLOWS.into_iter().chain(["another"]).any(|flow| {
                        oracle(&policies, &ask.caller, operation.as_str(), Some(flow))
                    }),
                };
                let found = bed.admit(&ask).await;
                prop_assert_eq!(found.is_ok(), wanted, "{:?} {:?} {:?}", operation, flow, who);
                let again = bed.admit(&ask).await;
                let told = |result: &runcor_core::Result<_>| result.as_ref().err().map(ToString::to_string);
                prop_assert_eq!(told(&found), told(&again));
                prop_assert_eq!(found.ok(), again.ok());
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_list_of_denials_never_lets_anybody_do_more(
        policies in policies(),
        index in any::<proptest::sample::Index>(),
        flow in proptest::sample::select(&FLOWS[..]),
    ) {
        prop_assume!(!policies.is_empty());
        let mut stricter = policies.clone();
        let at = index.index(stricter.len());
        stricter[at].lists[1].get_or_insert_default().push(flow.to_owned());
        let before = Bed::of(json!({ "accessPolicies": json_of(&policies) }));
        let after = Bed::of(json!({ "accessPolicies": json_of(&stricter) }));
        block_on(async {
            for (operation, flow, who) in asks() {
                let ask = Ask::of(operation, flow).by(who);
                let may = after.admit(&ask).await.is_ok();
                prop_assert!(!may || before.admit(&ask).await.is_ok());
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_caller_of_a_tenant_reaches_a_flow_that_only_another_tenant_has(
        shared in policies(),
        own in policies(),
        of_a in proptest::sample::subsequence(&FLOWS[..], 0..=3),
        of_b in proptest::sample::subsequence(&FLOWS[..], 0..=3),
    ) {
        let own: Vec<_> = own
            .into_iter()
            .filter(|policy| !policy.identity.starts_with("tenant:"))
            .collect();
        let bed = Bed::of(json!({
            "accessPolicies": json_of(&shared),
            "tenants": [
                { "tenantId": "a", "allowedFlows": of_a, "accessPolicies": json_of(&own) },
                { "tenantId": "b", "allowedFlows": of_b },
            ],
        }));
        let flows = |tenant: &str| -> BTreeSet<&str> {
            let flows = if tenant == "a" { &of_a } else { &of_b };
            flows.iter().copied().collect()
        };
        block_on(async {
            for (operation, flow, who) in asks() {
                let ask = Ask::of(operation, flow).by(who);
                let found = bed.admit(&ask).await;
                let Some(tenant) = ask.caller.tenant.as_ref().map(|tenant| tenant.as_str()) else {
                    continue;
                };
                if !["a", "b"].contains(&tenant) {
                    prop_assert!(found.is_err(), "a tenant that nobody knows");
                    continue;
                }
                let mine = flows(tenant);
                let Some(flow) = flow else {
                    prop_assert!(found.is_err() || !mine.is_empty());
                    continue;
                };
                let by_tenant = tenant == "b" || oracle(&own, &ask.caller, operation.as_str(), Some(flow));
                let by_all = oracle(&shared, &ask.caller, operation.as_str(), Some(flow));
                let wanted = mine.contains(flow) && by_tenant && by_all;
                prop_assert_eq!(found.is_ok(), wanted, "{:?} {} {}", operation, flow, who);
                let sees = bed.policies.sees_flow(&caller(who), &flow.parse().unwrap());
                prop_assert!(sees || found.is_err(), "what may be done is seen");
                prop_assert!(!sees || mine.contains(flow));
            }
            Ok(())
        })?;
    }
}
