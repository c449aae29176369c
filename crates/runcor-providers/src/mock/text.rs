//! Text as the mock measures and cuts it.

use std::borrow::Cow;

use runcor_core::ModelRequest;

/// The length in UTF-16 units, which is how the mock counts tokens.
pub(super) fn utf16_len(text: &str) -> u64 {
    let units = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
    u64::try_from(units).unwrap_or(u64::MAX)
}

/// What the request asks: its messages, one a line, or else its prompt.
pub(super) fn prompt(request: &ModelRequest) -> Cow<'_, str> {
    match request.messages.as_slice() {
        [] => Cow::Borrowed(request.prompt.as_deref().unwrap_or_default()),
        [one] => Cow::Borrowed(&one.content),
        several => {
            let contents: Vec<&str> =
                several.iter().map(|message| message.content.as_str()).collect();
            Cow::Owned(contents.join("\n"))
        }
    }
}

/// Cuts text into pieces of `size` characters.
pub(super) fn pieces(text: &str, size: Option<usize>) -> Vec<String> {
    let Some(size) = size.filter(|size| *size > 0) else {
        return if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
    };
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.char_indices().nth(size).map_or(rest.len(), |(at, _)| at);
        let (piece, left) = rest.split_at(at);
        pieces.push(piece.to_owned());
        rest = left;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_utf_16_units_and_pieces_count_characters() {
        assert_eq!(utf16_len("a😀"), 3);
        assert_eq!(pieces("aä😀b", Some(2)), ["aä", "😀b"]);
        assert_eq!(pieces("abc", Some(0)), ["abc"]);
        assert!(pieces("", None).is_empty());
    }
}
