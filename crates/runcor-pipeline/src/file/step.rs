//! The steps of a flow file: their kinds, and what they may refer to.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::keys::{KINDS, LATER_KINDS, LATER_STEP, STEP};
use super::nearest::nearest;
use super::object::{Keys, Object};
use super::report::Report;
use super::scope::Scope;
use super::yaml::{Node, Yaml};
use crate::expression::{Condition, Mapping, Path, See};
use crate::spec::{Action, AgentSpec, Call, StepSpec, Target, WebhookSpec};
use crate::webhook::{check_header, check_url, check_variables};

pub(crate) type Steps = Vec<StepSpec>;

/// How many steps a flow may have.
const MAX_STEPS: usize = 1000;
/// The longest name of a step, in bytes.
const MAX_NAME_BYTES: usize = 64;

const AGENT_TIMEOUT: Duration = Duration::from_secs(600);
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(30);
const WEBHOOK_RETRIES: u32 = 2;

/// Reads the list of steps.
pub(crate) fn read_steps(node: &Node, path: &str, report: &mut Report) -> Steps {
    let Yaml::List(items) = &node.value else {
        report.expected("a list of steps", node, path);
        return Steps::new();
    };
    if items.len() > MAX_STEPS {
        report.add(node.at, path, format!("a flow has at most {MAX_STEPS} steps"));
        return Steps::new();
    }
    let names: Vec<Option<&str>> = items.iter().map(name_of).collect();
    let mut steps = Steps::new();
    for (index, item) in items.iter().enumerate() {
        let scope = Scope::new(&names, index);
        steps.extend(read_step(item, &format!("{path}[{index}]"), scope, report));
    }
    steps
}

/// The name of a step before anything is checked.
fn name_of(node: &Node) -> Option<&str> {
    let Yaml::Map(entries) = &node.value else { return None };
    entries.iter().find_map(|(key, node)| match &node.value {
        Yaml::Text(name) if key.text == "name" => Some(name.as_str()),
        _ => None,
    })
}

fn read_step(node: &Node, path: &str, scope: Scope<'_>, report: &mut Report) -> Option<StepSpec> {
    let kind = read_kind(node, path, report);
    let mut known: Vec<_> = vec![STEP];
    known.extend(kind.iter().flat_map(|(_, fields)| fields.iter().copied()));
    // Without a kind nobody knows which keys belong to the step.
    let keys = Keys { known: &known, later: LATER_STEP, strict: kind.is_some() };
    let object = Object::read(node, path, keys, report)?;
    object.require(&known, report);
    let name = read_name(&object, scope, report);
    let (kind, _) = kind?;
    let mut reader = Reader { object: &object, scope, report };
    let action = match kind {
        "agent" => reader.agent(),
        "webhook" => reader.webhook()?,
        _ => reader.condition()?,
    };
    Some(StepSpec { name: name?.to_owned(), action })
}

