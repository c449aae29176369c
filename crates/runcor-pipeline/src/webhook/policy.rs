//! Whom webhooks may reach.

use std::net::IpAddr;

use runcor_core::{Error, ErrorCode};

use super::address::{Special, special};

/// Whom webhooks may reach besides the public internet; nobody by default.
///
/// In `runcor.yaml` it is the section `webhooks`, with the keys
/// `allowPrivateAddresses` and `allowedHosts`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookPolicy {
    /// Allows loopback, private and other special addresses, except link-local
    /// ones: there the credentials of cloud machines are served.
    pub allow_private: bool,
    /// Hosts that are allowed whatever their addresses are: names or addresses,
    /// compared exactly, without regard to case.
    pub allowed_hosts: Vec<String>,
}

impl WebhookPolicy {
    /// Judges an address of `host`.
    pub(crate) fn check(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        match special(address) {
            None => Ok(()),
            Some(_) if self.names(host) => Ok(()),
            Some(kind) if self.allow_private && kind != Special::LinkLocal => Ok(()),
            Some(kind) => Err(Refused { host: host.to_owned(), kind }),
        }
    }

    fn names(&self, host: &str) -> bool {
        let plain =
            |host: &str| host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        self.allowed_hosts.iter().any(|allowed| plain(allowed) == plain(host))
    }
}

/// An address that the policy does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the address of {host} is {kind}; {} in runcor.yaml to allow it", self.advice())]
pub(crate) struct Refused {
    host: String,
    kind: Special,
}

impl Refused {
    fn advice(&self) -> String {
        let name = format!("add {:?} to webhooks.allowedHosts", self.host);
        match self.kind {
            Special::LinkLocal => name,
            _ => format!("set webhooks.allowPrivateAddresses: true or {name}"),
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
        policy.check(host, address.parse().unwrap()).map_err(|refused| refused.to_string())
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
        assert!(refused.contains("webhooks.allowedHosts"), "{refused}");
        assert!(!refused.contains("allowPrivateAddresses"), "{refused}");
    }

    #[test]
    fn a_named_host_is_allowed_and_no_other() {
        let allowed_hosts = vec!["Hooks.Internal".to_owned(), "::1".to_owned()];
        let policy = WebhookPolicy { allow_private: false, allowed_hosts };
        assert_eq!(check(&policy, "hooks.internal", "10.0.0.1"), Ok(()));
        assert_eq!(check(&policy, "hooks.internal.", "169.254.1.1"), Ok(()));
        assert_eq!(check(&policy, "[::1]", "::1"), Ok(()));
        assert!(check(&policy, "evil-hooks.internal", "10.0.0.1").is_err());
    }
}
