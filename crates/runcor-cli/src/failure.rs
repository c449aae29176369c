//! Why a command failed, and with which exit code.

use runcor::config;
use serde_json::{Value, json};

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    /// 1, or 2 for an unknown flow.
    pub(crate) exit: u8,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) details: Option<Box<Value>>,
}

impl Failure {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        let exit = if code == "FLOW_NOT_FOUND" { 2 } else { 1 };
        Self { exit, code: code.to_owned(), message: message.into(), details: None }
    }

    /// Reads the body of an HTTP error.
    pub(crate) fn from_body(status: u16, body: &Value) -> Self {
        let error = &body["error"];
        let code = error["code"].as_str().unwrap_or("HTTP_ERROR");
        let message = error["message"]
            .as_str()
            .map_or_else(|| format!("HTTP status {status}"), str::to_owned);
        let details =
            error.get("details").filter(|details| !details.is_null()).cloned().map(Box::new);
        Self { details, ..Self::new(code, message) }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "error": { "code": self.code, "message": self.message, "details": self.details } })
    }
}

impl From<runcor::Error> for Failure {
    fn from(error: runcor::Error) -> Self {
        let details = error.details().cloned().map(Box::new);
        Self { details, ..Self::new(error.code().as_str(), error.message()) }
    }
}

impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Self {
        runcor::Error::from(error).into()
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new("IO_ERROR", error.to_string())
    }
}
