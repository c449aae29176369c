//! `runcor init`.

use std::path::Path;
use std::process::Command;

use crate::bed::Project;

const FILES: [&str; 3] = ["runcor.yaml", "flows/hello.yaml", ".gitignore"];

#[test]
fn a_new_folder_gets_a_project_that_runs() {
    let home = Project::empty();
    let ran = home.run(&["init", "my-project"]).exits(0);
    assert!(ran.stdout.contains("Next: cd my-project && runcor dev"), "{ran:?}");
    for file in FILES {
        assert!(home.path("my-project").join(file).is_file(), "{file}");
    }
    let text = std::fs::read_to_string(home.path("my-project/runcor.yaml")).unwrap();
    assert!(text.starts_with("# my-project:"), "{text}");
    let file = home.path("my-project/runcor.yaml");
    home.run(&["config", "check", "--config", file.to_str().unwrap()]).exits(0);
    for input in [&[][..], &["--input", "{}"], &["--input", "{\"name\": \"Ada\"}"]] {
        let mut args = vec!["trigger", "hello", "--json", "--config", file.to_str().unwrap()];
        args.extend(input);
        assert_eq!(home.run(&args).exits(0).json()["execution"]["state"], "complete");
    }
}

#[test]
fn this_folder_is_used_where_none_is_named() {
    let home = Project::empty();
    let ran = home.run(&["init", "--name", "Lamp Shop"]).exits(0);
    assert!(ran.stdout.ends_with("Next: runcor dev\n"), "{ran:?}");
    let text = std::fs::read_to_string(home.path("runcor.yaml")).unwrap();
    assert!(text.starts_with("# lamp-shop:"), "{text}");
    home.run(&["init", ".", "--force"]).exits(0);
}

#[test]
fn files_that_exist_are_kept_unless_forced() {
    let home = Project::empty();
    home.write("shop/notes.txt", "mine");
    home.write("shop/flows/hello.yaml", "mine");
    let ran = home.run(&["init", "shop"]).exits(1);
    assert!(ran.stderr.contains("shop/flows/hello.yaml exists already; pass --force"), "{ran:?}");
    // All or nothing.
    assert!(!home.path("shop/runcor.yaml").exists());
    home.run(&["init", "shop", "--force"]).exits(0);
    let flow = std::fs::read_to_string(home.path("shop/flows/hello.yaml")).unwrap();
    assert!(flow.contains("name: hello"));
    assert_eq!(std::fs::read_to_string(home.path("shop/notes.txt")).unwrap(), "mine");
}

#[test]
fn json_lists_the_files() {
    let home = Project::empty();
    let created = home.run(&["init", "shop", "--json"]).exits(0).json();
    assert_eq!(created["created"].as_array().unwrap().len(), FILES.len());
    let error = home.run(&["init", "shop", "--json"]).exits(1).error();
    assert_eq!(error["code"], "EXISTS");
}

#[test]
fn names_that_can_not_be_are_refused() {
    let home = Project::empty();
    home.write("file", "");
    for (name, says) in
        [("..", "is no name"), ("---", "is no name"), ("file", "file"), (&"x".repeat(300), "can't")]
    {
        let ran = home.run(&["init", "--", name]).exits(1);
        assert!(ran.stderr.contains(says), "{ran:?}");
    }
}

/// Builds in the workspace's own target folder, so that what is built there is used again.
#[test]
fn the_cargo_project_of_init_compiles() {
    let Ok(cargo) = std::env::var("CARGO") else {
        eprintln!("skipped: cargo does not run this test, so there is none to compile with");
        return;
    };
    let home = Project::empty();
    let ran = home.run(&["init", "rusty", "--rust"]).exits(0);
    assert!(ran.stdout.contains("cargo run"), "{ran:?}");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    // The versions that the workspace has, so that nothing is fetched.
    std::fs::copy(workspace.join("Cargo.lock"), home.path("rusty/Cargo.lock")).unwrap();
    let output = Command::new(cargo)
        .args(["check", "--offline", "--quiet"])
        .current_dir(home.path("rusty"))
        .env("CARGO_TARGET_DIR", workspace.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
