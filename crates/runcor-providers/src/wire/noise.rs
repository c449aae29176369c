//! Events that look like a vendor's and mean nothing: for tests that no answer,
//! however strange, panics or passes for another.

use std::collections::VecDeque;

use proptest::collection::{btree_map, vec};
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use runcor_core::ModelChunk;
use serde_json::{Number, Value};

use crate::http::{Decoder, Progress};

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

/// Feeds events to a decoder: it fails, or its chunks add up to its answer.
pub(crate) fn chunks_add_up(
    mut decoder: impl Decoder,
    events: &[Value],
) -> Result<(), TestCaseError> {
    let mut out = VecDeque::new();
    for event in events {
        match decoder.event(&event.to_string(), &mut out) {
            Ok(Progress::More) => {}
            Ok(Progress::Done) => break,
            Err(_) => return Ok(()),
        }
    }
    let Ok(response) = decoder.finish(&mut out) else { return Ok(()) };
    let (mut text, mut calls) = (String::new(), Vec::new());
    for chunk in out {
        match chunk {
            ModelChunk::TextDelta { text: piece } => text.push_str(&piece),
            ModelChunk::ToolCall { tool_call } => calls.push(tool_call),
            ModelChunk::Finished { .. } => prop_assert!(false, "the driver makes this chunk"),
        }
    }
    prop_assert_eq!(text, response.text);
    prop_assert_eq!(calls, response.tool_calls);
    Ok(())
}
