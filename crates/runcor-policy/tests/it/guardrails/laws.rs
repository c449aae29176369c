//! Laws of the window, whatever the text and however it is cut.

use std::sync::LazyLock;

use proptest::prelude::*;
use runcor_core::{Guard, StreamGuard};
use runcor_policy::guardrail::{Guardrail, GuardrailMode, Keywords, Patterns, Pii, Secrets};

use super::{Bed, scope, transforming};

const BOUND: usize = 64;

/// Makes guardrails once for all texts: that takes longer than to look at one.
fn beds() -> &'static Beds {
    static BEDS: LazyLock<Beds> = LazyLock::new(|| Beds {
        stack: stack(),
        replacing: std::array::from_fn(|which| single(which, GuardrailMode::Transform)),
        blocking: std::array::from_fn(|which| single(which, GuardrailMode::Block)),
    });
    &BEDS
}

struct Beds {
    stack: Bed,
    replacing: [Bed; 4],
    blocking: [Bed; 4],
}

/// The stack that the laws are tried on; all of it may hold back `3 * 256 + 64` characters.
fn stack() -> Bed {
    let own = Patterns::new([r"\bkey-[a-z0-9]{3,}\b", "<(?:x|yy)+>", r"(?m)^#.*$", "q+r"]);
    Bed::of([
        transforming(Guardrail::built_in("pii", Pii::new())),
        transforming(Guardrail::built_in("secrets", Secrets)),
        transforming(Guardrail::built_in("words", Keywords::new(["stop it", "Ärger"]))),
        transforming(Guardrail::built_in("own", own)).hold_back(BOUND).replacement("_"),
    ])
}

/// One guardrail that replaces what it finds by what is no text, or blocks it.
fn single(which: usize, mode: GuardrailMode) -> Bed {
    let own = Patterns::new([r"\bkey-[a-z0-9]{3,}\b", "<(?:x|yy)+>", "q+r"]);
    let guardrail = match which {
        0 => Guardrail::built_in("g", Pii::new()),
        1 => Guardrail::built_in("g", Secrets),
        2 => Guardrail::built_in("g", Keywords::new(["stop it", "Ärger"]).whole_words(true)),
        _ => Guardrail::built_in("g", own).hold_back(BOUND),
    };
    Bed::of([transforming(guardrail).mode(mode).replacement("\u{1}")])
}

/// A piece of text that is made of what the guardrails are about.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z ,.\n]{1,12}",
        2 => "[0-9 -]{1,20}",
        1 => "\\PC{1,6}",
        1 => "(\u{200b}|\u{200d}|４|é|中|👩){1,4}",
        3 => prop::sample::select(vec![
            "4111 1111 1111 1111", "4111111111111111", "5500-0000-0000-0004", "3782 822463 10005",
            "DE89 3704 0044 0532 0130 00", "gb29nwbk60161331926819", "123-45-6789",
            "+44 20 7946 0958", "(212) 555-0123", "ada@example.org", "@example.com", "müller@",
            "password = ", "hT7_pq9!Zx2Lm9", "Bearer ", "AKIA", "IOSFODNN7EXAMPLE", "sk-ant-",
            "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0.",
            "-----BEGIN ", "PRIVATE KEY-----", "stop it", "STOP", "ÄRGER", "key-abc1", "key-",
            "<xyyx>", "<x", "\n# a line\n", "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "qr",
        ]).prop_map(str::to_owned),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(words(), 0..16).prop_map(|words| words.concat())
}

/// Cuts a text behind about every `sizes`th character.
fn cut(text: &str, sizes: &[usize]) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut characters = text.chars();
    for size in sizes.iter().cycle() {
        let piece: String = characters.by_ref().take(*size).collect();
        if piece.is_empty() && characters.as_str().is_empty() {
            break;
        }
        pieces.push(piece);
    }
    pieces
}

/// Streams pieces and returns what went on after each of them.
fn stream(bed: &Bed, pieces: &[String]) -> Vec<String> {
    let mut window: Box<dyn StreamGuard> = bed.guardrails.stream(&scope()).unwrap();
    let mut out: Vec<String> = pieces.iter().map(|piece| window.push(piece).unwrap()).collect();
    out.push(futures_util::FutureExt::now_or_never(window.finish()).unwrap().unwrap());
    out
}

