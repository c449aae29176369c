//! The signatures of Gemini's thoughts, which travel within tool calls' identities.
//!
//! Gemini signs its tool calls and refuses a conversation in which a signature
//! is missing. The vocabulary of runcor has no place for it, and a place that
//! only one vendor needs would be lost on the way through journals and other
//! vendors. So it rides in the call's identity, behind a mark; other vendors
//! see a short stand-in for the whole.

/// What separates the identity from the signature.
const MARK: &str = "__thought__";

/// What Google documents for calls that no Gemini has made.
pub(super) const UNSIGNED: &str = "skip_thought_signature_validator";

pub(super) fn join(id: &str, signature: Option<&str>) -> String {
    match signature.filter(|signature| !signature.is_empty()) {
        Some(signature) => format!("{id}{MARK}{signature}"),
        None => id.to_owned(),
    }
}

/// The identity and the signature, where there is one.
pub(super) fn split(id: &str) -> (&str, Option<&str>) {
    match id.split_once(MARK) {
        Some((id, signature)) => (id, Some(signature)),
        None => (id, None),
    }
}
