//! Which file is loaded.

use std::fs;
use std::path::Path;

use runcor_config::{Error, LoadOptions, discover, load};
use runcor_core::ErrorCode;

fn write(dir: &Path, name: &str, concurrency: u32) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("engine: {{concurrency: {concurrency}}}")).unwrap();
}

fn nothing(_: &str) -> Option<String> {
    None
}

fn concurrency(options: &LoadOptions<'_>) -> u32 {
    load(options).unwrap().config.engine.concurrency
}

#[test]
fn an_explicit_path_wins_over_the_variable_over_yaml_over_yml() {
    let dir = tempfile::tempdir().unwrap();
    let variable = |name: &str| (name == "RUNCOR_CONFIG").then(|| "conf/from-env.yaml".to_owned());

    write(dir.path(), "runcor.yml", 1);
    assert_eq!(concurrency(&LoadOptions::new(dir.path(), &nothing)), 1);
    write(dir.path(), "runcor.yaml", 2);
    assert_eq!(concurrency(&LoadOptions::new(dir.path(), &nothing)), 2);
    write(dir.path(), "conf/from-env.yaml", 3);
    assert_eq!(concurrency(&LoadOptions::new(dir.path(), &variable)), 3);
    write(dir.path(), "explicit.yaml", 4);
    let options = LoadOptions::new(dir.path(), &variable).path("explicit.yaml");
    assert_eq!(concurrency(&options), 4);
    assert_eq!(load(&options).unwrap().path, Some(dir.path().join("explicit.yaml")));
}

#[test]
fn no_file_anywhere_says_where_it_looked_and_how_to_make_one() {
    let dir = tempfile::tempdir().unwrap();
    let options = LoadOptions::new(dir.path(), &nothing);
    assert!(discover(&options).unwrap().is_none());
    let error = load(&options).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigNotFound);
    let text = error.to_string();
    for part in ["runcor.yaml", "runcor.yml", "runcor init"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_file_that_was_named_but_is_not_there_is_not_replaced_by_another() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "runcor.yaml", 1);
    let explicit = LoadOptions::new(dir.path(), &nothing).path("other.yaml");
    assert_eq!(load(&explicit).unwrap_err().code(), ErrorCode::ConfigNotFound);
    let variable = |name: &str| (name == "RUNCOR_CONFIG").then(|| "other.yaml".to_owned());
    let error = load(&LoadOptions::new(dir.path(), &variable)).unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[test]
fn the_variable_can_not_lead_out_of_the_working_directory_but_a_path_can() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("app");
    fs::create_dir(&app).unwrap();
    write(dir.path(), "app-secrets/runcor.yaml", 1);
    let outside = dir.path().join("app-secrets/runcor.yaml");
    for way in [outside.display().to_string(), "../app-secrets/runcor.yaml".to_owned()] {
        let variable = |name: &str| (name == "RUNCOR_CONFIG").then(|| way.clone());
        let error = load(&LoadOptions::new(&app, &variable)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigInvalid, "{error}");
        assert!(error.to_string().contains("--config"), "{error}");
    }
    assert_eq!(concurrency(&LoadOptions::new(&app, &nothing).path(outside)), 1);
}

#[test]
fn a_folder_in_place_of_the_file_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("runcor.yaml")).unwrap();
    let error = load(&LoadOptions::new(dir.path(), &nothing)).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    assert_eq!(runcor_core::Error::from(error).code(), ErrorCode::ConfigNotFound);
}

#[test]
fn an_error_names_the_file_relative_to_the_working_directory() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("runcor.yml"), "nope: 1").unwrap();
    let error = load(&LoadOptions::new(dir.path(), &nothing)).unwrap_err();
    assert!(error.to_string().ends_with("\nruncor.yml:1:1 nope: there is no key \"nope\" here"));
}
