//! Packs: the journal of an ended execution in one compressed row.
//!
//! A pack is the JSON of its rows, each with its number, compressed by zlib.
//! Values stand in it as text: they may nest as deep as a parser allows, and a
//! wrapper would be one level too many.

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use crate::encode::EntryRow;

/// Up to this size it is worth while to look long for what repeats.
const SHORT_BYTES: usize = 16 << 10;
/// SQLite keeps no value above this size, so that nothing above it was packed.
const MOST_BYTES: usize = 1 << 30;

/// A row of a journal and its number, which tells its place.
pub(crate) type Numbered = (i64, EntryRow);

/// Packs rows; `None` where they can't be.
pub(crate) fn pack(rows: &[Numbered]) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(rows).ok()?;
    Some(squeeze(&json))
}

/// Reads a pack; `None` where it is damaged.
pub(crate) fn unpack(body: &[u8]) -> Option<Vec<Numbered>> {
    let json = decompress_to_vec_zlib_with_limit(body, MOST_BYTES).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Compresses a text.
///
/// On real text of some length the quickest level saves a tenth less than the
/// usual one, in a third of its time or less.
pub(crate) fn squeeze(text: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(text, if text.len() <= SHORT_BYTES { 6 } else { 1 })
}

/// Returns the text of a compressed value, which is `bytes` long; `None` where it is damaged.
pub(crate) fn expand(body: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let text = decompress_to_vec_zlib_with_limit(body, bytes).ok()?;
    (text.len() == bytes).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_of_a_pack_is_noticed_or_does_no_harm() {
        let json = r#"[[7,{"p":"a#1","k":"step","a":1,"b":-5,"t":9,"o":0,"v":"[1,2]"}]]"#;
        let rows: Vec<Numbered> = serde_json::from_str(json).unwrap();
        let whole = format!("{rows:?}");
        let mut body = pack(&rows).unwrap();
        let read = |body: &[u8]| unpack(body).map(|rows| format!("{rows:?}"));
        assert_eq!(read(&body).as_ref(), Some(&whole));
        for at in 0..body.len() {
            for bit in 0..8 {
                body[at] ^= 1 << bit;
                let found = read(&body);
                assert!(found.is_none() || found.as_ref() == Some(&whole), "byte {at}: {found:?}");
                body[at] ^= 1 << bit;
            }
        }
        for end in 0..body.len() {
            assert_eq!(read(&body[..end]), None);
        }
    }

    #[test]
    fn a_value_comes_back_only_at_its_size() {
        let text = "lorem ipsum ".repeat(1_000);
        let body = squeeze(text.as_bytes());
        assert!(body.len() < text.len() / 10);
        assert_eq!(expand(&body, text.len()).unwrap(), text.as_bytes());
        assert_eq!(expand(&body, text.len() - 1), None);
        assert_eq!(expand(&body, text.len() + 1), None);
    }
}
