//! `runcor resume`: answer a waiting execution.

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use crate::args::Resume;
use crate::console::Console;
use crate::failure::Failure;
use crate::target::Target;
use crate::waiting;

pub(crate) async fn run(
    args: Resume,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let data = args.data.as_deref().map(|text| super::read_json(text, "--data")).transpose()?;
    let target = Target::find(&args.connect, config, true, console).await?;
    let outcome = match resume(&target, &args.id, data).await {
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
    Ok(super::print_settled(&outcome?, console))
}

/// Resumes; where something else than a resume is wanted, the failure says what.
async fn resume(target: &Target, id: &str, data: Option<Value>) -> Result<Value, Failure> {
    let failure = match target.resume(id, data).await {
        Err(failure) if failure.code == "INVALID_STATE" => failure,
        other => return other,
    };
    match target.get(id).await.ok().and_then(|execution| waiting::advice(&execution)) {
        Some(message) => Err(Failure { message, ..failure }),
        None => Err(failure),
    }
}
