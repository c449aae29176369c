//! Taking out the nulls that a vendor's strict mode puts in.

use serde_json::Value;

use runcor_core::{Schema, Violation};

/// How deep such nulls may hide behind one another.
const ROUNDS: usize = 16;

/// Returns `value` if it matches, or else without the nulls that keep it from it.
///
/// A strict mode has every property required, so a model says null where it
/// would leave a property out. What the schema requires is not taken out.
///
/// # Errors
/// Returns what is wrong with `value` as it came.
pub(super) fn matching(schema: &Schema, value: Value) -> Result<Value, Vec<Violation>> {
    let Err(errors) = schema.check(&value) else { return Ok(value) };
    let mut pruned = value;
    let mut wrong = errors.clone();
    for _ in 0..ROUNDS {
        let before = pruned.clone();
        wrong.iter().for_each(|violation| take_null(&mut pruned, &violation.path));
        if pruned == before {
            break;
        }
        match schema.check(&pruned) {
            Ok(()) => return Ok(pruned),
            Err(left) => wrong = left,
        }
    }
    Err(errors)
}

/// Takes the property at a JSON pointer out if it is null.
fn take_null(value: &mut Value, path: &str) {
    let Some((parent, key)) = path.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    let parent = value.pointer_mut(parent).and_then(Value::as_object_mut);
    if let Some(fields) = parent.filter(|fields| fields.get(&key).is_some_and(Value::is_null)) {
        fields.shift_remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::compile(&json!({
            "type": "object",
            "properties": {
                "must": { "type": "string" },
                "a/b": { "type": "integer" },
                "may": { "type": ["string", "null"] },
                "in": { "type": "array", "items": { "$ref": "#/$defs/d" } },
            },
            "required": ["must"],
            "$defs": { "d": { "type": "object", "properties": { "x": { "enum": [1, 2] } } } },
        }))
        .unwrap()
    }

    #[test]
    fn what_may_be_left_out_may_come_as_null() {
        let value = json!({ "must": "m", "a/b": null, "may": null, "in": [{ "x": null }, {}] });
        let kept = json!({ "must": "m", "may": null, "in": [{}, {}] });
        assert_eq!(matching(&schema(), value), Ok(kept));
    }

    #[test]
    fn what_is_required_may_not_and_the_errors_are_those_of_the_answer_as_it_came() {
        let value = json!({ "must": null, "a/b": null });
        let errors = matching(&schema(), value).unwrap_err();
        let mut paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["/a~1b", "/must"]);
        assert!(matching(&schema(), Value::Null).is_err());
    }
}
