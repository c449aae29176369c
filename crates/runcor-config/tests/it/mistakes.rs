//! Mistakes in files: all at once, each at its place, none of them fatal to the process.

use std::fmt::Write as _;

use runcor_core::ErrorCode;

use super::{config, env, parse, problems};

#[test]
fn all_mistakes_of_a_file_come_in_one_error_in_the_order_of_the_file() {
    let text = "\
engine:
  concurrency: many
  concurency: 5
providers:
  - type: antropic
    apiKey: ${MISSING_KEY}
  - priority: 0
    nmae: x
unknown: 1
state:
  type: sqlite
";
    assert_eq!(
        problems(text),
        [
            "2:16 engine.concurrency: expected a whole number, found text",
            "3:3 engine.concurency: there is no key \"concurency\" here; did you mean \"concurrency\"?",
            "5:11 providers[0].type: expected one of anthropic, openai, google, ollama, mock; \
             did you mean \"anthropic\"?",
            "6:13 providers[0].apiKey: the environment variable MISSING_KEY is not set; \
             set it or give a default: ${MISSING_KEY:-…}",
            "7:5 providers[1].type: the key \"type\" is missing",
            "7:15 providers[1].priority: must be at least 1",
            "8:5 providers[1].nmae: there is no key \"nmae\" here; did you mean \"name\"?",
            "9:1 unknown: there is no key \"unknown\" here",
            "11:3 state.path: the \"sqlite\" store needs a file; give \"path\"",
        ]
    );
}

#[test]
fn the_report_is_a_count_line_and_a_line_for_each_mistake() {
    let error = parse("engine:\n  nope: 1\nrouting: 5\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "runcor.yaml has 2 mistakes\n\
         runcor.yaml:2:3 engine.nope: there is no key \"nope\" here\n\
         runcor.yaml:3:10 routing: expected a mapping, found a number"
    );
}

#[test]
fn the_error_goes_up_with_its_code_and_its_places() {
    let error = parse("- 1").unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
    let error = runcor_core::Error::from(error);
    assert_eq!(error.code().as_str(), "CONFIG_INVALID");
    let problem = &error.details().unwrap()["problems"][0];
    assert_eq!((&problem["line"], &problem["column"]), (&1.into(), &1.into()));
    assert_eq!(problem["message"], "expected a mapping of sections, found a list");
}

#[test]
fn an_unknown_key_is_found_at_every_level() {
    for (text, place, suggestion) in [
        ("htpServer: {}", "1:1 htpServer", "httpServer"),
        ("routing:\n  stategy: priority", "2:3 routing.stategy", "strategy"),
        (
            "providers:\n- type: mock\n  costPerToken: {inputs: 1, input: 0, output: 0}",
            "3:18 providers[0].costPerToken.inputs",
            "input",
        ),
        ("httpServer:\n  cors:\n    origins: x", "3:5 httpServer.cors.origins", "origin"),
        (
            "policy: {rateLimits: [{name: a, scope: user, limit: 1, windowMS: 1, windowMs: 1}]}",
            "1:56 policy.rateLimits[0].windowMS",
            "windowMs",
        ),
    ] {
        let problems = problems(text);
        let wanted = format!("did you mean \"{suggestion}\"?");
        assert!(
            problems.iter().any(|p| p.starts_with(&format!("{place}: ")) && p.ends_with(&wanted)),
            "{text}: {problems:?}"
        );
    }
}

#[test]
fn a_forgotten_space_after_a_colon_is_told_without_the_value() {
    let text = "httpServer: {authToken:hush}";
    assert_eq!(
        problems(text),
        ["1:14 httpServer.authToken:…: a space is missing after the ':' of this key"]
    );
    let text = "httpServer:\n  authToken:hush\n  port: 1\n";
    assert!(!problems(text).join("").contains("hush"));
}

#[test]
fn lines_may_end_as_on_windows() {
    let problems = problems("engine:\r\n  concurrency: 1\r\n  nope: 1\r\n");
    assert_eq!(problems, ["3:3 engine.nope: there is no key \"nope\" here"]);
}

#[test]
fn an_empty_section_is_found_at_its_own_line() {
    let problems = problems("state: {}\nengine:\n\n# nothing\n\nrouting: {}\n");
    assert!(problems[0].starts_with("2:7 engine: expected a mapping"), "{problems:?}");
}

#[test]
fn the_older_key_of_the_store_is_refused() {
    let problems = problems("state: {backend: sqlite}");
    assert_eq!(problems, ["1:9 state.backend: there is no key \"backend\" here"]);
}

