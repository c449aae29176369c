//! A vendor that is never asked, and what it is never asked.

use std::sync::{Arc, LazyLock};

use runcor_core::{ModelRequest, ToolDefinition};
use serde_json::json;

use crate::http::{Http, Settings, Timeouts};
use crate::wire::Asked;

/// The key that no error may show.
pub(super) const KEY: &str = "s3cret-key";

#[expect(clippy::unwrap_used, reason = "these settings are sound")]
pub(super) static HTTP: LazyLock<Arc<Http>> = LazyLock::new(|| {
    let settings = Settings {
        name: "fuzz".to_owned(),
        home: "http://127.0.0.1:9",
        key_variables: &[],
        api_key: Some(KEY.into()),
        base_url: None,
        allow_insecure: false,
        timeouts: Timeouts::default(),
    };
    Arc::new(Http::open(settings).unwrap())
});

/// A request with a tool whose name no vendor takes as it is.
pub(crate) fn asked() -> Asked {
    let tool = ToolDefinition {
        name: "mail.send".to_owned(),
        description: String::new(),
        input_schema: json!({}),
    };
    let request = ModelRequest::prompt("x").with_tools([tool]);
    Asked::new(HTTP.name(), "m", &request)
}
