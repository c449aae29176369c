//! Asking again with a hint at what was wrong.

use std::fmt::Write as _;

use runcor_core::{Message, ModelRequest, ModelResponse, Violation};

/// Turns `request` into the one that asks again, from the provider that gave `response`.
///
/// In a conversation the answer and the hint become its next two turns; a single
/// prompt is repeated with the hint below it.
pub(super) fn add(request: &mut ModelRequest, response: &ModelResponse, errors: &[Violation]) {
    // A service that is no router may leave its answer without a name.
    if !response.provider.is_empty() {
        request.provider = Some(response.provider.clone());
    }
    // The provider that answered gets the same model again. A name that it was
    // not asked for would be no better now; without one it takes the same of its own.
    if response.substituted {
        request.model = None;
    }
    let hint = hint(errors);
    if request.messages.is_empty() {
        let prompt = request.prompt.get_or_insert_default();
        prompt.push_str("\n\n");
        prompt.push_str(&hint);
        return;
    }
    // Vendors refuse a turn without content.
    if !response.text.trim().is_empty() {
        request.messages.push(Message::assistant(response.text.clone()));
    }
    request.messages.push(Message::user(hint));
}

fn hint(errors: &[Violation]) -> String {
    let mut text = String::from("Your previous output did not match the required format.");
    if !errors.is_empty() {
        text.push_str(" These problems were found:\n");
        for error in errors {
            // Writing to a string can't fail.
            let _ = writeln!(text, "- {error}");
        }
    }
    let joint = if errors.is_empty() { ' ' } else { '\n' };
    text.push(joint);
    text.push_str("Answer again with nothing but JSON that conforms to it.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_has_a_bullet_for_each_violation_with_its_place() {
        let violation = |path: &str, message: &str| Violation {
            path: path.to_owned(),
            message: message.to_owned(),
            keyword: String::new(),
        };
        let text = hint(&[violation("/age", "must be an integer"), violation("", "is not JSON")]);
        assert!(text.contains("\n- /age: must be an integer\n- is not JSON\n"), "{text}");
    }

    #[test]
    fn without_violations_the_hint_is_short() {
        assert_eq!(hint(&[]).lines().count(), 1);
    }
}