#[test]
fn sections_of_the_wrong_type_and_nulls_are_specific_errors() {
    for (text, wanted) in [
        ("providers: 5", "1:12 providers: expected a list, found a number"),
        (
            "providers: [null]",
            "1:13 providers[0]: expected a mapping, such as { type: … }, found nothing; give a value or remove the key",
        ),
        (
            "engine:\nstate: {}",
            "1:7 engine: expected a mapping, found nothing; give a value or remove the key",
        ),
        ("engine: []", "1:9 engine: expected a mapping, found a list"),
        (
            "httpServer: {port: ~}",
            "1:20 httpServer.port: expected a whole number, found nothing; \
             give a value or remove the key",
        ),
        ("httpServer: {port: 70000}", "1:20 httpServer.port: must be at most 65535"),
        (
            "httpServer: {port: 1.5}",
            "1:20 httpServer.port: expected a whole number, found a number",
        ),
        (
            "httpServer: {enabled: yes}",
            "1:23 httpServer.enabled: expected true or false, found text; did you mean \"true\"?",
        ),
        (
            "httpServer: {cors: 3}",
            "1:20 httpServer.cors: expected true or false or a mapping, found a number",
        ),
        ("flows: {dir: 12}", "1:14 flows.dir: expected text, found a number; put it in quotes"),
        ("just text", "1:1 expected a mapping of sections, found text"),
    ] {
        assert_eq!(problems(text), [wanted], "{text}");
    }
}

#[test]
fn doubled_keys_are_all_found_at_the_second_one() {
    let problems = problems("engine: {}\nstate:\n  type: memory\n  type: sqlite\nengine: {}\n");
    assert_eq!(
        problems,
        [
            "4:3 state.type: the key \"type\" stands twice, first on line 3",
            "5:1 engine: the key \"engine\" stands twice, first on line 1",
        ]
    );
}

