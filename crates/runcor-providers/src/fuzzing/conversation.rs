//! Requests: any can be written, also the one that follows an answer.

use std::collections::BTreeSet;

use runcor_core::{Message, ModelRequest, ModelResponse, ResponseFormat, Schema};
use serde_json::Value;

use super::connection::HTTP;
use crate::wire::{Asked, Closing, close};
use crate::{anthropic, google, openai};

/// What a strict mode drops or loosens on purpose.
const LOOSENED: [&str; 3] = ["minLength", "maxLength", "format"];

/// The tools that an answer calls can be answered, to every vendor.
pub(super) fn goes_on(response: &ModelResponse) {
    let mut turn = Message::assistant(response.text.clone());
    turn.tool_calls.clone_from(&response.tool_calls);
    let mut messages = vec![Message::user("x"), turn];
    messages.extend(response.tool_calls.iter().map(|call| Message::tool(call, "done")));
    can_be_written(&ModelRequest::messages(messages));
}

/// Every vendor's body can be made; its names are the vendor's, different, and lead back.
pub(super) fn can_be_written(request: &ModelRequest) {
    for body in [
        openai::fuzzing::bodies(request),
        anthropic::fuzzing::bodies(request),
        google::fuzzing::bodies(request),
    ]
    .concat()
    {
        assert!(body.is_object() && !body.to_string().is_empty());
    }
    let names = Asked::new(HTTP.name(), "m", request).names;
    let called = request.messages.iter().flat_map(|message| &message.tool_calls);
    let called = called.map(|call| call.name.as_str());
    let all: BTreeSet<&str> =
        request.tools.iter().map(|tool| tool.name.as_str()).chain(called).collect();
    let wires: BTreeSet<&str> = all.iter().map(|name| names.encode(name)).collect();
    assert_eq!(all.len(), wires.len(), "two names became one");
    for name in all {
        let wire = names.encode(name);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        assert!((1..=64).contains(&wire.len()) && wire.chars().all(plain), "{wire}");
        assert_eq!(names.decode(wire), name);
    }
}

/// What the closed copy of a schema allows, the schema allows.
pub(super) fn closing_allows_no_more(format: &ResponseFormat, instance: &Value) {
    let ResponseFormat::Schema(schema) = format else { return };
    let text = schema.to_string();
    let closing = Closing { all_required: true, no_bounds: false };
    let Some(closed) =
        close(schema, closing).filter(|_| !LOOSENED.iter().any(|word| text.contains(word)))
    else {
        return;
    };
    let (Ok(open), Ok(closed)) = (Schema::compile(schema), Schema::compile(&closed)) else {
        return;
    };
    if closed.check(instance).is_ok() {
        assert!(open.check(instance).is_ok(), "{instance} fits the copy of {schema} alone");
    }
}
