//! The bearer token: kept as a hash, compared in constant time.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a request presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// No `Authorization` at all.
    Missing,
    /// Something that is not the token.
    Wrong,
    /// The token.
    Right,
}

/// Knows the token's hash and nothing more.
pub(crate) struct TokenCheck {
    digest: [u8; 32],
}

impl TokenCheck {
    pub(crate) fn new(token: &SecretString) -> Self {
        Self { digest: Sha256::digest(token.expose_secret().as_bytes()).into() }
    }

    /// Looks at the `Authorization` header; two of them are as bad as a wrong one.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Credentials {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Credentials::Missing };
        let presented = bearer(value.as_bytes()).unwrap_or_default();
        let digest: [u8; 32] = Sha256::digest(presented).into();
        let same = bool::from(digest.ct_eq(&self.digest));
        if same && values.next().is_none() { Credentials::Right } else { Credentials::Wrong }
    }
}

/// Takes the token out of `Bearer <token>`; the scheme's case does not matter.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(values: &[&'static str]) -> Credentials {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        TokenCheck::new(&SecretString::from("s3cret")).check(&headers)
    }

    #[test]
    fn only_the_whole_token_under_the_bearer_scheme_is_right() {
        assert_eq!(check(&["Bearer s3cret"]), Credentials::Right);
        assert_eq!(check(&["bearer  s3cret "]), Credentials::Right);
        assert_eq!(check(&[]), Credentials::Missing);
        for wrong in
            ["s3cret", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crets", "Basic s3cret"]
        {
            assert_eq!(check(&[wrong]), Credentials::Wrong, "{wrong}");
        }
        assert_eq!(check(&["Bearer s3cret", "Bearer s3cret"]), Credentials::Wrong);
    }
}
