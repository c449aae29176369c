//! Whom webhooks may reach.

use std::net::IpAddr;

use runcor_core::{Error, ErrorCode};

use super::address::{Special, special};

/// Whom webhooks may reach: any public host and nothing else by default.
///
/// In `runcor.yaml` it is the section `webhooks`. Hosts are names or
/// addresses, compared whole and without regard to case.
///
/// ```
/// use runcor_pipeline::WebhookPolicy;
///
/// // webhooks: { allowPrivateAddresses: [hooks.internal] }
/// let policy = WebhookPolicy {
///     private_hosts: vec!["hooks.internal".to_owned()],
///     ..WebhookPolicy::default()
/// };
/// # let _ = policy;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookPolicy {
    /// Allows loopback, private and other special addresses of every host
    /// (`allowPrivateAddresses: true`), except link-local ones: there the
    /// credentials of cloud machines are served.
    pub allow_private: bool,
    /// The hosts whose addresses may be special, link-local ones included
    /// (`allowPrivateAddresses: [host]`).
    pub private_hosts: Vec<String>,
    /// The only hosts that may be reached (`allowedHosts`); any when empty.
    pub allowed_hosts: Vec<String>,
}

impl WebhookPolicy {
    /// Judges a host before its name is resolved.
    pub(crate) fn check_host(&self, host: &str) -> Result<(), Refused> {
        if self.allowed_hosts.is_empty() || names(&self.allowed_hosts, host) {
            return Ok(());
        }
        Err(Refused { host: host.to_owned(), reason: Reason::NotListed })
    }

    /// Judges an address of `host`.
    pub(crate) fn check_address(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        match special(address) {
            None => Ok(()),
            Some(_) if names(&self.private_hosts, host) => Ok(()),
            Some(kind) if self.allow_private && kind != Special::LinkLocal => Ok(()),
            Some(kind) => Err(Refused { host: host.to_owned(), reason: Reason::Special(kind) }),
        }
    }
}

fn names(hosts: &[String], host: &str) -> bool {
    hosts.iter().any(|listed| plain(listed) == plain(host))
}

fn plain(host: &str) -> String {
    host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase()
}

/// A host or an address that the policy does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub(crate) struct Refused {
    host: String,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    NotListed,
    Special(Special),
}

impl Refused {
    fn text(&self) -> String {
        let host = &self.host;
        match self.reason {
            Reason::NotListed => format!(
                "{host} is not among webhooks.allowedHosts in runcor.yaml; add it there to allow it"
            ),
            Reason::Special(Special::LinkLocal) => format!(
                "the address of {host} is link-local; set webhooks.allowPrivateAddresses: [{host:?}] \
                 in runcor.yaml to allow it"
            ),
            Reason::Special(kind) => format!(
                "the address of {host} is {kind}; set webhooks.allowPrivateAddresses: true, or \
                 [{host:?}] for this host alone, in runcor.yaml to allow it"
            ),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::new(ErrorCode::AddressRefused, refused.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &WebhookPolicy, host: &str, address: &str) -> Result<(), String> {
        policy.check_address(host, address.parse().unwrap()).map_err(|refused| refused.to_string())
    }

    #[test]
    fn nothing_special_is_allowed_by_default_and_the_message_says_what_to_set() {
        let policy = WebhookPolicy::default();
        assert_eq!(check(&policy, "example.com", "8.8.8.8"), Ok(()));
        let refused = check(&policy, "hooks.internal", "10.0.0.1").unwrap_err();
        assert!(refused.contains("webhooks.allowPrivateAddresses: true"), "{refused}");
        assert!(refused.contains("hooks.internal"), "{refused}");
    }

    #[test]
    fn private_addresses_can_be_allowed_but_link_local_ones_only_by_name() {
        let policy = WebhookPolicy { allow_private: true, ..WebhookPolicy::default() };
        assert_eq!(check(&policy, "localhost", "127.0.0.1"), Ok(()));
        let refused = check(&policy, "metadata", "169.254.169.254").unwrap_err();
        assert!(refused.contains("allowPrivateAddresses: [\"metadata\"]"), "{refused}");
        assert!(!refused.contains("true"), "{refused}");
    }

    #[test]
    fn a_named_host_may_be_private_and_no_other() {
        let private_hosts = vec!["Hooks.Internal".to_owned(), "::1".to_owned()];
        let policy = WebhookPolicy { private_hosts, ..WebhookPolicy::default() };
        assert_eq!(check(&policy, "hooks.internal", "10.0.0.1"), Ok(()));
        assert_eq!(check(&policy, "hooks.internal.", "169.254.1.1"), Ok(()));
        assert_eq!(check(&policy, "[::1]", "::1"), Ok(()));
        assert!(check(&policy, "evil-hooks.internal", "10.0.0.1").is_err());
    }

    #[test]
    fn a_list_of_hosts_is_the_whole_list_and_opens_no_private_address() {
        let allowed_hosts = vec!["a.example".to_owned()];
        let policy = WebhookPolicy { allowed_hosts, ..WebhookPolicy::default() };
        assert_eq!(policy.check_host("A.example."), Ok(()));
        assert!(policy.check_host("b.example").unwrap_err().to_string().contains("allowedHosts"));
        assert!(check(&policy, "a.example", "127.0.0.1").is_err());
        assert_eq!(WebhookPolicy::default().check_host("anything"), Ok(()));
    }
}
