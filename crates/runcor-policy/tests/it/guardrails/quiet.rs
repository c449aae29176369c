//! What looks a little like something and is nothing: it must go on untouched.

use runcor_policy::guardrail::{Guardrail, Pii, Secrets};

use super::{Bed, transforming};

#[tokio::test]
async fn what_people_write_every_day_is_left_alone() {
    let bed = Bed::of([
        transforming(Guardrail::built_in("pii", Pii::new())),
        transforming(Guardrail::built_in("secrets", Secrets)),
    ]);
    for text in [
        "order 1000000000000000 and invoice 2026-000123",
        "4111111111111112 has a wrong check digit",
        "14111111111111111 begins inside of a number",
        "41111111111111111111111 is too long",
        "2019 2020 2021 2022 2023 2024 2025 2026 2027 and 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "2026-11-21 08:21:14, 2026-11-21 2026-11-22, 21.11.2026, 11/21/2026",
        "20261121T082114Z 1767225600000 1767225600123456",
        "550e8400-e29b-41d4-a716-446655440000 12345678-1234-1234-1234-123456789012",
        "v1.2.3 10.0.0.1 192.168.100.200 1.2.3.4-5 2.0.0-rc.1+20261121",
        "212.555.0123 is an address, 2125550123 a count",
        "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000 are given to nobody",
        "1-123-45-6789 123-45-67890 123-45-6789-1",
        "DE89 3704 0044 0532 0130 01 has wrong check digits",
        "is 26 years old and has three cats, be 16 now, no 15 left",
        "@ada @scope/package@1.2.3 a@b user@localhost 3 @ 5",
        "password: hunter2, token = none, secret: this-is-a-description-of-it",
        "the bearer authentication-is-required scheme",
        "sk-navigation-bar-left-with-items task-force-of-the-year-and-more",
        "pi is 3.14159265358979323846 and 4.111111111111111",
        "+1 +12 +123 a+12345678901 2+3=5",
        "deadbeefdeadbeefdeadbeefdeadbeef a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
        "the page https://example.com/a?b=c&d=1234567890#x",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ] {
        assert_eq!(bed.text(text).await, text);
        let (pieces, end) = bed.stream(&text.split_inclusive(' ').collect::<Vec<_>>()).await;
        assert_eq!((pieces.concat(), end.is_ok()), (text.to_owned(), true));
    }
}
