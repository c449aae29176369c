//! What holds for every text and every configuration.

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;
use proptest::{option, prop_oneof};
use serde_json::{Value, json};

use super::documented::REFERENCE;
use super::env;

/// Text from the alphabet of YAML, which meets more of the parser than any text.
const YAMLISH: &str = "(engine|providers|type|mock|state|[ \n\t:,&*!|>%@`'\"#?-]|[\\[\\]{}]|\\$\\{|N|<<|~|[0-9]|é|.){0,60}";

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9]{0,8}",
        "[ -~]{1,20}",
        "\\PC{1,12}",
        proptest::sample::select(vec![
            "yes", "null", "1.0", "~", "a: b", "- x", "# c", "\n x\n", "${N}", "0x1", "*a"
        ])
        .prop_map(str::to_owned),
    ]
}

fn configuration() -> impl Strategy<Value = Value> {
    let engine =
        (1..1_000_u32, 0..99_999_u64, option::of(1..99_u32)).prop_map(|(a, b, c)| match c {
            Some(c) => json!({ "concurrency": a, "retentionPeriod": b, "maxQueued": c }),
            None => json!({ "concurrency": a, "retentionPeriod": b }),
        });
    let provider = (text(), proptest::collection::vec(text(), 0..3), 0.0..0.1_f64, any::<bool>())
        .prop_map(|(name, models, price, million)| {
            let key = if million { "costPerMillionTokens" } else { "costPerToken" };
            json!({ "type": "mock", "name": name, "apiKey": name, "models": models,
                key: { "input": price, "output": 0 } })
        });
    let http = (any::<u16>(), text(), any::<bool>(), "[a-z0-9~.-]{1,9}").prop_map(|(port, host, cors, base)| {
        let cors = if cors { json!(false) } else { json!({ "origin": host }) };
        json!({ "port": port, "hostname": host, "cors": cors, "basePath": format!("/{base}"), "authToken": base })
    });
    (engine, provider, http, text()).prop_map(|(engine, provider, http, text)| {
        json!({ "engine": engine, "providers": [provider], "httpServer": http,
            "flows": { "dir": text }, "state": { "type": "sqlite", "path": text } })
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_loading_panic(text in "\\PC{0,80}") {
        let _ = runcor_config::parse(&text, &env);
    }

    #[test]
    fn no_text_that_looks_like_yaml_makes_the_loading_panic(text in YAMLISH) {
        if let Err(error) = runcor_config::parse(&text, &env) {
            let lines = text.lines().count() + 1;
            for problem in error.problems() {
                assert!(problem.line >= 1 && problem.line <= lines && problem.column >= 1);
                assert_eq!(problem.to_string().lines().count(), 1);
            }
            assert!(!error.problems().is_empty());
        }
    }

    #[test]
    fn a_damaged_file_never_panics_and_its_mistakes_lie_within_it(
        damages in proptest::collection::vec((any::<Index>(), 0..4_usize, YAMLISH), 1..4)
    ) {
        let mut text: Vec<char> = REFERENCE.chars().collect();
        for (at, length, put) in damages {
            let at = at.index(text.len() - 4);
            text.splice(at..at + length, put.chars());
        }
        let text: String = text.into_iter().collect();
        let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
        for problem in runcor_config::parse(&text, &env).unwrap_err().problems() {
            prop_assert!(problem.line <= lines && problem.column >= 1, "{problem}");
            prop_assert_eq!(problem.to_string().lines().count(), 1);
        }
    }

    #[test]
    fn a_configuration_printed_and_read_again_is_equal(json in configuration()) {
        let text = json.to_string().replace("${", "$${");
        let first = runcor_config::parse(&text, &env).unwrap().config;
        let printed = first.to_masked_yaml();
        let second = runcor_config::parse(&printed, &env)
            .unwrap_or_else(|error| panic!("{error}\n{printed}")).config;
        prop_assert_eq!(first.to_masked_json(), second.to_masked_json());
    }
}
