//! Names to addresses, every address vetted before a connection is made to it.
//!
//! The vetting stands inside the connector's own resolver, so the address that
//! was vetted is the address that is connected to.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::policy::WebhookPolicy;

/// Finds the addresses of a name; [`SystemLookup`] asks the machine's resolver.
#[async_trait]
pub trait NameLookup: fmt::Debug + Send + Sync {
    /// Returns every address of `host`.
    ///
    /// # Errors
    /// Fails when the name has no address or the name service does not answer.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl NameLookup for SystemLookup {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// The resolver that the HTTP client uses.
#[derive(Debug, Clone)]
pub(crate) struct VettingResolver {
    pub(crate) policy: Arc<WebhookPolicy>,
    pub(crate) lookup: Arc<dyn NameLookup>,
}

impl Resolve for VettingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let allowed = resolver.vetted(name.as_str()).await?;
            let addresses = allowed.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

impl VettingResolver {
    /// Returns the addresses of `host` that are allowed; an error when none is.
    async fn vetted(
        &self,
        host: &str,
    ) -> Result<Vec<IpAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let mut allowed = Vec::new();
        let mut refused = None;
        for address in self.lookup.lookup(host).await? {
            match self.policy.check_address(host, address) {
                Ok(()) => allowed.push(address),
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if allowed.is_empty() => Err(error.into()),
            _ => Ok(allowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(Vec<IpAddr>);

    #[async_trait]
    impl NameLookup for Fixed {
        async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            Ok(self.0.clone())
        }
    }

    async fn vetted(addresses: &[&str]) -> Result<Vec<IpAddr>, String> {
        let lookup = Fixed(addresses.iter().map(|address| address.parse().unwrap()).collect());
        let resolver = VettingResolver { policy: Arc::default(), lookup: Arc::new(lookup) };
        resolver.vetted("hooks.example.com").await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn of_mixed_addresses_only_the_public_ones_are_used() {
        let mixed = vetted(&["127.0.0.1", "8.8.8.8", "fd00::1", "2606:4700::1111"]).await.unwrap();
        let shown: Vec<_> = mixed.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["8.8.8.8", "2606:4700::1111"]);
    }

    #[tokio::test]
    async fn a_name_with_special_addresses_alone_is_refused() {
        let refused = vetted(&["127.0.0.1", "10.0.0.1"]).await.unwrap_err();
        assert!(refused.contains("webhooks.allowPrivateAddresses"), "{refused}");
    }
}
