//! Help, version, mistakes on the command line, and what is printed for whom.

use crate::bed::Project;

#[test]
fn no_arguments_and_help_print_the_usage_and_succeed() {
    let project = Project::empty();
    for args in [&[][..], &["--help"], &["-h"], &["trigger", "--help"], &["config", "check", "-h"]]
    {
        let ran = project.run(args).exits(0);
        assert!(ran.stdout.contains("Usage: runcor"), "{ran:?}");
        assert!(ran.stderr.is_empty(), "{ran:?}");
    }
}

#[test]
fn the_version_is_told_anywhere() {
    let project = Project::empty();
    let expected = format!("runcor v{}\n", env!("CARGO_PKG_VERSION"));
    for args in [&["--version"][..], &["-v"], &["-V"], &["trigger", "--version"], &["config", "-v"]]
    {
        assert_eq!(project.run(args).exits(0).stdout, expected, "{args:?}");
    }
}

#[test]
fn mistakes_on_the_command_line_exit_with_1_and_say_so() {
    let project = Project::empty();
    for (args, says) in [
        (&["nosuch"][..], "nosuch"),
        (&["--nosuch"], "--nosuch"),
        (&["trigger"], "<FLOW>"),
        (&["trigger", "f", "--wait", "-1"], "--wait"),
        (&["trigger", "f", "--wait", "x"], "number of seconds"),
        (&["config"], "Usage"),
        (&["status", "--limit", "many"], "--limit"),
        (&["trigger", "f", "--wait", "1", "--no-wait"], "--no-wait"),
    ] {
        let ran = project.run(args).exits(1);
        assert!(ran.stderr.contains(says) && ran.stdout.is_empty(), "{args:?} {ran:?}");
    }
}

#[test]
fn with_json_a_mistake_on_the_command_line_is_json_too() {
    let error = Project::empty().run(&["nosuch", "--json"]).exits(1).error();
    assert_eq!(error["code"], "USAGE");
    assert!(error["message"].as_str().unwrap().contains("nosuch"));
}

#[test]
fn nothing_is_coloured_in_a_pipe() {
    let project = Project::new();
    project.run(&["trigger", "echo", "--input", "1"]).exits(0);
    for args in [&["status"][..], &["trigger", "nosuch"], &["nosuch"], &["demo", "--once"]] {
        let ran = project.run(args);
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{ran:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::{Command, Stdio};

    let project = Project::new();
    let line = format!("'{}' config schema | head -c 10", env!("CARGO_BIN_EXE_runcor"));
    let output = Command::new("sh")
        .args(["-c", &line])
        .current_dir(project.dir())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn without_a_project_every_command_says_how_to_make_one() {
    let project = Project::empty();
    for args in [&["dev"][..], &["config", "check"]] {
        let ran = project.run(args).exits(1);
        assert!(ran.stderr.contains("runcor init"), "{ran:?}");
        assert!(ran.stderr.contains("CONFIG_NOT_FOUND"), "{ran:?}");
    }
    let ran = project.run(&["dev", "--config", "nosuch.yaml"]).exits(1);
    assert!(ran.stderr.contains("nosuch.yaml"), "{ran:?}");
}
