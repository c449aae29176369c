//! `runcor resume`: answer a waiting execution.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::args::Resume;
use crate::console::Console;
use crate::failure::Failure;
use crate::summary;
use crate::target::Target;

pub(crate) async fn run(
    args: Resume,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let data = args.data.as_deref().map(|text| super::read_json(text, "--data")).transpose()?;
    let target = Target::find(&args.connect, config, true, console).await?;
    let outcome = match target.resume(&args.id, data).await {
        Ok(execution) => {
            console.note(format!("Resumed:   {}", args.id));
            if args.no_wait && !target.is_local() {
                Ok(execution)
            } else {
                target.settled(execution, None).await
            }
        }
        Err(failure) => Err(failure),
    };
    target.leave().await?;
    let execution = outcome?;
    if console.json {
        console.value(&json!({ "execution": summary::short(&execution) }));
    } else {
        summary::print_outcome(console, &execution);
    }
    Ok(super::exit_code(&execution))
}
