//! Bearer tokens: kept as hashes, compared in constant time, each with whom it stands for.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use runcor_core::{Caller, TenantId, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::config::HttpConfig;

/// A token, and on whose behalf its bearer acts.
///
/// One that names neither a user nor a tenant is the operator's: its bearer
/// may act on anybody's behalf.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessToken {
    /// The token itself.
    pub token: SecretString,
    /// The user that its bearer is.
    #[serde(default)]
    pub user: Option<UserId>,
    /// The tenant that its bearer belongs to and sees nothing beside of.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// What the log calls it.
    #[serde(default)]
    pub name: Option<String>,
}

/// Whom a known token stands for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// On whose behalf it acts.
    pub(crate) caller: Caller,
    /// What the log calls it.
    pub(crate) name: Option<String>,
}

impl Bearer {
    /// Returns whether it may act on nobody's behalf but its own.
    pub(crate) fn is_bound(&self) -> bool {
        self.caller != Caller::default()
    }
}

/// What a request presents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// No `Authorization` at all.
    Missing,
    /// Something that is no token.
    Wrong,
    /// A token.
    Right(Arc<Bearer>),
}

/// Knows the tokens' hashes and nothing more of them.
pub(crate) struct TokenCheck {
    known: Vec<([u8; 32], Arc<Bearer>)>,
}

impl TokenCheck {
    /// Knows the tokens of a configuration; `None` where it has none, so that everybody may call.
    pub(crate) fn of(config: &HttpConfig) -> Option<Self> {
        let operator = config.auth_token.iter().map(|token| (hash(token), Arc::default()));
        let others = config.tokens.iter().map(|one| {
            let caller = Caller { user: one.user.clone(), tenant: one.tenant.clone() };
            (hash(&one.token), Arc::new(Bearer { caller, name: one.name.clone() }))
        });
        let known: Vec<_> = operator.chain(others).collect();
        (!known.is_empty()).then_some(Self { known })
    }

    /// Looks at the `Authorization` header; two of them are as bad as a wrong one.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Credentials {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Credentials::Missing };
        let presented = bearer(value.as_bytes()).unwrap_or_default();
        let found = self.find(&Sha256::digest(presented).into());
        match found {
            Some(bearer) if values.next().is_none() => Credentials::Right(Arc::clone(bearer)),
            _ => Credentials::Wrong,
        }
    }

    /// Looks at every token, whichever fits, so that the time tells nothing.
    fn find(&self, digest: &[u8; 32]) -> Option<&Arc<Bearer>> {
        let mut found = u32::MAX;
        for (index, (known, _)) in (0..).zip(&self.known) {
            let same: Choice = known.ct_eq(digest);
            found.conditional_assign(&index, same);
        }
        self.known.get(usize::try_from(found).ok()?).map(|(_, bearer)| bearer)
    }
}

fn hash(token: &SecretString) -> [u8; 32] {
    Sha256::digest(token.expose_secret().as_bytes()).into()
}

/// Takes the token out of `Bearer <token>`; the scheme's case does not matter.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn check(values: &[&'static str]) -> Credentials {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        let tokens = json!({
            "authToken": "s3cret",
            "tokens": [
                { "token": "of-acme", "tenant": "acme", "name": "the shop" },
                { "token": "second", "name": "spare" },
            ],
        });
        TokenCheck::of(&serde_json::from_value(tokens).unwrap()).unwrap().check(&headers)
    }

    fn is_right(value: &'static str) -> bool {
        matches!(check(&[value]), Credentials::Right(_))
    }

    #[test]
    fn only_the_whole_token_under_the_bearer_scheme_is_right() {
        assert!(is_right("Bearer s3cret") && is_right("bearer  s3cret "));
        assert_eq!(check(&[]), Credentials::Missing);
        for wrong in
            ["s3cret", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crets", "Basic s3cret"]
        {
            assert_eq!(check(&[wrong]), Credentials::Wrong, "{wrong}");
        }
        assert_eq!(check(&["Bearer s3cret", "Bearer s3cret"]), Credentials::Wrong);
    }

    #[test]
    fn a_token_tells_whom_it_stands_for_and_one_without_anybody_is_the_operators() {
        let bearer = |value| match check(&[value]) {
            Credentials::Right(bearer) => bearer,
            other => panic!("{other:?}"),
        };
        assert!(!bearer("Bearer s3cret").is_bound() && !bearer("Bearer second").is_bound());
        let shop = bearer("Bearer of-acme");
        assert!(shop.is_bound());
        assert_eq!(shop.caller.tenant, Some(TenantId::new("acme").unwrap()));
        assert_eq!(shop.name.as_deref(), Some("the shop"));
        assert_eq!(bearer("Bearer second").name.as_deref(), Some("spare"));
    }

    #[test]
    fn without_tokens_there_is_nothing_to_check() {
        assert!(TokenCheck::of(&HttpConfig::default()).is_none());
    }
}
