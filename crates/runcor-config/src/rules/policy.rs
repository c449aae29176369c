//! What a schema can't say of the section `policy`.

mod rule;

use std::collections::HashMap;

use runcor_core::FlowName;

use crate::findings::Findings;
use crate::node::Node;
use crate::path::Path;

/// Applies every rule.
pub(super) fn apply(policy: &Node, findings: &mut Findings) {
    let section = Path::Root.key("policy");
    let limits = policy.get("rateLimits");
    if let Some(rules) = policy.get("rules") {
        let path = section.key("rules");
        unique(rules, "name", path, findings);
        for (index, item) in rules.items().iter().enumerate() {
            rule::apply(item, path.index(index), findings);
        }
    }
    if let Some(limits) = limits {
        rate_limits(limits, section.key("rateLimits"), findings);
    }
    if let Some(policies) = policy.get("accessPolicies") {
        identities(policies, None, section.key("accessPolicies"), findings);
    }
    if let Some(tenants) = policy.get("tenants") {
        let path = section.key("tenants");
        unique(tenants, "tenantId", path, findings);
        for (index, item) in tenants.items().iter().enumerate() {
            tenant(item, limits, path.index(index), findings);
        }
    }
}

fn tenant(tenant: &Node, shared: Option<&Node>, path: Path<'_>, findings: &mut Findings) {
    if let Some(limits) = tenant.get("rateLimits") {
        let path = path.key("rateLimits");
        rate_limits(limits, path, findings);
        let shared: Vec<_> = shared.into_iter().flat_map(Node::items).filter_map(name).collect();
        for (index, limit) in limits.items().iter().enumerate() {
            let Some(node) = limit.get("name") else { continue };
            if node.text().is_some_and(|name| shared.contains(&name)) {
                let message = "is the name of a limit in policy.rateLimits; choose another one";
                findings.problem(path.index(index).key("name"), node.place, message);
            }
        }
    }
    if let Some(policies) = tenant.get("accessPolicies") {
        let id = tenant.get("tenantId").and_then(Node::text);
        identities(policies, id, path.key("accessPolicies"), findings);
    }
}

fn name(limit: &Node) -> Option<&str> {
    limit.get("name").and_then(Node::text)
}

fn rate_limits(limits: &Node, path: Path<'_>, findings: &mut Findings) {
    unique(limits, "name", path, findings);
    for (index, limit) in limits.items().iter().enumerate() {
        rate_limit(limit, path.index(index), findings);
    }
}

fn rate_limit(limit: &Node, path: Path<'_>, findings: &mut Findings) {
    let operations = limit.get("operations");
    if let Some(node) = operations.filter(|node| node.items().is_empty()) {
        let message = "counts nothing; name an operation or leave the key out";
        findings.problem(path.key("operations"), node.place, message);
    }
    if let Some(node) = limit.get("flowName") {
        sound(node, path.key("flowName"), findings);
    }
    let queues = limit.get("behavior").and_then(Node::text) == Some("queue");
    for key in ["maxQueueDepth", "queueTimeoutMs"] {
        if let Some(node) = limit.get(key).filter(|_| !queues) {
            findings.warn(path.key(key), node.place, "has no effect without behavior: queue");
        }
    }
    let triggers = |node: &Node| node.items().iter().any(|item| item.text() == Some("trigger"));
    if let Some(node) = operations.filter(|node| queues && !triggers(node)) {
        let message = "only triggers wait in a queue; these operations are refused instead";
        findings.warn(path.key("operations"), node.place, message);
    }
}

/// An identity stands once, names somebody, and within a tenant no other tenant.
fn identities(policies: &Node, own: Option<&str>, path: Path<'_>, findings: &mut Findings) {
    unique(policies, "identity", path, findings);
    for (index, policy) in policies.items().iter().enumerate() {
        let Some(node) = policy.get("identity") else { continue };
        let Some(text) = node.text() else { continue };
        let tenant = text.strip_prefix("tenant:");
        let path = path.index(index);
        let path = path.key("identity");
        if tenant.or_else(|| text.strip_prefix("user:")).is_some_and(|name| name.trim().is_empty())
        {
            findings.problem(path, node.place, "names nobody; write user:NAME or tenant:NAME");
        } else if own.is_some() && tenant.is_some_and(|tenant| Some(tenant) != own) {
            let message = "never holds: policies of a tenant are for its own callers";
            findings.problem(path, node.place, message);
        }
    }
}

/// A name is not blank, not too long and has no control characters.
fn sound(node: &Node, path: Path<'_>, findings: &mut Findings) {
    let Some(text) = node.text().filter(|text| !text.is_empty()) else { return };
    if let Err(problem) = FlowName::new(text) {
        let problem = problem.to_string();
        let problem = problem.strip_prefix("flow name ").unwrap_or(&problem);
        findings.problem(path, node.place, problem);
    }
}

/// The text under `key` is a name, and no two items of a list have the same.
fn unique(list: &Node, key: &str, path: Path<'_>, findings: &mut Findings) {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (index, item) in list.items().iter().enumerate() {
        let Some(node) = item.get(key) else { continue };
        let Some(text) = node.text() else { continue };
        sound(node, path.index(index).key(key), findings);
        if let Some(earlier) = first.get(text) {
            let message = format!("is the same as of {}; it may stand once", path.index(*earlier));
            findings.problem(path.index(index).key(key), node.place, message);
        } else {
            first.insert(text, index);
        }
    }
}
