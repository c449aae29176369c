//! The HTTP client of webhooks.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use url::{Host, Url};

use super::policy::{Refused, WebhookPolicy};
use super::resolver::{NameLookup, SystemLookup, VettingResolver};
use crate::error::Error;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How many idle connections are kept for one host.
const IDLE_PER_HOST: usize = 8;

/// An HTTP client that reaches only addresses which its policy allows.
///
/// It vets every address after name resolution and addresses that stand in the
/// URL, follows no redirects and uses no proxy. Clones share their connections.
#[derive(Clone)]
pub struct SafeHttp {
    client: Client,
    policy: Arc<WebhookPolicy>,
}

impl SafeHttp {
    /// Makes a client that resolves names as the machine does.
    ///
    /// # Errors
    /// Returns [`Error::Http`] when the machine's trusted certificates can't be loaded.
    pub fn new(policy: WebhookPolicy) -> Result<Self, Error> {
        Self::with_lookup(policy, Arc::new(SystemLookup))
    }

    /// Makes a client that resolves names with `lookup`.
    ///
    /// # Errors
    /// Returns [`Error::Http`] when the machine's trusted certificates can't be loaded.
    pub fn with_lookup(policy: WebhookPolicy, lookup: Arc<dyn NameLookup>) -> Result<Self, Error> {
        install_tls();
        let policy = Arc::new(policy);
        let resolver = VettingResolver { policy: Arc::clone(&policy), lookup };
        let client = Client::builder()
            .user_agent(concat!("runcor/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .dns_resolver(resolver)
            .build()
            .map_err(|error| Error::Http(error.into()))?;
        Ok(Self { client, policy })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Vets the host and an address that stands in the URL; names are vetted when they are resolved.
    pub(crate) fn vet(&self, url: &Url) -> Result<(), Refused> {
        let (host, address): (_, Option<IpAddr>) = match url.host() {
            Some(Host::Ipv4(address)) => (address.to_string(), Some(address.into())),
            Some(Host::Ipv6(address)) => (address.to_string(), Some(address.into())),
            Some(Host::Domain(name)) => (name.to_owned(), None),
            None => (String::new(), None),
        };
        self.policy.check_host(&host)?;
        address.map_or(Ok(()), |address| self.policy.check_address(&host, address))
    }
}

impl fmt::Debug for SafeHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SafeHttp").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Chooses the TLS implementation of the process, once; without one the client panics.
fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Somebody else may have chosen already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
