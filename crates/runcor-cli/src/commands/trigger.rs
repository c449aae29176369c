//! `runcor trigger`: run a flow and tell what became of it.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::Trigger;
use crate::console::{Console, Paint};
use crate::failure::Failure;
use crate::settling::WAIT_LIMIT;
use crate::summary;
use crate::target::{Target, TriggerRequest};

pub(crate) async fn run(
    args: Trigger,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let input = args.input.as_deref().map(|text| super::read_json(text, "--input")).transpose()?;
    let request = TriggerRequest {
        flow: args.flow.clone(),
        key: args.key.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
        input: input.unwrap_or(Value::Null),
        user: args.connect.user.clone(),
        tenant: args.connect.tenant.clone(),
    };
    let target = Target::find(&args.connect, config, true, console).await?;
    let accepted = target.trigger(request).await;
    let outcome = match accepted {
        Ok(execution) => {
            let id = summary::text(&execution["id"]);
            console.note(format!("Triggered: {} ({})", console.paint(Paint::Bold, &args.flow), id));
            // What this process runs ends with it, so there is nothing to come back for.
            if args.no_wait && !target.is_local() {
                Ok((execution, false))
            } else {
                target
                    .settled(execution, args.wait.flatten())
                    .await
                    .map(|execution| (execution, true))
            }
        }
        Err(failure) => Err(failure),
    };
    let gave_up = outcome.as_ref().is_err_and(|failure| failure.code == WAIT_LIMIT);
    // Who waits no longer does not wait for what runs here either; the store has it all.
    if !(gave_up && target.is_local()) {
        target.leave().await?;
    }
    let (execution, waited) = outcome?;
    if console.json && waited {
        console.value(&json!({ "execution": summary::short(&execution) }));
    } else if console.json {
        let short = json!({ "id": execution["id"], "flowName": execution["flowName"], "state": execution["state"] });
        console.value(&json!({ "execution": short }));
    } else {
        summary::print_outcome(console, &execution);
    }
    Ok(super::exit_code(&execution))
}