#[test]
fn syntax_errors_have_a_place_and_words_for_people() {
    for (text, wanted) in [
        ("engine:\n\tconcurrency: 5\n", "2:2 a tab stands here; indent with spaces"),
        (
            "flows: {dir: ${X}}",
            "1:15 expected ',' or '}'; inside { … } put texts with ${…} in quotes",
        ),
        ("flows: {dir: \"x}\n", "1:14 a quoted text is not closed"),
        ("flows: *nobody", "1:8 this alias has no anchor before it"),
        ("flows: &a {dir: *a}", "1:17 an alias can't stand inside its own anchor"),
        ("engine: {}\n---\nstate: {}\n", "2:1 a second document begins here; keep only one"),
        ("? [a]\n: b\n", "1:3 a key must be plain text"),
        ("<<: {a: 1}", "1:1 <<: merge keys are not supported; write the keys out"),
        (
            "flows: {dir: !!binary aGk=}",
            "1:23 flows.dir: tags such as !x mean nothing here; remove it",
        ),
        (
            "a: b: c\n",
            "1:5 a ':' can't stand here; put the text in quotes or check the indentation",
        ),
    ] {
        assert_eq!(problems(text), [wanted], "{text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_at_their_place() {
    let dir = tempfile::tempdir().unwrap();
    for (bytes, wanted) in [
        (&b"engine: {}\n# \xff"[..], "2:3 not UTF-8; save the file as UTF-8"),
        (&b"engine: {}\n\0"[..], "2:1 a NUL character stands here; remove it"),
    ] {
        std::fs::write(dir.path().join("runcor.yaml"), bytes).unwrap();
        let options = runcor_config::LoadOptions::new(dir.path(), &env);
        let error = runcor_config::load(&options).unwrap_err();
        assert_eq!(error.problems()[0].to_string(), wanted);
    }
}

#[test]
fn a_huge_file_is_refused() {
    let problems = problems(&"#".repeat(runcor_config::MAX_FILE_BYTES + 1));
    assert_eq!(problems, ["1:1 the file is larger than 1 MiB"]);
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    let problems = problems(&text);
    assert!(problems.last().unwrap().contains("too large here"), "{problems:?}");
}

#[test]
fn a_long_text_copied_many_times_is_refused() {
    let aliases = vec!["*long"; 20_000].join(", ");
    let text = format!("flows: {{dir: &long {}}}\na: [{aliases}]", "x".repeat(500_000));
    assert!(problems(&text)[0].contains("too large here"));
}

#[test]
fn deep_nesting_is_refused_also_through_aliases() {
    let deep = problems(&("x: ".to_owned() + &"[".repeat(10_000)));
    assert!(deep[0].contains("more than 64 levels deep"), "{deep:?}");
    let sixty = |inside: &str| format!("{}{inside}{}", "[".repeat(60), "]".repeat(60));
    let text = format!("a: &a {}\nb: {}", sixty("1"), sixty("*a"));
    let deep = problems(&text);
    assert!(deep[0].ends_with("more than 64 levels deep"), "{deep:?}");
}

#[test]
fn the_list_of_mistakes_has_a_bound() {
    let error = parse(&format!("providers: [{}]", "1,".repeat(20_000))).unwrap_err();
    assert_eq!(error.problems().len(), 100);
    assert!(error.to_string().starts_with("runcor.yaml has more than 100 mistakes\n"));
}

#[test]
fn sections_without_a_subsystem_are_refused_by_name_when_used() {
    for section in [
        "connections: [{name: a, preset: gmail}]",
        "telemetry: {memorySpans: true}",
        "server: {enabled: true}",
        "scheduler: {flows: {a: {cron: '* * * * *'}}}",
        "discernment: {autonomy: observe}",
        "objectives: [{name: a, description: b}]",
    ] {
        let name = section.split(':').next().unwrap();
        let wanted = format!(
            "1:1 {name}: section \"{name}\" is accepted by runcor.yaml but its subsystem is not \
             part of this version yet; remove it to start without it"
        );
        assert_eq!(problems(section), [wanted]);
    }
    for unused in ["server: {enabled: false, name: x}", "policy: {}", "objectives: []"] {
        config(unused);
    }
}

#[test]
fn providers_of_one_name_are_refused() {
    let text =
        "providers:\n- type: mock\n- type: mock\n- {type: mock, name: b}\n- {type: mock, name: b}";
    assert_eq!(
        problems(text),
        [
            "3:9 providers[1].name: has the same name as providers[0]; give each its own \"name\"",
            "5:22 providers[3].name: has the same name as providers[2]; give each its own \"name\"",
        ]
    );
}

#[test]
fn a_vendor_without_a_key_is_refused_unless_it_is_elsewhere() {
    let problems = problems("providers: [{type: google}]");
    assert_eq!(
        problems,
        [
            "1:13 providers[0].apiKey: no API key; give \"apiKey\" or set GOOGLE_API_KEY or GEMINI_API_KEY"
        ]
    );
    config("providers: [{type: openai, baseUrl: 'http://localhost:8080/v1'}, {type: ollama}]");
}

#[test]
fn an_address_is_one_of_http_without_credentials() {
    for (address, wanted) in [
        ("localhost:11434", "must begin with https:// or http://"),
        ("https:///v1", "names no host"),
        (
            "https://me:hush@example.com",
            "must not hold a user or password; give credentials by their own keys",
        ),
    ] {
        let problems = problems(&format!("providers: [{{type: ollama, baseUrl: '{address}'}}]"));
        assert_eq!(problems, [format!("1:37 providers[0].baseUrl: {wanted}")]);
    }
}

#[test]
fn both_ways_to_give_a_price_at_once_are_refused() {
    let price = "{input: 0, output: 0}";
    let text = format!(
        "providers: [{{type: mock, costPerToken: {price}, costPerMillionTokens: {price}}}]"
    );
    assert!(problems(&text)[0].contains("not both"));
}

#[test]
fn a_base_path_and_a_token_can_stand_in_a_request() {
    let text = "httpServer:\n  basePath: api v2\n  authToken: \"two words\"\n";
    let problems = problems(text);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("2:13 httpServer.basePath: must begin with /"));
    assert!(problems[1].starts_with("3:14 httpServer.authToken: must have only printable"));
    config("httpServer: {basePath: /a/b/, authToken: t-o_k.e=n, cors: false}");
}

#[test]
fn tokens_differ_and_name_whom_an_execution_can_name() {
    let text = "httpServer:\n  authToken: a\n  tokens:\n    - {token: a, user: u}\n    \
                - {token: b, tenant: ' '}\n    - {token: \"b c\"}\n    - {token: b}\n    - {user: u}\n";
    let problems = problems(text);
    let starts = [
        "8:7 httpServer.tokens[4].token: ",
        "4:15 httpServer.tokens[0].token: is the same token",
        "5:26 httpServer.tokens[1].tenant: ",
        "6:15 httpServer.tokens[2].token: must have only printable",
        "7:15 httpServer.tokens[3].token: is the same token",
    ];
    for start in starts {
        assert!(problems.iter().any(|one| one.starts_with(start)), "{start}: {problems:?}");
    }
    config("httpServer: {tokens: [{token: a, tenant: acme}, {token: b, user: ann, name: n}]}");
}
