//! What a flow file may say about a webhook: address and headers.

use reqwest::header::HeaderName;
use url::Url;

/// The longest address, in bytes.
const MAX_URL_BYTES: usize = 8192;

/// Headers that belong to the connection or to runcor.
const RESERVED: [&str; 14] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "idempotency-key",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "accept-encoding",
];

/// Parses an address; what is wrong with it is told without repeating it.
pub(crate) fn check_url(text: &str) -> Result<Url, String> {
    if text.len() > MAX_URL_BYTES {
        return Err(format!("an address has at most {MAX_URL_BYTES} bytes"));
    }
    if text.starts_with('$') {
        return Err("an address from a path is not part of this version yet".to_owned());
    }
    check_variables(text)?;
    let url = Url::parse(text).map_err(|error| format!("not a valid address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("must begin with http:// or https://, not {}:", url.scheme()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("names no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain credentials; put them into headers.Authorization".to_owned());
    }
    Ok(url)
}

/// Refuses `${NAME}`, which would otherwise be sent as it stands.
pub(crate) fn check_variables(text: &str) -> Result<(), String> {
    if text.contains("${") {
        return Err("variables such as ${NAME} are not part of this version yet".to_owned());
    }
    Ok(())
}

/// Refuses the headers that a flow must not set.
pub(crate) fn check_header(name: &HeaderName) -> Result<(), String> {
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
        return Err("is set by runcor and can't be changed".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_addresses_without_credentials_are_accepted() {
        assert!(check_url("https://example.com/hook?x=1").is_ok());
        for (text, reason) in [
            ("ftp://example.com", "http:// or https://"),
            ("file:///etc/passwd", "http:// or https://"),
            ("example.com/hook", "not a valid address"),
            ("https://", "not a valid address"),
            ("https://user:secret@example.com", "credentials"),
            ("$.input.url", "not part of this version yet"),
            ("https://example.com/${TOKEN}", "not part of this version yet"),
        ] {
            let problem = check_url(text).unwrap_err();
            assert!(problem.contains(reason), "{text}: {problem}");
            assert!(!problem.contains("secret"));
        }
        assert!(check_url(&format!("https://example.com/{}", "a".repeat(9000))).is_err());
    }

    #[test]
    fn headers_of_the_connection_are_refused() {
        for name in ["Host", "content-length", "Transfer-Encoding", "Proxy-Authorization", "TE"] {
            assert!(check_header(&name.parse().unwrap()).is_err(), "{name}");
        }
        assert!(check_header(&"Authorization".parse().unwrap()).is_ok());
    }
}
