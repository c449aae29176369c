//! The way of an operation through the policies.

use async_trait::async_trait;
use runcor_core::{
    Admission, Caller, Error, Event, FlowName, Policy, PolicyRequest, PolicyViolation, RateLimited,
    RateRefusal, Result, rate_limited,
};

use super::Policies;
use super::denied::{Refusal, flow_name};
use super::state::{State, Tenant};
use crate::access::Reach;
use crate::rule::Denial;
use crate::tenant::UnknownTenants;

#[async_trait]
impl Policy for Policies {
    async fn admit(&self, request: &PolicyRequest<'_>) -> Result<Admission> {
        let state = self.state();
        let tenant = allowed(&state, request).map_err(|refusal| refusal.into_error(request))?;
        let takes = state.takes(request, tenant);
        let input = state.rules.judge(request).map_err(|denial| self.violated(request, denial))?;
        Ok(Admission { input, takes })
    }

    fn sees_flow(&self, caller: &Caller, flow: &FlowName) -> bool {
        let state = self.state();
        let Ok(tenant) = tenant(&state, caller) else { return false };
        reach(&state, caller, tenant).contains(flow.as_str())
    }

    fn refused(&self, request: &PolicyRequest<'_>, refusal: &RateRefusal) -> Error {
        let state = self.state();
        let limit = state.limit(&refusal.key.limit, refusal.key.tenant.as_ref());
        let queues = limit.is_some_and(|limit| limit.queues(request.operation));
        self.events.emit(Event::RateLimited(Box::new(RateLimited {
            rate_limit_name: refusal.key.limit.clone(),
            scope: refusal.key.scope,
            flow_name: flow_name(request).to_owned(),
            user_id: request.caller.user.clone(),
            tenant_id: request.caller.tenant.clone(),
            limit: refusal.limit,
            window_ms: u64::try_from(refusal.window.as_millis()).unwrap_or(u64::MAX),
            current_count: refusal.count,
            behavior: if queues { "queue" } else { "reject" }.to_owned(),
            timestamp: request.now,
        })));
        rate_limited(refusal)
    }
}

impl Policies {
    /// Announces that a rule denied an operation, and makes the error of it.
    fn violated(&self, request: &PolicyRequest<'_>, denial: Denial<'_>) -> Error {
        self.events.emit(Event::PolicyViolation(Box::new(PolicyViolation {
            rule_name: denial.rule.to_owned(),
            operation: request.operation,
            flow_name: flow_name(request).to_owned(),
            user_id: request.caller.user.clone(),
            tenant_id: request.caller.tenant.clone(),
            reason: denial.reason.clone(),
            timestamp: request.now,
        })));
        Refusal::Rule(denial).into_error(request)
    }
}

/// Judges access, and returns the caller's tenant, if it has a policy.
fn allowed<'a>(
    state: &'a State,
    request: &PolicyRequest<'_>,
) -> Result<Option<&'a Tenant>, Refusal<'a>> {
    let (operation, flow) = (request.operation, request.flow.map(AsRef::as_ref));
    let shared = state.access.matching(request.caller);
    if let Some(matching) = &shared {
        matching.operation(operation).map_err(Refusal::Access)?;
        flow.map_or(Ok(()), |flow| matching.flow(flow)).map_err(Refusal::Access)?;
    }
    let tenant = tenant(state, request.caller)?;
    let own = tenant.and_then(|tenant| tenant.access.matching(request.caller));
    if let Some(matching) = &own {
        matching.operation(operation).map_err(Refusal::TenantAccess)?;
        flow.map_or(Ok(()), |flow| matching.flow(flow)).map_err(Refusal::TenantAccess)?;
    }
    let flows = tenant.and_then(|tenant| tenant.policy.allowed_flows());
    match flow {
        Some(flow) if flows.is_some_and(|flows| !flows.contains(flow)) => Err(Refusal::TenantFlow),
        None if (Reach { shared, own, tenant: flows }).is_empty() => Err(Refusal::NoFlow),
        _ => Ok(tenant),
    }
}

/// Returns the caller's tenant, if it has one that has a policy.
fn tenant<'a>(state: &'a State, caller: &Caller) -> Result<Option<&'a Tenant>, Refusal<'a>> {
    let Some(name) = &caller.tenant else { return Ok(None) };
    let tenant = state.tenant(name);
    let must_be_known = state.has_tenants() && state.unknown_tenants == UnknownTenants::Deny;
    if tenant.is_none() && must_be_known {
        return Err(Refusal::UnknownTenant);
    }
    Ok(tenant)
}

fn reach<'a>(state: &'a State, caller: &Caller, tenant: Option<&'a Tenant>) -> Reach<'a> {
    Reach {
        shared: state.access.matching(caller),
        own: tenant.and_then(|tenant| tenant.access.matching(caller)),
        tenant: tenant.and_then(|tenant| tenant.policy.allowed_flows()),
    }
}
