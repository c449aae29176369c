//! Steps that ask somebody outside: agents and webhooks.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use runcor_core::Strategy;
use url::Url;

use super::reader::Reader;
use super::step_keys::STRATEGIES;
use super::yaml::{Node, Yaml};
use crate::spec::{Action, AgentSpec, Ask, Target, WebhookSpec};
use crate::webhook::{check_header, check_url, check_variables};

const AGENT_TIMEOUT: Duration = Duration::from_secs(600);
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(30);
const WEBHOOK_RETRIES: u32 = 2;

impl Reader<'_, '_> {
    pub(crate) fn agent(&mut self) -> Action {
        let (object, report) = (self.object, &mut *self.report);
        let max_tokens = object.whole("max_tokens", report);
        let agent = AgentSpec {
            preamble: object.text("preamble", report).map(|text| text.trim().to_owned()),
            model: object.text("model", report).map(str::to_owned),
            output_schema: object.json_schema("output_schema", report),
            max_tokens: max_tokens.and_then(|tokens| u32::try_from(tokens).ok()),
            temperature: object.decimal("temperature", report),
            provider: object.text("provider", report).map(str::to_owned),
            strategy: object.word("strategy", STRATEGIES, report).and_then(strategy),
        };
        self.ask(Target::Agent(agent), 0, AGENT_TIMEOUT)
    }

    pub(crate) fn webhook(&mut self) -> Option<Action> {
        let headers = self.headers();
        let url = self.url();
        let non_idempotent = self.object.truth("non_idempotent", self.report).unwrap_or(false);
        // Built even without an address, so that the mistakes of the input are told too.
        let placeholder = Url::parse("http://invalid.").ok()?;
        let valid = url.is_some();
        let webhook = WebhookSpec { url: url.unwrap_or(placeholder), headers, non_idempotent };
        let action = self.ask(Target::Webhook(webhook), WEBHOOK_RETRIES, WEBHOOK_TIMEOUT);
        valid.then_some(action)
    }

    fn ask(&mut self, target: Target, retries: u32, timeout: Duration) -> Action {
        let (object, report) = (self.object, &mut *self.report);
        let retries = object
            .whole("retries", report)
            .and_then(|retries| u32::try_from(retries).ok())
            .unwrap_or(retries);
        let timeout = object.whole("timeout_ms", report).map_or(timeout, Duration::from_millis);
        let input = self.mapping("input");
        Action::Ask(Box::new(Ask { input, retries, timeout, target }))
    }

    fn url(&mut self) -> Option<Url> {
        let text = self.object.text("url", self.report)?;
        check_url(text).map_err(|message| self.mistake_at("url", message)).ok()
    }

    fn headers(&mut self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let Some(node) = self.object.get("headers") else { return headers };
        let place = self.object.place("headers");
        let Yaml::Map(entries) = &node.value else {
            self.report.expected("a map of names and texts", node, &place);
            return headers;
        };
        for (key, value) in entries {
            let place = format!("{place}.{}", key.text);
            match read_header(&key.text, value) {
                Ok((name, _)) if headers.contains_key(&name) => {
                    self.report.add(key.at, &place, "is given twice");
                }
                Ok((name, value)) => {
                    headers.insert(name, value);
                }
                Err(message) => self.report.add(value.at, &place, message),
            }
        }
        headers
    }
}

fn strategy(word: &str) -> Option<Strategy> {
    Some(match word {
        "priority" => Strategy::Priority,
        "round-robin" => Strategy::RoundRobin,
        "lowest-cost" => Strategy::LowestCost,
        "least-latency" => Strategy::LeastLatency,
        "weighted" => Strategy::Weighted,
        _ => return None,
    })
}

fn read_header(name: &str, value: &Node) -> Result<(HeaderName, HeaderValue), String> {
    let name = HeaderName::try_from(name).map_err(|_| "not a valid header name".to_owned())?;
    check_header(&name)?;
    let Yaml::Text(text) = &value.value else {
        return Err(format!("must be a text, not {}; put it into quotes", value.kind()));
    };
    check_variables(text)?;
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| "a header's value is one line of visible signs".to_owned())?;
    value.set_sensitive(true);
    Ok((name, value))
}
