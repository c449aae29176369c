//! What a schema can't say of `httpServer`: what can stand in a request, and which tokens clash.

use std::collections::HashSet;

use runcor_core::{InvalidId, TenantId, UserId};

use crate::findings::Findings;
use crate::node::Node;
use crate::path::Path;

/// Applies every rule of the section.
pub(super) fn apply(server: &Node, findings: &mut Findings) {
    let section = Path::Root.key("httpServer");
    if let Some(node) = server.get("basePath") {
        let base = node.text().unwrap_or_default().trim_end_matches('/');
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._~-".contains(c);
        let is_sound = base.is_empty() || base.starts_with('/') && base.chars().all(is_plain);
        if !is_sound {
            let message = "must begin with / and have only letters, digits and . _ ~ - in between";
            findings.problem(section.key("basePath"), node.place, message);
        }
    }
    let mut seen = HashSet::new();
    if let Some(node) = server.get("authToken") {
        token(node, section.key("authToken"), &mut seen, findings);
    }
    let list = section.key("tokens");
    let items = server.get("tokens").map(Node::items).unwrap_or_default();
    for (index, item) in items.iter().enumerate() {
        let path = list.index(index);
        if let Some(node) = item.get("token") {
            token(node, path.key("token"), &mut seen, findings);
        }
        id(item, "user", path, findings, UserId::new);
        id(item, "tenant", path, findings, TenantId::new);
    }
}

/// A token can stand in a header, and stands for one bearer.
fn token<'a>(node: &'a Node, path: Path<'_>, seen: &mut HashSet<&'a str>, findings: &mut Findings) {
    let token = node.text().unwrap_or_default();
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        let message = "must have only printable ASCII characters and no space";
        findings.problem(path, node.place, message);
    } else if !token.is_empty() && !seen.insert(token) {
        findings.problem(path, node.place, "is the same token as an earlier one");
    }
}

/// Whom a token names can be named by an execution.
fn id<T>(
    item: &Node,
    key: &str,
    path: Path<'_>,
    findings: &mut Findings,
    parse: impl Fn(String) -> Result<T, InvalidId>,
) {
    let Some(node) = item.get(key) else { return };
    if let Some(text) = node.text()
        && let Err(error) = parse(text.to_owned())
    {
        findings.problem(path.key(key), node.place, error.to_string());
    }
}
