//! `runcor cancel`: stop an execution for good.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::args::Cancel;
use crate::console::Console;
use crate::failure::Failure;
use crate::summary;
use crate::target::Target;

pub(crate) async fn run(
    args: Cancel,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connect, config, false, console).await?;
    let cancelled = target.cancel(&args.id, args.reason).await;
    target.leave().await?;
    let execution = cancelled?;
    if console.json {
        console.value(&json!({ "execution": summary::short(&execution) }));
    } else {
        console.line(format!("Cancelled: {}", args.id));
        summary::print_outcome(console, &execution);
    }
    Ok(ExitCode::SUCCESS)
}
