//! Trials: one death each, at every point that a scenario passes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::points::{self, Passing};
use crate::scenario::Scenario;
use crate::{child, effects, oracle};

/// Lets the scenario die at the first, second and last passing of every point.
pub(crate) fn every_point_of(scenario: Scenario) {
    let port = effects::serve();
    let passed = rehearse(scenario, port);
    let deaths = deaths(&passed);
    assert!(deaths.len() >= 20, "only {} deaths: {passed:?}", deaths.len());
    let mut died = 0;
    for death in &deaths {
        let dir = tempfile::tempdir().unwrap();
        eprintln!("{scenario:?} dies at {death:?}");
        died += usize::from(child::spawn(dir.path(), scenario, Some(death), port));
        oracle::check(dir.path(), scenario, death, port);
    }
    println!("{scenario:?}: {died} deaths at {} points", passed.len());
    assert!(died * 10 >= deaths.len() * 7, "{died} of {} children died", deaths.len());
}

/// Runs the scenario whole, to see which points it passes and how often.
fn rehearse(scenario: Scenario, port: u16) -> BTreeMap<String, usize> {
    let dir = tempfile::tempdir().unwrap();
    child::spawn(dir.path(), scenario, None, port);
    let whole = Passing { point: "the end".to_owned(), hit: 1 };
    oracle::check(dir.path(), scenario, &whole, port);
    points::passed(dir.path())
}

fn deaths(passed: &BTreeMap<String, usize>) -> Vec<Passing> {
    let mut deaths = Vec::new();
    for (point, last) in passed {
        let mut hits = vec![1, 2, *last];
        hits.retain(|hit| hit <= last);
        hits.dedup();
        deaths.extend(hits.into_iter().map(|hit| Passing { point: point.clone(), hit }));
    }
    deaths
}

#[test]
fn every_point_of_the_code_is_known_here_and_passed_by_a_scenario_or_named_as_rare() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut named = Vec::new();
    for part in
        ["runcor-core", "runcor-cost", "runcor-engine", "runcor-pipeline", "runcor-store-sqlite"]
    {
        find_points(&root.join(part).join("src"), &mut named);
    }
    named.sort();
    named.dedup();
    assert_eq!(named, points::ALL);
}

fn find_points(dir: &Path, named: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_points(&path, named);
        } else {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let calls = text.split("fail_point!(\"").skip(1);
            named.extend(calls.filter_map(|call| call.split('"').next()).map(str::to_owned));
        }
    }
}
