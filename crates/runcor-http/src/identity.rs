//! On whose behalf a request is made: what its token says, and what its headers say.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use runcor_core::{Caller, InvalidId, TenantId, Trigger, UserId};

use crate::auth::Bearer;
use crate::reply::Failure;

/// Names the user on whose behalf a request is made.
pub(crate) const USER: HeaderName = HeaderName::from_static("x-runcor-user");
/// Names the tenant on whose behalf a request is made.
pub(crate) const TENANT: HeaderName = HeaderName::from_static("x-runcor-tenant");

/// On whose behalf a request is made.
///
/// What a token says binds: a header may add the user of a tenant's token, and
/// can't contradict or widen it. Who has the operator's token, or needs none,
/// may name anybody.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identity {
    bearer: Arc<Bearer>,
    caller: Caller,
}

impl Identity {
    /// Puts together what a token and the headers say.
    pub(crate) fn of(bearer: Arc<Bearer>, headers: &HeaderMap) -> Result<Self, Failure> {
        let user: Option<UserId> = named(headers, &USER, UserId::new)?;
        let tenant: Option<TenantId> = named(headers, &TENANT, TenantId::new)?;
        let identity = Self { caller: bearer.caller.clone(), bearer };
        identity.admit_tenant(tenant.as_ref().map(TenantId::as_str))?;
        identity.admit_user(user.as_ref().map(UserId::as_str))?;
        let Self { bearer, caller } = identity;
        let caller = Caller { user: caller.user.or(user), tenant: caller.tenant.or(tenant) };
        Ok(Self { bearer, caller })
    }

    /// Returns on whose behalf; nobody's, where neither a user nor a tenant is known.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns whether nobody is named at all.
    pub(crate) fn is_nobody(&self) -> bool {
        self.caller == Caller::default()
    }

    /// Returns whether the request may do what only operators may.
    pub(crate) fn is_operator(&self) -> bool {
        !self.bearer.is_bound() && self.caller.tenant.is_none()
    }

    /// Returns what the log calls whoever asks.
    pub(crate) fn name(&self) -> &str {
        let user = self.caller.user.as_ref().map(UserId::as_str);
        self.bearer.name.as_deref().or(user).unwrap_or("operator")
    }

    /// Refuses a tenant that is not the caller's.
    pub(crate) fn admit_tenant(&self, named: Option<&str>) -> Result<(), Failure> {
        let own = self.caller.tenant.as_ref().map(TenantId::as_str);
        match named {
            Some(named) if own.is_some_and(|own| own != named) => Err(Failure::not_yours("tenant")),
            Some(_) if own.is_none() && self.bearer.is_bound() => Err(Failure::not_yours("tenant")),
            _ => Ok(()),
        }
    }

    /// Refuses a user that is not the caller; a tenant's token may name any user of it.
    fn admit_user(&self, named: Option<&str>) -> Result<(), Failure> {
        let own = self.caller.user.as_ref().map(UserId::as_str);
        match (own, named) {
            (Some(own), Some(named)) if own != named => Err(Failure::not_yours("user")),
            _ => Ok(()),
        }
    }

    /// Refuses a trigger on behalf of somebody else.
    pub(crate) fn admit_trigger(&self, trigger: &Trigger) -> Result<(), Failure> {
        self.admit_tenant(trigger.tenant_id.as_deref())?;
        self.admit_user(trigger.user_id.as_deref())
    }
}

/// Reads a header that names somebody. An empty one is an error: taken for
/// absent it would turn somebody into an operator.
fn named<T>(
    headers: &HeaderMap,
    name: &HeaderName,
    parse: impl FnOnce(String) -> Result<T, InvalidId>,
) -> Result<Option<T>, Failure> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Failure::field(name.as_str(), "must stand there once"));
    }
    let text = String::from_utf8(value.as_bytes().to_vec())
        .map_err(|_| Failure::field(name.as_str(), "must be UTF-8"))?;
    parse(text).map(Some).map_err(|error| Failure::field(name.as_str(), &error.to_string()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn bearer(user: Option<&str>, tenant: Option<&str>) -> Arc<Bearer> {
        let caller = Caller {
            user: user.map(|user| UserId::new(user).unwrap()),
            tenant: tenant.map(|tenant| TenantId::new(tenant).unwrap()),
        };
        Arc::new(Bearer { caller, name: None })
    }

    fn headers(user: Option<&str>, tenant: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [(USER, user), (TENANT, tenant)] {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
        }
        headers
    }

    #[test]
    fn an_empty_blank_or_repeated_header_is_refused_and_not_passed_over() {
        for bad in ["", " ", "\t"] {
            let found = Identity::of(Arc::default(), &headers(None, Some(bad)));
            assert!(format!("{:?}", found.unwrap_err()).contains("VALIDATION_ERROR"), "{bad:?}");
        }
        let mut twice = headers(None, Some("a"));
        twice.append(TENANT, HeaderValue::from_static("a"));
        assert!(Identity::of(Arc::default(), &twice).is_err());
    }

    #[test]
    fn names_may_have_letters_of_every_language() {
        let identity = Identity::of(Arc::default(), &headers(Some("Jürgen"), None)).unwrap();
        assert_eq!(identity.caller().user.as_ref().map(UserId::as_str), Some("Jürgen"));
    }

    fn who() -> impl Strategy<Value = Option<&'static str>> {
        prop::sample::select(vec![None, Some("a"), Some("b")])
    }

    proptest! {
        #[test]
        fn no_header_and_no_body_contradicts_or_widens_what_a_token_says(
            (user, tenant) in (who(), who()),
            (user_header, tenant_header) in (who(), who()),
            (user_id, tenant_id) in (who(), who()),
        ) {
            let bearer = bearer(user, tenant);
            let bound = bearer.is_bound();
            let Ok(identity) = Identity::of(bearer, &headers(user_header, tenant_header)) else {
                return Ok(());
            };
            let caller = identity.caller().clone();
            let text = |id: Option<&str>| id.map(str::to_owned);
            if bound {
                prop_assert_eq!(caller.tenant.as_ref().map(TenantId::as_str), tenant);
                prop_assert!(!identity.is_operator());
            }
            if user.is_some() {
                prop_assert_eq!(caller.user.as_ref().map(UserId::as_str), user);
            }
            let trigger =
                Trigger { user_id: text(user_id), tenant_id: text(tenant_id), ..Trigger::default() };
            if identity.admit_trigger(&trigger).is_ok() && bound {
                prop_assert!(tenant_id.is_none() || tenant_id == tenant);
                prop_assert!(user.is_none() || user_id.is_none() || user_id == user);
            }
        }
    }
}
