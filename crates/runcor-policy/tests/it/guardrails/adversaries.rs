//! What somebody does who wants things to get through, or the machine to stand still.

use runcor_policy::guardrail::{Guardrail, Keywords, Patterns, Pii, Secrets};

use super::{Bed, everywhere, is_blocked, transforming};

fn bed() -> Bed {
    Bed::of([
        transforming(Guardrail::built_in("pii", Pii::new())),
        transforming(Guardrail::built_in("secrets", Secrets)),
    ])
}

/// Streams a text character by character.
async fn by_character(bed: &Bed, text: &str) -> String {
    let pieces: Vec<String> = text.chars().map(String::from).collect();
    let (out, end) = bed.stream(&pieces.iter().map(String::as_str).collect::<Vec<_>>()).await;
    end.unwrap();
    out.concat()
}

#[tokio::test]
async fn a_card_that_comes_digit_by_digit_is_found() {
    let text = "it is 4111 1111-1111 1111? 4111-1111-1111-1111!";
    // Two kinds of dividers in one number are two numbers.
    let wanted = "it is 4111 1111-1111 1111? [card]!";
    assert_eq!(by_character(&bed(), text).await, wanted);
    assert_eq!(bed().text(text).await, wanted);
}

#[tokio::test]
async fn invisible_characters_and_other_digits_hide_nothing() {
    for text in [
        "4\u{200b}1\u{200d}11 1111\u{2060} 1111 1111",
        "４１１１１１１１１１１１１１１１",
        "٤١١١١١١١١١١١١١١١",
        "4111\u{a0}1111\u{a0}1111\u{a0}1111",
        "4111\u{2011}1111\u{2011}1111\u{2011}1111",
        "ＤＥ８９３７０４００４４０５３２０１３０００",
        "ada\u{ad}@\u{200b}example.com",
        "ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ",
    ] {
        let found = bed().text(&format!("x {text} y")).await;
        let wanted = ["x [card] y", "x [iban] y", "x [mail] y"];
        assert!(wanted.contains(&found.as_str()), "{text} became {found}");
        assert_eq!(by_character(&bed(), &format!("x {text} y")).await, found);
    }
}

#[tokio::test]
async fn a_number_stuffed_with_invisible_characters_counts_as_found() {
    let stuffed = format!("4111{}111111111111", "\u{200b}".repeat(2000));
    let found = bed().text(&format!("x {stuffed} y")).await;
    assert!(!found.contains("4111"), "{}", found.replace('\u{200b}', ""));
    assert_eq!(by_character(&bed(), &format!("x {stuffed} y")).await, found);
}

#[tokio::test]
async fn two_cards_back_to_back_are_both_found() {
    let text = "4111 1111 1111 1111 5500 0000 0000 0004";
    assert_eq!(bed().text(text).await, "[card] [card]");
    assert_eq!(bed().text("4111111111111111 5500000000000004").await, "[card] [card]");
    assert_eq!(bed().text("4111111111111111,5500000000000004").await, "[card],[card]");
}

#[tokio::test]
async fn an_account_in_small_letters_with_spaces_is_found() {
    assert_eq!(bed().text("to de89 3704 0044 0532 0130 00 please").await, "to [iban] please");
    assert_eq!(by_character(&bed(), "nl91 abna 0417 1643 00").await, "[iban]");
}

#[tokio::test]
async fn a_secret_behind_a_line_break_is_found() {
    let text = format!("password:\n  {}{}\n", "hT7_pq9", "!Zx2Lm");
    assert_eq!(bed().text(&text).await, "password:\n  [password]\n");
    let text = format!("Bearer\n{}{}", "aB3dE5fG7hJ9", "kL1mN3pQ5rS7");
    assert_eq!(by_character(&bed(), &text).await, "Bearer\n[bearer-token]");
}

#[tokio::test]
async fn a_token_longer_than_the_window_leaves_no_tail() {
    let token = format!("gh{}{}", "p_", "aB3dE5fG7hJ9".repeat(500));
    let text = format!("a {token} b");
    assert_eq!(bed().text(&text).await, "a [github-token] b");
    assert_eq!(by_character(&bed(), &text).await, "a [github-token] b");
}

#[tokio::test]
async fn a_million_digits_or_letters_take_a_blink() {
    let patterns = Patterns::new(["(?:a|aa)+b", "x.*y", r"\d{5,}z"]);
    let bed = Bed::of([
        transforming(Guardrail::built_in("pii", Pii::new())),
        transforming(Guardrail::built_in("secrets", Secrets)),
        everywhere(Guardrail::built_in("words", Keywords::new(["forbidden"]))),
    ]);
    for text in
        ["4".repeat(1 << 20), "4 ".repeat(1 << 19), "a".repeat(1 << 20), "a.".repeat(1 << 19)]
    {
        assert_eq!(bed.text(&text).await, text);
    }
    // The user's own patterns are held to the same line, whatever they are.
    let own = Bed::of([transforming(Guardrail::built_in("own", patterns))]);
    for text in ["a".repeat(1 << 18), "x".repeat(1 << 18), "1".repeat(1 << 18)] {
        own.check(serde_json::json!(text)).await.unwrap();
    }
}

#[tokio::test]
async fn what_can_not_be_told_within_the_window_counts_as_found() {
    let held = Patterns::new(["BEGIN[^!]*END"]);
    let bed = Bed::of([everywhere(Guardrail::built_in("own", held)).hold_back(64)]);
    assert!(bed.stream(&["BEGIN and no end!"]).await.1.is_ok());
    let long = format!("BEGIN {}", "x".repeat(100));
    let (out, end) = bed.stream(&["before ", &long, " after"]).await;
    assert!(is_blocked(&end));
    assert_eq!(out.concat(), "before ");
}
