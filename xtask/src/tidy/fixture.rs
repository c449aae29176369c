//! A checkout in a temporary directory, for the tests of the rules.

use std::fs;
use std::path::PathBuf;

use xshell::{Shell, TempDir};

use super::tree::Tree;
use crate::metadata::{Dependency, DependencyKind, Member, Target};

/// A checkout that is removed again at the end of the test.
pub(super) struct Fixture {
    dir: TempDir,
    members: Vec<Member>,
}

impl Fixture {
    pub(super) fn new() -> Self {
        Self { dir: Shell::new().unwrap().create_temp_dir().unwrap(), members: Vec::new() }
    }

    /// Writes a file.
    pub(super) fn file(self, path: &str, text: &str) -> Self {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Adds a member.
    pub(super) fn member(mut self, member: Member) -> Self {
        self.members.push(member);
        self
    }

    /// Reads the checkout as the rules see it.
    pub(super) fn tree(&self) -> Tree {
        Tree::read(self.dir.path(), self.members.clone()).unwrap()
    }
}

/// Makes a library under `crates/` with dependencies on other members.
pub(super) fn member(name: &str, depends_on: &[&str]) -> Member {
    let on = |name: &&str| dependency(name, DependencyKind::Normal);
    Member {
        name: name.to_owned(),
        dir: PathBuf::from("crates").join(name),
        license: Some("MIT OR Apache-2.0".to_owned()),
        dependencies: depends_on.iter().map(on).collect(),
        targets: vec![Target { kind: "lib".to_owned(), name: name.to_owned() }],
        ..Member::default()
    }
}

/// Makes a dependency on another member.
pub(super) fn dependency(name: &str, kind: DependencyKind) -> Dependency {
    Dependency { name: name.to_owned(), kind, internal: true, versioned: false }
}
