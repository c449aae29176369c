//! Tests of the public API.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what helpers of tests meet fails the test"
)]

mod documented;
mod environment;
mod evaluation;
mod finding;
mod laws;
mod mistakes;
mod money;
mod policy;
mod secrets;

use runcor_config::{Config, Error, Loaded};

/// The environment of tests.
fn env(name: &str) -> Option<String> {
    let value = match name {
        "ANTHROPIC_KEY" => "sk-ant-hush",
        "N" => "7",
        "FLAG" => "True",
        "PRICE" => "0.000003",
        "EMPTY" => "",
        "NOT_A_NUMBER" => "hush-hush",
        _ => return None,
    };
    Some(value.to_owned())
}

fn parse(text: &str) -> Result<Loaded, Error> {
    runcor_config::parse(text, &env)
}

fn config(text: &str) -> Config {
    parse(text).unwrap_or_else(|error| panic!("{error}")).config
}

/// The problems of a text, each as `line:column path: message`.
fn problems(text: &str) -> Vec<String> {
    let error = parse(text).expect_err("has mistakes");
    error.problems().iter().map(ToString::to_string).collect()
}
