//! Folders of flow files.

use runcor_pipeline::load_dir;

fn write(folder: &tempfile::TempDir, name: &str, text: &str) {
    std::fs::write(folder.path().join(name), text).unwrap();
}

#[test]
fn a_folder_is_read_in_order_and_a_broken_file_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "c.yml", "name: three\nsteps: []\n");
    write(&folder, "a.yaml", "name: one\nsteps: []\n");
    write(&folder, "b.yaml", "name: two\nstep: []\n");
    write(&folder, "notes.txt", "nothing to read");
    write(&folder, ".hidden.yaml", "broken: [");
    std::fs::create_dir(folder.path().join("old.yaml")).unwrap();
    let (loaded, problems) = load_dir(folder.path());
    let names: Vec<_> = loaded.iter().map(|loaded| loaded.spec.name.as_str()).collect();
    assert_eq!(names, ["one", "three"]);
    assert!(problems.iter().all(|problem| problem.file.ends_with("b.yaml")), "{problems:?}");
    assert_eq!(problems.len(), 2);
}

#[test]
fn a_name_that_two_files_define_counts_once_and_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "a.yaml", "name: same\nsteps: []\n");
    write(&folder, "b.yaml", "description: x\nname: same\nsteps: []\n");
    let (loaded, problems) = load_dir(folder.path());
    assert_eq!(loaded.len(), 1);
    assert!(loaded[0].file.ends_with("a.yaml"));
    let problem = problems[0].to_string();
    assert!(problem.contains("b.yaml:2:7: name: the flow \"same\" is defined in"), "{problem}");
}

#[test]
fn what_cannot_be_read_is_a_problem_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("binary.yaml"), [0xff, 0xfe, 0x00, 0x80]).unwrap();
    write(&folder, "long.yaml", &"# long\n".repeat(200_000));
    let (loaded, problems) = load_dir(folder.path());
    assert!(loaded.is_empty());
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[1].message.contains("longer than 1 MiB"), "{problems:?}");

    let (loaded, problems) = load_dir(folder.path().join("nowhere"));
    assert!(loaded.is_empty());
    assert!(problems[0].message.contains("can't read the folder"));
}
