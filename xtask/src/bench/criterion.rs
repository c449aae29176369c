//! The estimates that criterion leaves under `target/criterion`.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::Value;

/// What criterion found for one bench.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Estimate {
    /// The name, groups included.
    pub(crate) name: String,
    /// The mean time of one iteration in nanoseconds.
    pub(crate) mean_ns: f64,
    /// The median.
    pub(crate) median_ns: f64,
    /// The standard deviation.
    pub(crate) deviation_ns: f64,
}

/// Reads the estimates written since an instant; older ones belong to other runs.
pub(crate) fn estimates(dir: &Path, since: SystemTime) -> Result<Vec<Estimate>> {
    let mut found = Vec::new();
    collect(dir, since, &mut found)?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn collect(dir: &Path, since: SystemTime, found: &mut Vec<Estimate>) -> Result<()> {
    if !dir.is_dir() {
        return Ok(());
    }
    let file = dir.join("estimates.json");
    if dir.ends_with("new") && file.is_file() {
        if fs::metadata(&file)?.modified()? >= since {
            found.push(read(dir)?);
        }
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        collect(&entry?.path(), since, found)?;
    }
    Ok(())
}

fn read(dir: &Path) -> Result<Estimate> {
    let json = |name: &str| -> Result<Value> {
        let path = dir.join(name);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    };
    let estimates = json("estimates.json")?;
    let benchmark = json("benchmark.json")?;
    let point = |key: &str| {
        estimates.pointer(&format!("/{key}/point_estimate")).and_then(Value::as_f64).unwrap_or(0.0)
    };
    Ok(Estimate {
        name: benchmark.get("full_id").and_then(Value::as_str).unwrap_or("?").to_owned(),
        mean_ns: point("mean"),
        median_ns: point("median"),
        deviation_ns: point("std_dev"),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use xshell::Shell;

    use super::*;

    #[test]
    fn new_estimates_are_collected_and_old_ones_left_out() {
        let temp = Shell::new().unwrap().create_temp_dir().unwrap();
        let dir = temp.path().join("route/one/new");
        fs::create_dir_all(&dir).unwrap();
        fs::write(
            dir.join("estimates.json"),
            r#"{"mean":{"point_estimate":12.5},"median":{"point_estimate":12.0},"std_dev":{"point_estimate":0.5}}"#,
        )
        .unwrap();
        fs::write(dir.join("benchmark.json"), r#"{"full_id":"route/one"}"#).unwrap();
        let written = fs::metadata(dir.join("estimates.json")).unwrap().modified().unwrap();
        let found = estimates(temp.path(), written).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].mean_ns), ("route/one", 12.5));
        let later = written + Duration::from_secs(60);
        assert_eq!(estimates(temp.path(), later).unwrap(), []);
        assert_eq!(estimates(&temp.path().join("none"), written).unwrap(), []);
    }
}
