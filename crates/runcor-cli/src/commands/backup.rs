//! `runcor backup`: copy a database file that may be in use.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use runcor::store::backup;
use serde_json::json;

use crate::args::Backup;
use crate::console::{Console, Paint};
use crate::failure::Failure;
use crate::figures::size;

pub(crate) fn run(args: &Backup, console: &Console) -> Result<ExitCode, Failure> {
    let bar = console.is_watched().then(bar).transpose()?;
    let copied = backup(&args.database, &args.file, |reached| {
        if let Some(bar) = &bar {
            bar.set_length(reached.total_bytes);
            bar.set_position(reached.bytes);
        }
    });
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    let bytes = copied.map_err(runcor::Error::from)?;
    let (from, to) = (args.database.display().to_string(), args.file.display().to_string());
    if console.json {
        console.value(&json!({ "database": from, "file": to, "bytes": bytes }));
    } else {
        let mark = console.paint(Paint::Green, "✓");
        console.line(format!("{mark} {from} is copied to {to} ({})", size(bytes)));
    }
    Ok(ExitCode::SUCCESS)
}

fn bar() -> Result<ProgressBar, Failure> {
    let style = ProgressStyle::with_template("Copying {bar:30} {bytes} of {total_bytes}")
        .map_err(|error| Failure::new("INTERNAL_ERROR", error.to_string()))?;
    Ok(ProgressBar::new(0).with_style(style))
}
