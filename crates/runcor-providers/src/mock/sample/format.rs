//! Strings of the known formats.

/// A string of the format; none for a format that nobody checks.
pub(super) fn example(format: &str) -> Option<&'static str> {
    Some(match format {
        "date-time" => "2026-01-01T09:00:00Z",
        "date" => "2026-01-01",
        "time" => "09:00:00Z",
        "duration" => "PT1H",
        "email" | "idn-email" => "mock@example.com",
        "uri" | "url" | "iri" => "https://example.com/mock",
        "uri-reference" | "iri-reference" => "/mock",
        "hostname" | "idn-hostname" => "mock.example.com",
        "ipv4" => "192.0.2.42",
        "ipv6" => "2001:db8::42",
        "uuid" => "01890a5d-ac96-774b-bcce-b302099a8057",
        "json-pointer" => "/mock",
        "regex" => "^mock$",
        _ => return None,
    })
}

/// Strings that simple patterns may accept, the most telling first.
pub(super) const GUESSES: [&str; 24] = [
    "mock-string",
    "mock",
    "Mock",
    "MOCK",
    "mock_string",
    "mock.string",
    "MOC",
    "moc",
    "MO",
    "mo",
    "M",
    "m",
    "42",
    "4",
    "042",
    "4242",
    "42.0",
    "v1.0.0",
    "1.0.0",
    "#a1b2c3",
    "2026-01-01",
    "09:00",
    "MOCK-42",
    "+10000000042",
];