fn whole(bed: &Bed, text: &str) -> String {
    futures_util::FutureExt::now_or_never(bed.text(text)).unwrap()
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..24, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn however_a_text_is_cut_the_same_goes_on(text in texts(), sizes in sizes()) {
        let bed = &beds().stack;
        let streamed = stream(bed, &cut(&text, &sizes)).concat();
        prop_assert_eq!(streamed, whole(bed, &text));
    }

    #[test]
    fn one_guardrail_alone_keeps_the_law_too(text in texts(), sizes in sizes(), which in 0_usize..4) {
        let bed = &beds().replacing[which];
        let streamed = stream(bed, &cut(&text, &sizes)).concat();
        prop_assert_eq!(streamed, whole(bed, &text));
    }

    /// What is between two findings goes on as it is and in order, so whatever
    /// went on before a finding is a prefix of the text that ends before it.
    #[test]
    fn no_part_of_a_finding_goes_on_before_it_is_found(
        text in texts(), sizes in sizes(), which in 0_usize..4,
    ) {
        let bed = &beds().replacing[which];
        let text = text.replace('\u{1}', "");
        let all = whole(bed, &text);
        let mut out = String::new();
        for piece in stream(bed, &cut(&text, &sizes)) {
            out.push_str(&piece);
            prop_assert!(all.starts_with(&out));
        }
        // The first finding begins where the text and what goes on part.
        let blocking = &beds().blocking[which];
        let mut window = blocking.guardrails.stream(&scope()).unwrap();
        let mut before = String::new();
        for piece in cut(&text, &sizes) {
            match window.push(&piece) {
                Ok(text) => before.push_str(&text),
                Err(_) => break,
            }
        }
        let first = all.find('\u{1}').unwrap_or(all.len());
        prop_assert!(text.starts_with(&before));
        prop_assert!(before.len() <= first, "{} went on, the finding begins at {}", before, first);
    }

    #[test]
    fn never_more_than_the_bound_is_held_back(
        text in texts(), sizes in sizes(), which in 0_usize..4,
    ) {
        let bed = &beds().replacing[which];
        let bound = if which == 3 { BOUND } else { 256 };
        let mut window = bed.guardrails.stream(&scope()).unwrap();
        let (mut pushed, mut gone, mut found) = (0, 0, false);
        for piece in cut(&text.replace('\u{1}', ""), &sizes) {
            pushed += piece.chars().count();
            let out = window.push(&piece).unwrap();
            found |= out.contains('\u{1}');
            gone += out.chars().count();
            prop_assert!(found || pushed - gone <= bound, "{} held back", pushed - gone);
        }
    }

    #[test]
    fn where_nothing_is_found_nothing_is_changed(text in "[a-zé ,\n]{0,400}", sizes in sizes()) {
        let bed = &beds().stack;
        let streamed = stream(bed, &cut(&text, &sizes)).concat();
        let clean = !text.to_lowercase().contains("stop it");
        prop_assert!(!clean || text.contains("qr") || streamed == text);
    }

    #[test]
    fn whatever_comes_in_is_looked_at_without_harm(text in any::<String>(), sizes in sizes()) {
        let bed = &beds().stack;
        let streamed = stream(bed, &cut(&text, &sizes)).concat();
        prop_assert_eq!(streamed, whole(bed, &text));
    }

    /// A card in any clothes, anywhere: it never comes out.
    #[test]
    fn a_card_never_comes_out(
        digits in prop::collection::vec(0_u8..10, 14),
        first in 4_u8..7,
        divider in prop::sample::select(vec!["", " ", "-", "\u{a0}", "\u{200b}", "\u{2011}"]),
        before in "[a-z ]{0,30} ", after in " [a-z ]{0,30}", sizes in sizes(),
    ) {
        let card = card(first, &digits);
        let dressed: Vec<&str> = (0..4).map(|group| &card[4 * group..4 * group + 4]).collect();
        let text = format!("{before}{}{after}", dressed.join(divider));
        let streamed = stream(&beds().replacing[0], &cut(&text, &sizes)).concat();
        prop_assert_eq!(streamed, format!("{before}\u{1}{after}"));
    }
}

/// Makes a number of sixteen digits with a valid check digit.
fn card(first: u8, digits: &[u8]) -> String {
    let mut number: Vec<u8> = vec![first];
    number.extend(digits);
    let doubled = |digit: u8| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = number
        .iter()
        .enumerate()
        .map(|(at, digit)| u32::from(if at % 2 == 0 { doubled(*digit) } else { *digit }))
        .sum();
    number.push(u8::try_from((10 - sum % 10) % 10).unwrap());
    number.iter().map(|digit| char::from(b'0' + digit)).collect()
}