type Kind = (&'static str, &'static [&'static [super::keys::Field]]);

fn read_kind(node: &Node, path: &str, report: &mut Report) -> Option<Kind> {
    let keys = Keys { known: &[STEP], later: &[], strict: false };
    // The map itself is read again with the keys of its kind, which reports what is wrong with it.
    let object = Object::read(node, path, keys, &mut Report::new(""))?;
    let kind = object.text("kind", report)?;
    let known = KINDS.iter().find(|(name, _)| *name == kind);
    if known.is_none() {
        let names = KINDS.iter().map(|(name, _)| *name);
        let message = if LATER_KINDS.contains(&kind) {
            format!(
                "kind {kind:?} is not part of this version yet; use agent, webhook or condition"
            )
        } else if let Some(name) = nearest(kind, names) {
            format!("unknown kind {kind:?}; did you mean {name:?}?")
        } else {
            format!("unknown kind {kind:?}; use agent, webhook or condition")
        };
        report.add(object.get("kind").and_then(|node| node.at), &object.place("kind"), message);
    }
    known.copied()
}

fn read_name<'n>(object: &Object<'n>, scope: Scope<'_>, report: &mut Report) -> Option<&'n str> {
    let name = object.text("name", report)?;
    let at = object.get("name").and_then(|node| node.at);
    let begins = |char: char| char.is_ascii_alphabetic() || char == '_';
    let goes_on = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-');
    if name.len() > MAX_NAME_BYTES || !name.starts_with(begins) || !name.chars().all(goes_on) {
        let message =
            "a step's name has 1 to 64 letters, digits, _ and -, and begins with a letter or _";
        report.add(at, &object.place("name"), message);
        return None;
    }
    if scope.earlier().any(|earlier| earlier == name) {
        report.add(at, &object.place("name"), format!("two steps have the name {name:?}"));
        return None;
    }
    Some(name)
}

/// Reads what belongs to one kind of step.
struct Reader<'r, 'n> {
    object: &'r Object<'n>,
    scope: Scope<'r>,
    report: &'r mut Report,
}

impl See for Reader<'_, '_> {
    fn path(&mut self, node: &Node, place: &str, path: &Path) {
        for message in path.references().iter().filter_map(|found| self.scope.check(found)) {
            self.report.add(node.at, place, message);
        }
    }

    fn mistake(&mut self, node: &Node, place: &str, mistake: String) {
        self.report.add(node.at, place, mistake);
    }
}

impl Reader<'_, '_> {
    fn agent(&mut self) -> Action {
        let (object, report) = (self.object, &mut *self.report);
        let max_tokens = object.whole("max_tokens", report);
        let agent = AgentSpec {
            preamble: object.text("preamble", report).map(|text| text.trim().to_owned()),
            model: object.text("model", report).map(str::to_owned),
            output_schema: object.json_schema("output_schema", report),
            max_tokens: max_tokens.and_then(|tokens| u32::try_from(tokens).ok()),
            temperature: object.decimal("temperature", report),
        };
        self.call(Target::Agent(agent), 0, AGENT_TIMEOUT)
    }

    fn webhook(&mut self) -> Option<Action> {
        let headers = self.headers();
        let url = self.url();
        // Built even without an address, so that the mistakes of the input are told too.
        let placeholder = Url::parse("http://invalid.").ok()?;
        let valid = url.is_some();
        let webhook = WebhookSpec { url: url.unwrap_or(placeholder), headers };
        let action = self.call(Target::Webhook(webhook), WEBHOOK_RETRIES, WEBHOOK_TIMEOUT);
        valid.then_some(action)
    }

    fn call(&mut self, target: Target, retries: u32, timeout: Duration) -> Action {
        let (object, report) = (self.object, &mut *self.report);
        let retries = object
            .whole("retries", report)
            .and_then(|retries| u32::try_from(retries).ok())
            .unwrap_or(retries);
        let timeout = object.whole("timeout_ms", report).map_or(timeout, Duration::from_millis);
        let place = object.place("input");
        let input = object.get("input").map(|node| Mapping::read(node, &place, self));
        Action::Call(Box::new(Call { input, retries, timeout, target }))
    }

    fn url(&mut self) -> Option<Url> {
        let text = self.object.text("url", self.report)?;
        check_url(text)
            .map_err(|message| {
                let at = self.object.get("url").and_then(|node| node.at);
                self.report.add(at, &self.object.place("url"), message);
            })
            .ok()
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

    fn condition(&mut self) -> Option<Action> {
        let node = self.object.get("when")?;
        let place = self.object.place("when");
        let nodes: Vec<&Node> = match &node.value {
            Yaml::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        let listed = matches!(node.value, Yaml::List(_));
        let place_of =
            |index: usize| if listed { format!("{place}[{index}]") } else { place.clone() };
        let texts = self.texts(&nodes, place_of)?;
        match Condition::parse(&texts) {
            Ok(condition) => {
                for (index, path) in condition.paths() {
                    self.path(nodes.get(index).copied().unwrap_or(node), &place_of(index), path);
                }
                Some(Action::Condition(condition))
            }
            Err(mistakes) => {
                for (index, mistake) in mistakes {
                    let at = nodes.get(index).copied().unwrap_or(node).at;
                    self.report.add(at, &place_of(index), mistake);
                }
                None
            }
        }
    }

    fn texts<'t>(
        &mut self,
        nodes: &[&'t Node],
        place_of: impl Fn(usize) -> String,
    ) -> Option<Vec<&'t str>> {
        let mut texts = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            match &node.value {
                Yaml::Text(text) => texts.push(text.as_str()),
                _ => self.report.expected("a condition as text", node, &place_of(index)),
            }
        }
        (texts.len() == nodes.len()).then_some(texts)
    }
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
