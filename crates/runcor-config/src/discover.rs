//! Finding the file.

use std::path::{Component, Path, PathBuf};

use crate::config::set;
use crate::error::Error;
use crate::load::LoadOptions;

/// The names that are looked for in the working directory, in this order.
const NAMES: [&str; 2] = ["runcor.yaml", "runcor.yml"];

/// Finds the configuration file; `None` when nothing names one and none is there.
///
/// The order is [`LoadOptions::path`], the environment variable
/// `RUNCOR_CONFIG`, then `runcor.yaml` and `runcor.yml` in the working directory.
///
/// # Errors
/// Returns [`Error::NotFound`] when a file that was named is not there, and
/// [`Error::Outside`] when `RUNCOR_CONFIG` leads out of the working directory.
pub fn discover(options: &LoadOptions<'_>) -> Result<Option<PathBuf>, Error> {
    if let Some(path) = &options.path {
        return named(options.cwd.join(path)).map(Some);
    }
    if let Some(path) = set(options.env, "RUNCOR_CONFIG") {
        return named(within(&options.cwd, Path::new(&path))?).map(Some);
    }
    Ok(candidates(&options.cwd).into_iter().find(|path| path.exists()))
}

/// Returns the files that are looked for where nothing names one.
pub(crate) fn candidates(cwd: &Path) -> Vec<PathBuf> {
    NAMES.iter().map(|name| cwd.join(name)).collect()
}

fn named(path: PathBuf) -> Result<PathBuf, Error> {
    if path.exists() { Ok(path) } else { Err(Error::NotFound { looked: vec![path] }) }
}

/// Resolves `path` against `base` and refuses what lies outside; compared by
/// components, so that `/app-secrets` is not within `/app`.
fn within(base: &Path, path: &Path) -> Result<PathBuf, Error> {
    let base = resolved(&std::path::absolute(base).unwrap_or_else(|_| base.to_owned()));
    let path = resolved(&base.join(path));
    if path.starts_with(&base) { Ok(path) } else { Err(Error::Outside { base }) }
}

/// Takes `.` and `..` out of a path without asking the disk.
fn resolved(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !resolved.pop() {
                    resolved.push(component);
                }
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                resolved.push(component);
            }
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containment_goes_by_components_not_by_prefix() {
        let base = Path::new("/app");
        for inside in ["runcor.yaml", "conf/../x.yaml", "/app/conf/x.yaml", "./x.yaml"] {
            assert!(within(base, Path::new(inside)).is_ok(), "{inside}");
        }
        for outside in ["/app-secrets/x.yaml", "../x.yaml", "/etc/x.yaml", "conf/../../x", "/"] {
            assert!(within(base, Path::new(outside)).is_err(), "{outside}");
        }
        assert!(within(Path::new("."), Path::new("../x.yaml")).is_err());
        assert!(within(Path::new("."), Path::new("x.yaml")).is_ok());
    }
}
