//! `runcor init`: a project that runs at once.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::args::Init;
use crate::console::Console;
use crate::failure::Failure;
use crate::template::{self, File};

pub(crate) fn run(args: &Init, console: &Console) -> Result<ExitCode, Failure> {
    let (folder, name) = folder_and_name(args.folder.as_deref())?;
    let name = match args.name.as_deref() {
        None => name,
        Some(wanted) => named(plain(wanted), wanted)?,
    };
    let files = if args.rust { cargo_project(&name) } else { yaml_project(&name) };
    let written = template::write(&folder, &files, args.force)?;
    if console.json {
        console.value(&json!({ "created": written }));
        return Ok(ExitCode::SUCCESS);
    }
    for path in &written {
        console.line(format!("Created {}", path.display()));
    }
    let enter = if folder == Path::new(".") {
        String::new()
    } else {
        format!("cd {} && ", folder.display())
    };
    let next = if args.rust { "cargo run" } else { "runcor dev" };
    console.line(format!("\nNext: {enter}{next}"));
    Ok(ExitCode::SUCCESS)
}

/// Returns the folder and the project's name in it.
fn folder_and_name(name: Option<&str>) -> Result<(PathBuf, String), Failure> {
    let Some(name) = name.filter(|name| Path::new(name) != Path::new(".")) else {
        let here = std::env::current_dir()?;
        let name = here.file_name().map_or_else(|| "project".into(), |name| name.to_string_lossy());
        return Ok((PathBuf::from("."), named(plain(&name), &name)?));
    };
    let folder = PathBuf::from(name);
    let last = folder.file_name().map(|name| plain(&name.to_string_lossy())).unwrap_or_default();
    Ok((folder, named(last, name)?))
}

fn named(name: String, given: &str) -> Result<String, Failure> {
    if name.is_empty() {
        let message = format!("{given:?} is no name for a project; use letters, digits and -");
        return Err(Failure::new("VALIDATION_ERROR", message));
    }
    Ok(name)
}

/// Keeps what may stand in a package name.
fn plain(name: &str) -> String {
    let allowed =
        |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(allowed).collect();
    let name = name.trim_matches('-');
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("p-{name}")
    } else {
        name.to_owned()
    }
}

fn yaml_project(name: &str) -> Vec<File> {
    let filled = |text: &str| text.replace("{{name}}", name);
    vec![
        ("runcor.yaml", filled(include_str!("../../assets/init/runcor.yaml"))),
        ("flows/hello.yaml", filled(include_str!("../../assets/init/flows/hello.yaml"))),
        (".gitignore", include_str!("../../assets/init/gitignore").to_owned()),
    ]
}

fn cargo_project(name: &str) -> Vec<File> {
    let manifest = include_str!("../../assets/rust/Cargo.toml.in")
        .replace("{{name}}", name)
        .replace("{{runcor}}", &library());
    vec![
        ("Cargo.toml", manifest),
        ("src/main.rs", include_str!("../../assets/rust/src/main.rs.in").to_owned()),
        (".gitignore", "/target\n*.db*\n".to_owned()),
    ]
}

/// Where the library is: in the checkout that this binary was built from, or in the registry.
fn library() -> String {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runcor");
    let place = checkout.canonicalize().ok().filter(|path| path.join("Cargo.toml").is_file());
    place.map_or_else(
        || format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
        |path| format!("path = {:?}", path.display().to_string()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_folder_gives_a_name_that_cargo_accepts() {
        for (folder, name) in [
            ("my-project", "my-project"),
            ("My Project", "my-project"),
            ("a/b/c", "c"),
            ("7up", "p-7up"),
        ] {
            assert_eq!(folder_and_name(Some(folder)).unwrap().1, name);
        }
        assert!(folder_and_name(Some("..")).is_err());
        assert!(folder_and_name(Some("---")).is_err());
    }
}
