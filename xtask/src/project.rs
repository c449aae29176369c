//! The checkout that the tool works on, and how it calls cargo.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

use crate::metadata::Metadata;

/// The checkout: where it is and a shell in it.
pub(crate) struct Project {
    /// The directory of the root manifest.
    pub(crate) root: PathBuf,
    /// A shell whose working directory is the root.
    pub(crate) shell: Shell,
}

impl Project {
    /// Finds the checkout from the directory of this crate.
    pub(crate) fn find() -> Result<Self> {
        // Cargo tells it at run time; the place of compilation is for a direct call.
        let own = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = own.parent().context("the tool's own directory has no parent")?.to_path_buf();
        let shell = Shell::new()?;
        shell.change_dir(&root);
        if in_ci() {
            // Nothing is built twice there, so incremental data only costs time and disk.
            shell.set_var("CARGO_INCREMENTAL", "0");
            shell.set_var("CARGO_NET_RETRY", "5");
        }
        Ok(Self { root, shell })
    }

    /// Makes a call of cargo that shows its output.
    pub(crate) fn cargo<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Cmd<'_> {
        // Not the variable CARGO: the log should show a command that people can repeat, and
        // rustup picks the same toolchain for it.
        cmd!(self.shell, "cargo").args(args)
    }

    /// Reads what cargo knows about the members.
    pub(crate) fn metadata(&self) -> Result<Metadata> {
        let json = self
            .cargo(["metadata", "--no-deps", "--format-version", "1"])
            .quiet()
            .read()
            .context("cargo can't read the manifests; repair what it names")?;
        Metadata::parse(&json, &self.root)
    }

    /// Returns the version line of a program, or nothing when it can't be run.
    pub(crate) fn version_of(&self, program: impl AsRef<Path>) -> Option<String> {
        let program = program.as_ref();
        let text = cmd!(self.shell, "{program} --version").quiet().ignore_stderr().read().ok()?;
        text.lines().next().map(str::to_owned)
    }
}

/// Returns whether this runs in continuous integration.
pub(crate) fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// Returns `singular` or `plural` with the number before it.
pub(crate) fn count(number: usize, singular: &str, plural: &str) -> String {
    format!("{number} {}", if number == 1 { singular } else { plural })
}
