//! Guardrails of single flows and tenants.

use runcor_core::{ErrorCode, FlowName, Guard, GuardPhase, TenantId};
use runcor_policy::guardrail::{Guardrail, Guardrails, Pii, Secrets, TenantGuardrails};
use serde_json::json;

use super::{Bed, everywhere, is_blocked, scope_of, transforming};

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn pii() -> Guardrail {
    everywhere(Guardrail::built_in("pii", Pii::new()))
}

async fn is_stopped(bed: &Bed, flow: &str, tenant: Option<&str>) -> bool {
    let scope = scope_of(flow, tenant);
    let checked = bed.guardrails.check(GuardPhase::Input, json!("a@example.com"), &scope).await;
    let blocked = is_blocked(&checked);
    assert_eq!(blocked, bed.guardrails.watches(GuardPhase::Input, &scope));
    blocked
}

#[tokio::test]
async fn a_guardrail_of_a_flow_looks_at_no_other() {
    let bed = Bed::of([pii().flows([FlowName::new("a").unwrap()])]);
    assert!(is_stopped(&bed, "a", None).await);
    assert!(!is_stopped(&bed, "b", None).await);
}

#[tokio::test]
async fn a_guardrail_for_tenants_looks_at_theirs_alone() {
    let bed = Bed::of([pii().tenants([tenant("acme")])]);
    assert!(is_stopped(&bed, "f", Some("acme")).await);
    assert!(!is_stopped(&bed, "f", Some("other")).await);
    assert!(!is_stopped(&bed, "f", None).await);
}

#[tokio::test]
async fn a_tenant_adds_guardrails_of_its_own_and_switches_others_off() {
    let acme = TenantGuardrails::new(tenant("acme")).off("pii");
    let bureau = TenantGuardrails::new(tenant("bureau"))
        .guardrail(transforming(Guardrail::built_in("mask", Pii::new())).priority(1));
    let bed = Bed::with(Guardrails::builder().guardrail(pii()).tenant(acme).tenant(bureau));
    assert!(is_stopped(&bed, "f", None).await);
    assert!(!is_stopped(&bed, "f", Some("acme")).await);
    let scope = scope_of("f", Some("bureau"));
    let checked = bed.guardrails.check(GuardPhase::Input, json!("a@example.com"), &scope).await;
    assert_eq!(checked.unwrap(), json!("[mail]"), "its own comes first and leaves nothing");
}

#[tokio::test]
async fn what_is_mandatory_or_not_there_can_not_be_switched_off() {
    let off = |name: &str| TenantGuardrails::new(tenant("acme")).off(name);
    let mandatory = Guardrails::builder().guardrail(pii().mandatory(true)).tenant(off("pii"));
    let error = mandatory.build().unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidPolicyConfig);
    assert!(error.message().contains("mandatory"), "{error}");
    let unknown = Guardrails::builder().guardrail(pii()).tenant(off("pij"));
    assert_eq!(unknown.build().unwrap_err().code(), ErrorCode::InvalidPolicyConfig);
}

#[tokio::test]
async fn names_are_unique_for_each_tenant() {
    let with = |tenant_name: &str, name: &str| {
        let own = everywhere(Guardrail::built_in(name, Secrets));
        TenantGuardrails::new(tenant(tenant_name)).guardrail(own)
    };
    let two = Guardrails::builder().tenant(with("a", "own")).tenant(with("b", "own"));
    assert!(two.build().is_ok());
    let same = Guardrails::builder().guardrail(pii()).tenant(with("a", "pii"));
    assert_eq!(same.build().unwrap_err().code(), ErrorCode::DuplicateGuardrail);
}
