//! What a schema can't say: how settings fit together, and what looks wrong.
//!
//! The rules look at nodes rather than at the finished [`Config`](crate::Config),
//! so they also speak when other parts of the file are wrong, and know places.

mod costs;
mod evaluation;
mod http;
mod policy;

use std::collections::HashMap;

use crate::config::{NOT_BUILT, base_url_variable, key_variables, set};
use crate::findings::Findings;
use crate::load::Env;
use crate::node::{Content, Node};
use crate::path::Path;

/// Applies every rule.
pub(crate) fn apply(root: &Node, env: Env<'_>, findings: &mut Findings) {
    sections(root, findings);
    if let Some(providers) = root.get("providers") {
        let path = Path::Root.key("providers");
        for (index, provider) in providers.items().iter().enumerate() {
            key(provider, path.index(index), env, findings);
            address(provider, "baseUrl", path.index(index), findings);
            costs::of_provider(provider, path.index(index), findings);
        }
        names(providers, "name", path, findings);
    }
    if let Some(server) = root.get("httpServer") {
        http::apply(server, findings);
    }
    if let Some(state) = root.get("state") {
        database(state, findings);
    }
    if let Some(connections) = root.get("connections") {
        let path = Path::Root.key("connections");
        for (index, connection) in connections.items().iter().enumerate() {
            transport(connection, path.index(index), findings);
            address(connection, "url", path.index(index), findings);
        }
        names(connections, "name", path, findings);
    }
    if let Some(section) = root.get("costs") {
        costs::apply(section, findings);
    }
    if let Some(section) = root.get("policy") {
        policy::apply(section, findings);
    }
    if let Some(section) = root.get("evaluation") {
        evaluation::apply(section, findings);
    }
    if let Some(objectives) = root.get("objectives") {
        names(objectives, "name", Path::Root.key("objectives"), findings);
    }
}

/// Refuses sections that ask for something that is not built yet.
fn sections(root: &Node, findings: &mut Findings) {
    for entry in root.entries().iter().filter(|entry| NOT_BUILT.contains(&&*entry.key)) {
        if asks(&entry.key, &entry.value) {
            let message = format!(
                "section \"{}\" is accepted by runcor.yaml but its subsystem is not part of this \
                 version yet; remove it to start without it",
                entry.key
            );
            findings.problem(Path::Root.key(&entry.key), entry.place, message);
        }
    }
}

/// Returns whether a section wants anything to happen.
fn asks(name: &str, section: &Node) -> bool {
    match &section.content {
        Content::Map(entries) if matches!(name, "server" | "discernment") => {
            !entries.is_empty() && section.get("enabled").and_then(Node::flag) != Some(false)
        }
        Content::Map(entries) => !entries.is_empty(),
        Content::List(items) => !items.is_empty(),
        _ => false,
    }
}

/// A vendor at its own address needs a key.
fn key(provider: &Node, path: Path<'_>, env: Env<'_>, findings: &mut Findings) {
    let Some(kind) = provider.get("type").and_then(Node::text) else { return };
    let variables = key_variables(kind);
    let is_elsewhere = provider.get("baseUrl").is_some()
        || base_url_variable(kind).is_some_and(|name| set(env, name).is_some());
    let has_key =
        provider.get("apiKey").is_some() || variables.iter().any(|name| set(env, name).is_some());
    if !variables.is_empty() && !has_key && !is_elsewhere {
        let message = format!("no API key; give \"apiKey\" or set {}", variables.join(" or "));
        findings.problem(path.key("apiKey"), provider.place, message);
    }
}

/// An address is one of HTTP and holds no credentials.
fn address(owner: &Node, key: &str, path: Path<'_>, findings: &mut Findings) {
    let Some(node) = owner.get(key) else { return };
    let Some(text) = node.text() else { return };
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        findings.problem(path.key(key), node.place, "must begin with https:// or http://");
        return;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() {
        findings.problem(path.key(key), node.place, "names no host");
    } else if host.contains('@') {
        let message = "must not hold a user or password; give credentials by their own keys";
        findings.problem(path.key(key), node.place, message);
    }
}

/// Names of one list differ; a provider without one is named by its type.
fn names(list: &Node, key: &str, path: Path<'_>, findings: &mut Findings) {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (index, item) in list.items().iter().enumerate() {
        let Some(node) = item.get(key).or_else(|| item.get("type")) else { continue };
        let Some(name) = node.text() else { continue };
        if let Some(earlier) = first.get(name) {
            let message = format!(
                "has the same name as {}; give each its own \"name\"",
                path.index(*earlier)
            );
            findings.problem(path.index(index).key(key), node.place, message);
        } else {
            first.insert(name, index);
        }
    }
}

fn database(state: &Node, findings: &mut Findings) {
    let section = Path::Root.key("state");
    let kind = state.get("type").and_then(Node::text);
    match (kind, state.get("path")) {
        (Some("sqlite"), None) => {
            let message = "the \"sqlite\" store needs a file; give \"path\"";
            findings.problem(section.key("path"), state.place, message);
        }
        (None | Some("memory"), Some(path)) => {
            let message = "has no effect on the \"memory\" store; did you mean type: sqlite?";
            findings.warn(section.key("path"), path.place, message);
        }
        _ => {}
    }
}

fn transport(connection: &Node, path: Path<'_>, findings: &mut Findings) {
    let needed = match connection.get("transport").and_then(Node::text) {
        Some("stdio") => "command",
        Some("sse") => "url",
        None if connection.get("preset").is_none() && connection.get("transport").is_none() => {
            let message = "needs a \"transport\" or a \"preset\"";
            findings.problem(path.key("transport"), connection.place, message);
            return;
        }
        _ => return,
    };
    if connection.get(needed).is_none() && connection.get("preset").is_none() {
        let message = format!("this transport needs the key \"{needed}\"");
        findings.problem(path.key(needed), connection.place, message);
    }
}
