//! `Host` and `Origin`: a web page must not reach the API behind the user's back.
//!
//! A page can make the name of its own server point at 127.0.0.1 (DNS
//! rebinding), and it can post to any address without being asked. Where a
//! token is set, neither helps it. Where none is, a request is answered only
//! if it names a host that is ours, and comes from a page that is allowed.

use std::net::IpAddr;

use http::header::HOST;
use http::{HeaderMap, HeaderValue, Uri};

use crate::config::HttpConfig;
use crate::cors::Cors;
use crate::reply::Failure;

pub(crate) struct HostCheck {
    /// Whether `Host` is looked at.
    hosts: bool,
    /// Whether `Origin` is looked at.
    origins: bool,
    allowed: Vec<String>,
    cors: Cors,
}

impl HostCheck {
    pub(crate) fn new(config: &HttpConfig, bound_to_loopback: bool) -> Self {
        let open = config.is_open();
        Self {
            hosts: !config.allowed_hosts.is_empty() || (open && bound_to_loopback),
            origins: open,
            allowed: config.allowed_hosts.clone(),
            cors: config.cors.clone(),
        }
    }

    /// Checks a request; a preflight has its `origin` left out, for CORS headers answer it.
    pub(crate) fn check(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        origin: Option<&HeaderValue>,
    ) -> Result<(), Failure> {
        if self.hosts && !self.host_is_ours(uri, headers) {
            return Err(Failure::forbidden(
                "this host name is not answered; use localhost, or add the name to allowedHosts",
            ));
        }
        if self.origins && !origin.is_none_or(|origin| self.origin_is_allowed(origin, headers)) {
            return Err(Failure::forbidden(
                "pages of this origin may not use the API; add the origin to cors, or set a token",
            ));
        }
        Ok(())
    }

    fn host_is_ours(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut named = headers.get_all(HOST).iter().map(|value| value.to_str().unwrap_or(""));
        let in_target = uri.authority().is_none_or(|authority| self.knows(authority.as_str()));
        in_target && named.next().is_some_and(|host| self.knows(host)) && named.next().is_none()
    }

    fn origin_is_allowed(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        if self.cors.allows(origin) {
            return true;
        }
        let Some((_, authority)) = origin.split_once("://") else { return false };
        let same = |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(authority.as_bytes());
        self.knows(authority) || headers.get(HOST).is_some_and(same)
    }

    /// Returns whether `authority` (`host` or `host:port`) names this machine or a configured host.
    fn knows(&self, authority: &str) -> bool {
        let host = without_port(authority);
        let ours = |known: &String| {
            known.eq_ignore_ascii_case(authority) || known.eq_ignore_ascii_case(host)
        };
        is_loopback_name(host) || self.allowed.iter().any(ours)
    }
}

/// Cuts the port off `host:port`; an IPv6 address keeps its brackets.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => authority,
    }
}

fn is_loopback_name(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_name_that_a_stranger_can_own_is_answered(
            host in "(localhost|127\\.0\\.0\\.1|\\[::1\\]|[a-z]{1,5})?[.@:a-z0-9-]{0,8}\\.[a-z]{2,6}(:[0-9]{1,5})?"
        ) {
            prop_assert!(!check(&HttpConfig::default(), &host, None), "{host}");
        }

        #[test]
        fn any_host_and_origin_are_judged_without_a_panic(
            host in "[ -~]{0,30}", origin in "[ -~]{0,30}"
        ) {
            check(&HttpConfig::default(), &host, Some(&origin));
        }
    }

    fn check(config: &HttpConfig, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        let origin = origin.map(|origin| HeaderValue::from_str(origin).unwrap());
        let uri = Uri::from_static("/v1/health");
        HostCheck::new(config, true).check(&uri, &headers, origin.as_ref()).is_ok()
    }

    #[test]
    fn only_names_of_the_machine_itself_are_answered() {
        let config = HttpConfig::default();
        for ours in ["localhost", "LOCALHOST:3000", "127.0.0.1:3000", "127.9.9.9", "[::1]:3000"] {
            assert!(check(&config, ours, None), "{ours}");
        }
        for foreign in [
            "evil.example",
            "evil.example:3000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "",
            "localhost:3000:x",
        ] {
            assert!(!check(&config, foreign, None), "{foreign}");
        }
    }

    #[test]
    fn configured_names_are_answered_with_any_port_or_the_given_one() {
        let config = HttpConfig {
            allowed_hosts: vec!["a.example".to_owned(), "b.example:8443".to_owned()],
            ..HttpConfig::default()
        };
        assert!(check(&config, "a.example", None));
        assert!(check(&config, "A.example:99", None));
        assert!(check(&config, "b.example:8443", None));
        assert!(!check(&config, "b.example:8444", None));
    }

    #[test]
    fn a_page_of_another_origin_is_refused_and_a_local_one_is_not() {
        let config = HttpConfig::default();
        assert!(check(&config, "localhost:3000", Some("http://localhost:5173")));
        assert!(!check(&config, "localhost:3000", Some("https://evil.example")));
        assert!(!check(&config, "localhost:3000", Some("null")));
        assert!(!check(&config, "localhost:3000", Some("http://localhost.evil.example")));
        let open = HttpConfig { cors: Cors::Any, ..HttpConfig::default() };
        assert!(check(&open, "localhost:3000", Some("https://evil.example")));
    }

    #[test]
    fn a_target_that_names_another_host_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        let check = HostCheck::new(&HttpConfig::default(), true);
        assert!(
            check.check(&Uri::from_static("http://evil.example/v1/flows"), &headers, None).is_err()
        );
        headers.append(HOST, HeaderValue::from_static("localhost"));
        assert!(check.check(&Uri::from_static("/v1/flows"), &headers, None).is_err());
    }
}
