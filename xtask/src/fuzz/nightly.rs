//! Builds the programs, for which libFuzzer's instruments and a nightly toolchain are needed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use xshell::cmd;

use super::target::Target;
use crate::project::Project;

/// What cargo-fuzz gives to the compiler: counters on every edge, comparisons
/// that the fuzzer sees, checked memory, and `cfg(fuzzing)`.
const FLAGS: [&str; 9] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg",
    "fuzzing",
    "-Zsanitizer=address",
    "-Ccodegen-units=1",
];

/// What the outer cargo, or its user, sets for the pinned toolchain.
const NOT_OURS: [&str; 7] = [
    "RUSTUP_TOOLCHAIN",
    "CARGO",
    "RUSTC",
    "RUSTDOC",
    "RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET",
];

/// A nightly toolchain that is there.
#[derive(Debug)]
pub(super) struct Nightly {
    /// The machine that it builds for.
    host: String,
}

impl Nightly {
    /// Finds the toolchain, or says how to get it.
    pub(super) fn find(project: &Project) -> Result<Self> {
        let call = cmd!(project.shell, "rustc +nightly --version --verbose");
        let call = NOT_OURS.iter().fold(call, |call, name| call.env_remove(name));
        let Ok(text) = call.quiet().ignore_stderr().read() else {
            bail!(
                "fuzzing needs a nightly toolchain, and `rustc +nightly` does not run; install it \
                 with `rustup toolchain install nightly --profile minimal`"
            );
        };
        let host = text.lines().find_map(|line| line.strip_prefix("host: "));
        Ok(Self { host: host.context("`rustc +nightly` tells no host")?.to_owned() })
    }

    /// Builds the programs of `targets` and returns where they are.
    pub(super) fn build(
        &self,
        project: &Project,
        targets: &[Target],
        dir: &Path,
    ) -> Result<PathBuf> {
        let manifest = super::package(&project.root).join("Cargo.toml");
        // A named target keeps the flags away from build scripts and macros.
        let host = &self.host;
        let programs = targets.iter().flat_map(|target| ["--bin", &target.name]);
        let call = cmd!(
            project.shell,
            "cargo +nightly build --release --manifest-path {manifest} --target {host}
             --target-dir {dir} {programs...}"
        );
        let call = NOT_OURS.iter().fold(call, |call, name| call.env_remove(name));
        call.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")).run().context(
            "the fuzz targets don't compile; they need the nightly toolchain and a C++ compiler",
        )?;
        Ok(dir.join(host).join("release"))
    }
}
