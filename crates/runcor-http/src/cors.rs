//! Cross-origin access: who may call from another page, and the headers that say so.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, VARY,
};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;

const METHODS: &[&str] = &["GET", "POST", "PATCH", "DELETE", "OPTIONS"];
const HEADERS: &[&str] =
    &["Content-Type", "Authorization", "Last-Event-ID", "X-Runcor-User", "X-Runcor-Tenant"];
const EXPOSED: HeaderValue = HeaderValue::from_static("Idempotency-Replayed,Retry-After");

/// Whether pages of other origins may use the API.
///
/// In a file it is `false`, `true`, a list of origins, or an object with
/// `origin`, `methods` and `headers`. Credentials (cookies) are never allowed;
/// a token in `Authorization` is no credential in this sense.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Written")]
pub enum Cors {
    /// No other origin; browsers refuse, and no header is sent.
    #[default]
    Off,
    /// Every origin.
    Any,
    /// Certain origins.
    Rules(CorsRules),
}

/// Which origins may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsRules {
    /// The exact origins, such as `https://app.example.com`; `*` is every one.
    pub origins: Vec<String>,
    /// The methods that are allowed; empty is the usual ones.
    pub methods: Vec<String>,
    /// The request headers that are allowed; empty is the usual ones.
    pub headers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Switch(bool),
    Origins(Vec<String>),
    Rules {
        origin: OneOrMany,
        #[serde(default)]
        methods: Vec<String>,
        #[serde(default)]
        headers: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<Written> for Cors {
    fn from(written: Written) -> Self {
        match written {
            Written::Switch(false) => Self::Off,
            Written::Switch(true) => Self::Any,
            Written::Origins(origins) => {
                Self::Rules(CorsRules { origins, methods: Vec::new(), headers: Vec::new() })
            }
            Written::Rules { origin, methods, headers } => {
                let origins = match origin {
                    OneOrMany::One(origin) => vec![origin],
                    OneOrMany::Many(origins) => origins,
                };
                Self::Rules(CorsRules { origins, methods, headers })
            }
        }
    }
}

impl Cors {
    /// Returns whether there is anything to say to other origins.
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Returns whether pages of `origin` may use the API.
    pub(crate) fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Off => false,
            Self::Any => true,
            Self::Rules(rules) => {
                rules.origins.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(origin))
            }
        }
    }

    fn is_any(&self) -> bool {
        match self {
            Self::Off => false,
            Self::Any => true,
            Self::Rules(rules) => rules.origins.iter().any(|one| one == "*"),
        }
    }

    /// Adds what every answer to a page of `origin` carries.
    pub(crate) fn mark(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if self.is_any() {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else if self.is_on() {
            headers.append(VARY, HeaderValue::from_static("Origin"));
            match origin {
                Some(origin) if origin.to_str().is_ok_and(|text| self.allows(text)) => {
                    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                }
                _ => return,
            }
        } else {
            return;
        }
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }

    /// Adds what the answer to a preflight request carries beside [`mark`](Self::mark).
    pub(crate) fn mark_preflight(&self, headers: &mut HeaderMap) {
        let (methods, allowed) = match self {
            Self::Rules(rules) => (&rules.methods[..], &rules.headers[..]),
            Self::Off | Self::Any => (&[][..], &[][..]),
        };
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, listed(methods, METHODS));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, listed(allowed, HEADERS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        headers.append(VARY, HeaderValue::from(ACCESS_CONTROL_REQUEST_HEADERS));
    }
}

/// Joins the configured words, or the usual ones when none are configured or usable.
fn listed(words: &[String], usual: &[&str]) -> HeaderValue {
    let usual = || HeaderValue::from_str(&usual.join(","));
    let value = if words.is_empty() { usual() } else { HeaderValue::from_str(&words.join(",")) };
    value.or_else(|_| usual()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn cors(value: Value) -> Cors {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn cors_is_written_as_a_switch_a_list_or_an_object() {
        assert!(!cors(json!(false)).is_on());
        assert!(cors(json!(true)).allows("https://any.example"));
        for value in [
            json!(["https://a.example"]),
            json!({ "origin": "https://a.example" }),
            json!({ "origin": ["https://a.example"], "methods": ["GET"] }),
        ] {
            let cors = cors(value);
            assert!(cors.allows("https://a.example"));
            assert!(!cors.allows("https://b.example"));
            assert!(!cors.allows("https://a.example.evil"));
        }
        assert!(cors(json!({ "origin": "*" })).is_any());
    }

    #[test]
    fn a_listed_origin_is_echoed_and_another_gets_nothing() {
        let cors = cors(json!(["https://a.example"]));
        let mut headers = HeaderMap::new();
        cors.mark(Some(&HeaderValue::from_static("https://a.example")), &mut headers);
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a.example");
        assert_eq!(headers[VARY], "Origin");

        let mut headers = HeaderMap::new();
        cors.mark(Some(&HeaderValue::from_static("https://b.example")), &mut headers);
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}
