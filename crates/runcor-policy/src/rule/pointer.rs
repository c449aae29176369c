//! JSON pointers, taken apart once.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::Error;

/// A way into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pointer {
    text: String,
    parts: Vec<String>,
}

impl TryFrom<String> for Pointer {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        let mut parts = text.split('/');
        let is_tilde = |part: &str| part.starts_with('0') || part.starts_with('1');
        let is_sound = parts.next() == Some("") && text.split('~').skip(1).all(is_tilde);
        if !is_sound {
            let message = "a JSON pointer begins with / and has ~0 and ~1 in place of ~ and /";
            return Err(Error::invalid(message));
        }
        let parts = parts.map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        Ok(Self { text, parts })
    }
}

impl Pointer {
    /// Returns the pointer as it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns what is there.
    pub(super) fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.parts.iter().try_fold(value, |value, part| match value {
            Value::Object(fields) => fields.get(part),
            Value::Array(items) => items.get(index(part)?),
            _ => None,
        })
    }

    /// Puts a value there. Objects that are missing on the way are made, and
    /// `-` stands for a new item at the end of a list; elsewhere nothing can
    /// be put, and `None` comes back.
    pub(super) fn set(&self, root: &mut Value, new: Value) -> Option<()> {
        let mut place = root;
        for part in &self.parts {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            place = match place {
                Value::Object(fields) => fields.entry(part.as_str()).or_insert(Value::Null),
                Value::Array(items) => {
                    let at = if part == "-" { items.len() } else { index(part)? };
                    if part == "-" {
                        items.push(Value::Null);
                    }
                    items.get_mut(at)?
                }
                _ => return None,
            };
        }
        *place = new;
        Some(())
    }
}

/// Reads the place of an item in a list.
fn index(part: &str) -> Option<usize> {
    let is_plain = part == "0" || !part.starts_with(['0', '+']);
    is_plain.then(|| part.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn pointer(text: &str) -> Pointer {
        Pointer::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn what_is_set_makes_its_way_through_objects_and_lists() {
        let mut value = json!({ "list": [1, 2] });
        pointer("/a/b~1c").set(&mut value, json!(true)).unwrap();
        pointer("/list/0").set(&mut value, json!("x")).unwrap();
        pointer("/list/-").set(&mut value, json!(3)).unwrap();
        assert_eq!(value, json!({ "list": ["x", 2, 3], "a": { "b/c": true } }));
        pointer("").set(&mut value, json!(7)).unwrap();
        assert_eq!(value, json!(7));
    }

    #[test]
    fn nothing_is_set_within_a_text_or_beyond_a_list() {
        for (at, mut value) in
            [("/a/b", json!({ "a": "text" })), ("/1", json!([0])), ("/x", json!([]))]
        {
            assert_eq!(pointer(at).set(&mut value, json!(1)), None, "{at}");
        }
    }

    #[test]
    fn a_text_that_is_no_pointer_is_refused() {
        for text in ["a", "a/b", "/~", "/~2", "~0"] {
            assert!(Pointer::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_pointer_finds_what_the_common_implementation_finds(
            at in "(/(a|b|0|1|01|-|~0|~1|)){0,4}",
        ) {
            let value = json!({ "a": [{ "b": 1, "": 2 }, [3, { "~": 4, "/": 5 }]], "0": { "1": null },
                "b": { "a": { "a": "x" }, "01": 6, "-": 7 }, "": 8 });
            prop_assert_eq!(pointer(&at).find(&value), value.pointer(&at));
        }

        #[test]
        fn what_is_set_is_found(at in "(/(a|b|c~1|0)){0,4}", new in any::<i32>()) {
            let mut value = json!({ "a": { "b": null }, "b": {} });
            if pointer(&at).set(&mut value, json!(new)).is_some() {
                prop_assert_eq!(pointer(&at).find(&value), Some(&json!(new)));
            }
        }
    }
}
