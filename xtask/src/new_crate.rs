//! `cargo xtask new-crate NAME`: stamps a subsystem crate with the standard face.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use lexopt::prelude::*;

use crate::command::Command;
use crate::project::Project;

pub(crate) const COMMAND: Command = Command {
    name: "new-crate",
    usage: "NAME",
    about: "Makes a subsystem crate with the standard face",
    run,
};

/// The files of the standard face; `NAME` stands for the crate, `IDENT` for its identifier.
const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("new_crate/Cargo.toml.txt")),
    ("README.md", include_str!("new_crate/README.md.txt")),
    ("src/lib.rs", include_str!("new_crate/lib.rs.txt")),
    ("src/error.rs", include_str!("new_crate/error.rs.txt")),
    ("tests/it/main.rs", include_str!("new_crate/it.rs.txt")),
];

fn run(project: &Project, mut args: lexopt::Parser) -> Result<()> {
    let mut name = None;
    while let Some(arg) = args.next()? {
        match arg {
            Value(word) if name.is_none() => name = Some(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let name = full_name(&name.context("say which crate: `cargo xtask new-crate NAME`")?)?;
    stamp(project, &name)?;
    println!(
        "crates/{name} is there, and so are its lines in Cargo.toml and crates/README.md.\n\
         Left to do: the description in Cargo.toml and crates/README.md, the two sentences of \
         the README, the first behaviour, a feature in crates/runcor/Cargo.toml, and\n\
         `cargo check -p {name}` to bring Cargo.lock up to date."
    );
    Ok(())
}

/// Puts `runcor-` in front where it is missing and refuses names that cargo or the house refuse.
fn full_name(name: &str) -> Result<String> {
    let short = name.strip_prefix("runcor-").unwrap_or(name);
    let plain = short.chars().all(|sign| sign.is_ascii_lowercase() || sign == '-');
    ensure!(
        plain && !short.is_empty() && !short.starts_with('-') && !short.ends_with('-'),
        "{name:?} is no name for a crate; use lower-case words joined by hyphens"
    );
    Ok(format!("runcor-{short}"))
}

fn stamp(project: &Project, name: &str) -> Result<()> {
    let dir = project.root.join("crates").join(name);
    if dir.exists() {
        bail!("{} exists already", dir.display());
    }
    let (manifest, index) =
        (project.root.join("Cargo.toml"), project.root.join("crates/README.md"));
    let new_manifest = with_dependency(&fs::read_to_string(&manifest)?, name)
        .context("Cargo.toml has no line of `runcor-core` to put the new one beside")?;
    let new_index = with_line(&fs::read_to_string(&index)?, name)
        .context("crates/README.md has no table to put the crate into")?;
    for (path, text) in FILES {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&dir))?;
        fs::write(path, filled(text, name))?;
    }
    fs::write(manifest, new_manifest)?;
    fs::write(index, new_index)?;
    Ok(())
}

fn filled(text: &str, name: &str) -> String {
    text.replace("NAME", name).replace("IDENT", &name.replace('-', "_"))
}

/// Adds the crate to the workspace's dependencies, in the order of the alphabet.
fn with_dependency(manifest: &str, name: &str) -> Option<String> {
    let line = format!("{name} = {{ path = \"crates/{name}\" }}");
    let mut lines: Vec<&str> = manifest.lines().collect();
    let ours = |line: &str| line.starts_with("runcor-") || line.starts_with("runcor ");
    let first = lines.iter().position(|line| ours(line))?;
    let later =
        lines.iter().skip(first).take_while(|own| ours(own) && **own < line.as_str()).count();
    lines.insert(first + later, &line);
    Some(lines.join("\n") + "\n")
}

/// Adds the crate to the end of the first table.
fn with_line(index: &str, name: &str) -> Option<String> {
    let line = format!("| [`{name}`]({name}) | (Say in one line what it is) |");
    let mut lines: Vec<&str> = index.lines().collect();
    let first = lines.iter().position(|line| line.starts_with('|'))?;
    let rows = lines.iter().skip(first).take_while(|line| line.starts_with('|')).count();
    lines.insert(first + rows, &line);
    Some(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use xshell::Shell;

    use super::*;

    #[test]
    fn the_prefix_is_added_where_it_is_missing() {
        assert_eq!(full_name("cost").unwrap(), "runcor-cost");
        assert_eq!(full_name("runcor-store-postgres").unwrap(), "runcor-store-postgres");
        for bad in ["", "Cost", "co st", "-cost", "runcor-", "../x"] {
            assert!(full_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_new_crate_stands_in_the_order_of_the_alphabet() {
        let manifest = "[workspace.dependencies]\nruncor = { path = \"crates/runcor\" }\n\
            runcor-core = { path = \"crates/runcor-core\" }\nruncor-http = { path = \"x\" }\n\nserde = \"1\"\n";
        let with = with_dependency(manifest, "runcor-cost").unwrap();
        assert!(
            with.contains(
                "-core\" }\nruncor-cost = { path = \"crates/runcor-cost\" }\nruncor-http"
            )
        );
        let last = with_dependency(manifest, "runcor-zero").unwrap();
        assert!(last.contains("\"x\" }\nruncor-zero = { path = \"crates/runcor-zero\" }\n\nserde"));
    }

    #[test]
    fn a_stamped_crate_has_the_whole_face_and_its_lines() {
        let shell = Shell::new().unwrap();
        let temp = shell.create_temp_dir().unwrap();
        let root = temp.path().to_path_buf();
        fs::create_dir_all(root.join("crates")).unwrap();
        fs::write(root.join("Cargo.toml"), "runcor-core = { path = \"x\" }\n").unwrap();
        fs::write(root.join("crates/README.md"), "| crate | is |\n|---|---|\n| a | b |\n\nend\n")
            .unwrap();
        let project = Project { root: root.clone(), shell };
        stamp(&project, "runcor-cost").unwrap();
        for (path, _) in FILES {
            let text = fs::read_to_string(root.join("crates/runcor-cost").join(path)).unwrap();
            assert!(!text.contains("NAME") && !text.contains("IDENT"), "{path}");
        }
        let index = fs::read_to_string(root.join("crates/README.md")).unwrap();
        assert!(index.contains("| a | b |\n| [`runcor-cost`](runcor-cost) |"));
        assert!(stamp(&project, "runcor-cost").is_err(), "twice");
        assert!(Path::new(&root).join("crates/runcor-cost/tests/it/main.rs").is_file());
    }
}
