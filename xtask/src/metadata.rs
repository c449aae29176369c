//! What `cargo metadata --no-deps` tells about the members of the workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// The members and where they are built.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    /// The packages of this workspace.
    pub(crate) members: Vec<Member>,
    /// Where cargo builds.
    pub(crate) target_dir: PathBuf,
}

/// One package of the workspace.
#[derive(Debug, Default, Clone)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: String,
    /// Its directory, relative to the root.
    pub(crate) dir: PathBuf,
    /// Its licence expression.
    pub(crate) license: Option<String>,
    /// What it depends on.
    pub(crate) dependencies: Vec<Dependency>,
    /// Its features and what each enables.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// What it builds.
    pub(crate) targets: Vec<Target>,
}

/// One dependency of a package.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    /// The package that is depended on.
    pub(crate) name: String,
    /// When it is needed.
    pub(crate) kind: DependencyKind,
    /// Whether it comes from a path, so from this workspace.
    pub(crate) internal: bool,
    /// Whether it asks for a version.
    pub(crate) versioned: bool,
}

/// When a dependency is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DependencyKind {
    /// Always.
    Normal,
    /// For tests, benches and examples.
    Dev,
    /// For the build script.
    Build,
}

/// One thing that a package builds.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// `lib`, `bin`, `test`, `bench`, `example`, ….
    pub(crate) kind: String,
    /// Its name.
    pub(crate) name: String,
}

impl Metadata {
    /// Reads cargo's JSON.
    pub(crate) fn parse(json: &str, root: &Path) -> Result<Self> {
        let value: Value = serde_json::from_str(json).context("cargo metadata gave no JSON")?;
        let members = list(&value, "packages")
            .map(|package| Member::parse(package, root))
            .collect::<Result<_>>()?;
        Ok(Self { members, target_dir: PathBuf::from(text(&value, "target_directory")?) })
    }

    /// Finds a member by its name.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

impl Member {
    fn parse(value: &Value, root: &Path) -> Result<Self> {
        let manifest = PathBuf::from(text(value, "manifest_path")?);
        let dir = manifest.parent().unwrap_or(&manifest);
        Ok(Self {
            name: text(value, "name")?,
            dir: dir.strip_prefix(root).unwrap_or(dir).to_path_buf(),
            license: value.get("license").and_then(Value::as_str).map(str::to_owned),
            dependencies: list(value, "dependencies")
                .map(Dependency::parse)
                .collect::<Result<_>>()?,
            features: features(value),
            targets: list(value, "targets").map(Target::parse).collect::<Result<_>>()?,
        })
    }

    /// Returns whether the package builds something of that kind.
    pub(crate) fn has_target(&self, kind: &str) -> bool {
        self.targets.iter().any(|target| target.kind == kind)
    }

    /// Returns the manifest's path, relative to the root.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.dir.join("Cargo.toml")
    }
}

impl Dependency {
    fn parse(value: &Value) -> Result<Self> {
        let kind = match value.get("kind").and_then(Value::as_str) {
            Some("dev") => DependencyKind::Dev,
            Some("build") => DependencyKind::Build,
            _ => DependencyKind::Normal,
        };
        Ok(Self {
            name: text(value, "name")?,
            kind,
            internal: value.get("path").is_some_and(Value::is_string),
            versioned: value.get("req").and_then(Value::as_str).is_some_and(|req| req != "*"),
        })
    }
}

impl Target {
    fn parse(value: &Value) -> Result<Self> {
        let kind = list(value, "kind").find_map(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { kind, name: text(value, "name")? })
    }
}

fn text(value: &Value, key: &str) -> Result<String> {
    value
        .get(key)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("cargo metadata tells no {key:?}"))
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn features(value: &Value) -> BTreeMap<String, Vec<String>> {
    let Some(features) = value.get("features").and_then(Value::as_object) else {
        return BTreeMap::new();
    };
    features
        .iter()
        .map(|(name, enables)| {
            let enables = enables.as_array().into_iter().flatten().filter_map(Value::as_str);
            (name.clone(), enables.map(str::to_owned).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_dependencies_and_features_are_read() {
        let json = r#"{ "target_directory": "/w/target", "packages": [{
            "name": "a", "manifest_path": "/w/crates/a/Cargo.toml", "license": "MIT",
            "dependencies": [
                { "name": "b", "kind": null, "req": "*", "path": "/w/crates/b" },
                { "name": "c", "kind": "dev", "req": "^1.0" }
            ],
            "features": { "default": ["x"], "x": [] },
            "targets": [{ "kind": ["lib"], "name": "a" }]
        }] }"#;
        let metadata = Metadata::parse(json, Path::new("/w")).unwrap();
        let member = metadata.member("a").unwrap();
        assert_eq!(member.manifest(), Path::new("crates/a/Cargo.toml"));
        assert!(member.has_target("lib") && !member.has_target("bin"));
        assert!(member.dependencies[0].internal && !member.dependencies[0].versioned);
        assert_eq!(member.dependencies[1].kind, DependencyKind::Dev);
        assert_eq!(member.features["default"], ["x"]);
    }

    #[test]
    fn what_is_not_metadata_is_an_error() {
        assert!(Metadata::parse("oops", Path::new("/")).is_err());
        assert!(Metadata::parse("{}", Path::new("/")).is_err());
    }
}
