//! Events that look like a vendor's and mean nothing: for tests that no answer,
//! however strange, panics or passes for another.

use proptest::collection::{btree_map, vec};
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use serde_json::{Number, Value};

/// Lists of events: JSON values of the given keys and words, and the events of
/// a recorded stream in any order and number, some of them bent.
pub(crate) fn events(
    keys: &'static [&'static str],
    words: &'static [&'static str],
    recorded: &'static str,
) -> impl Strategy<Value = Vec<Value>> {
    let data = recorded.lines().filter_map(|line| line.strip_prefix("data: "));
    let recorded: Vec<Value> = data.filter_map(|data| serde_json::from_str(data).ok()).collect();
    let known = select(recorded);
    let bent = (known.clone(), value(keys, words)).prop_map(|(mut event, noise)| {
        if let (Some(fields), Value::Object(noise)) = (event.as_object_mut(), noise) {
            fields.extend(noise);
        }
        event
    });
    vec(prop_oneof![8 => known, 1 => bent, 1 => value(keys, words)], 1..24)
}

fn value(keys: &'static [&'static str], words: &'static [&'static str]) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3_i64..3).prop_map(|n| Value::Number(Number::from(n))),
        any::<u64>().prop_map(|n| Value::Number(Number::from(n))),
        select(words).prop_map(|word| Value::String(word.to_owned())),
        select(words).prop_map(|word| Value::String(word.to_owned())),
    ];
    let tree = leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..3).prop_map(Value::Array),
            4 => btree_map(select(keys), inner, 0..6).prop_map(|fields| {
                fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            }),
        ]
    });
    tree.boxed()
}
