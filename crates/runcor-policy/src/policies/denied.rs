//! Why an operation may not happen, in words for the caller.

use runcor_core::{Error, ErrorCode, PolicyRequest};
use serde_json::json;

use crate::access::Why;
use crate::rule::Denial;

/// Why an operation may not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal<'a> {
    /// By the access policies.
    Access(Why<'a>),
    /// By the tenant's own access policies.
    TenantAccess(Why<'a>),
    /// The caller's tenant has no policy.
    UnknownTenant,
    /// The flow is not among the tenant's.
    TenantFlow,
    /// No flow is left to do it with.
    NoFlow,
    /// By a rule.
    Rule(Denial<'a>),
}

impl Refusal<'_> {
    pub(super) fn into_error(self, request: &PolicyRequest<'_>) -> Error {
        let (code, reason) = match &self {
            Self::Rule(denial) => (ErrorCode::PolicyDenied, rule(denial)),
            Self::Access(why) => (ErrorCode::AccessDenied, access(*why, "access policy")),
            Self::TenantAccess(why) => {
                (ErrorCode::AccessDenied, access(*why, "access policy within the tenant"))
            }
            Self::UnknownTenant => (ErrorCode::AccessDenied, "the tenant is not known".to_owned()),
            Self::TenantFlow => {
                (ErrorCode::AccessDenied, "the flow is not among those of the tenant".to_owned())
            }
            Self::NoFlow => (ErrorCode::AccessDenied, "no flow is allowed".to_owned()),
        };
        let mut details = json!({
            "operation": request.operation,
            "flowName": request.flow,
            "userId": request.caller.user,
            "tenantId": request.caller.tenant,
        });
        if let (Self::Rule(denial), Some(details)) = (&self, details.as_object_mut()) {
            details.insert("ruleName".to_owned(), denial.rule.into());
        }
        let message = format!("{} may not {}: {reason}", who(request), what(request));
        Error::new(code, message).with_details(details)
    }
}

/// Returns the name of the flow as events tell it.
pub(super) fn flow_name<'a>(request: &PolicyRequest<'a>) -> &'a str {
    request.flow.map_or("*", AsRef::as_ref)
}

fn rule(denial: &Denial<'_>) -> String {
    match &denial.reason {
        Some(reason) => format!("rule {:?} denies it: {reason}", denial.rule),
        None => format!("rule {:?} denies it", denial.rule),
    }
}

fn access(why: Why<'_>, kind: &str) -> String {
    let (verb, policy) = match why {
        Why::Unnamed => return format!("no {kind} names the caller"),
        Why::DeniedOperation(policy) => ("denies the operation", policy),
        Why::OtherOperations(policy) => ("allows other operations only", policy),
        Why::DeniedFlow(policy) => ("denies the flow", policy),
        Why::OtherFlows(policy) => ("allows other flows only", policy),
    };
    format!("the {kind} of \"{}\" {verb}", policy.identity())
}

fn who(request: &PolicyRequest<'_>) -> String {
    match (&request.caller.user, &request.caller.tenant) {
        (Some(user), Some(tenant)) => format!("user {user:?} of tenant {tenant:?}"),
        (Some(user), None) => format!("user {user:?}"),
        (None, Some(tenant)) => format!("a caller of tenant {tenant:?}"),
        (None, None) => "a caller without identity".to_owned(),
    }
}

fn what(request: &PolicyRequest<'_>) -> String {
    let operation = request.operation.as_str();
    match request.flow {
        Some(flow) => format!("{operation} on flow {flow:?}"),
        None => operation.to_owned(),
    }
}
