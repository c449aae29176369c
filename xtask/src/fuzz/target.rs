//! The targets: a program under xtask/fuzz each, with its inputs in the crate that it is about.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A fuzz target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Its name, which its program, its function and its inputs share.
    pub(super) name: String,
    /// The crate that it is about.
    pub(super) package: String,
    /// The inputs that are kept for it, relative to the root.
    pub(super) inputs: PathBuf,
}

/// Finds the targets by their programs.
pub(super) fn all(root: &Path) -> Result<Vec<Target>> {
    let programs = names(&super::package(root).join("src/bin"))?;
    let programs = programs.iter().filter_map(|file| file.strip_suffix(".rs"));
    let crates = names(&root.join("crates"))?;
    programs
        .map(|name| {
            let inputs =
                |package: &String| Path::new("crates").join(package).join("tests/fuzz").join(name);
            let package = crates.iter().find(|package| root.join(inputs(package)).is_dir());
            let package = package.with_context(|| {
                format!(
                    "the target {name} has no inputs; put some into crates/CRATE/tests/fuzz/{name}"
                )
            })?;
            Ok(Target { name: name.to_owned(), package: package.clone(), inputs: inputs(package) })
        })
        .collect()
}

/// Picks one by its name, or all.
pub(super) fn chosen(targets: Vec<Target>, name: Option<&str>) -> Result<Vec<Target>> {
    let Some(name) = name else { return Ok(targets) };
    match targets.iter().find(|target| target.name == name) {
        Some(target) => Ok(vec![target.clone()]),
        None => {
            let names: Vec<_> = targets.iter().map(|target| target.name.as_str()).collect();
            bail!("there is no target {name:?}; the targets are {}", names.join(", "))
        }
    }
}

fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(dir).with_context(|| format!("can't read {}", dir.display()))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<_> = names.collect::<Result<_>>()?;
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    #[test]
    fn every_target_has_its_inputs_its_function_and_its_test() {
        let root = Project::find().unwrap().root;
        let targets = all(&root).unwrap();
        assert!(targets.len() > 10, "{targets:?}");
        for Target { name, package, inputs } in &targets {
            let program = fs::read_to_string(root.join(format!("xtask/fuzz/src/bin/{name}.rs")));
            let krate = package.replace('-', "_");
            assert!(program.unwrap().contains(&format!("use {krate}::fuzzing;")), "{name}");
            let source = root.join("crates").join(package).join("src/fuzzing.rs");
            let source = fs::read_to_string(source).unwrap();
            assert!(source.contains(&format!("pub fn {name}(data: &[u8])")), "{name}");
            assert!(source.contains(&format!("/{name}\"), super::{name})")), "{name}");
            assert!(fs::read_dir(root.join(inputs)).unwrap().count() > 0, "{name}");
        }
    }

    #[test]
    fn every_folder_of_inputs_belongs_to_a_target() {
        let root = Project::find().unwrap().root;
        let targets = all(&root).unwrap();
        for package in names(&root.join("crates")).unwrap() {
            let inputs = Path::new("crates").join(package).join("tests/fuzz");
            for folder in names(&root.join(&inputs)).unwrap_or_default() {
                let folder = inputs.join(folder);
                assert!(targets.iter().any(|t| t.inputs == folder), "{}", folder.display());
            }
        }
    }

    #[test]
    fn an_unknown_target_is_refused_with_the_list_of_targets() {
        let target = Target { name: "a".to_owned(), package: "p".to_owned(), inputs: "i".into() };
        let only = std::slice::from_ref(&target);
        assert_eq!(chosen(vec![target.clone()], Some("a")).unwrap(), only);
        let error = chosen(vec![target], Some("b")).unwrap_err().to_string();
        assert_eq!(error, "there is no target \"b\"; the targets are a");
    }
}
