//! `runcor fork`: run an execution differently from a place of its timeline on.

use std::path::Path;
use std::process::ExitCode;

use runcor::execution::{Fork, ForkChanges};
use serde_json::{Value, json};

use crate::args;
use crate::console::Console;
use crate::failure::Failure;
use crate::settling::WAIT_LIMIT;
use crate::summary::text;
use crate::target::Target;

pub(crate) async fn run(
    args: args::Fork,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let input = args.input.as_deref().map(|text| super::read_json(text, "--input")).transpose()?;
    let fork = Fork {
        at: args.at,
        idempotency_key: args.key,
        input,
        changes: ForkChanges {
            model: args.model,
            provider: args.provider,
            system_prompt: args.system_prompt,
            prompt: args.prompt,
        },
    };
    let target = Target::find(&args.connect, config, true, console).await?;
    // What this process runs ends with it, so there is nothing to come back for.
    let waits = args.wait.is_some() || target.is_local();
    let outcome = match target.fork(&args.id, fork).await {
        Ok(execution) => {
            announce(&execution, console);
            if waits { target.settled(execution, args.wait.flatten()).await } else { Ok(execution) }
        }
        Err(failure) => Err(failure),
    };
    // Who waits no longer does not wait for what runs here either; the store has it all.
    if !(target.is_local() && outcome.as_ref().is_err_and(|failure| failure.code == WAIT_LIMIT)) {
        target.leave().await?;
    }
    let execution = outcome?;
    let id = text(&execution["id"]);
    let code = if waits {
        super::print_settled(&execution, console)
    } else {
        let short =
            json!({ "id": id, "flowName": execution["flowName"], "state": execution["state"] });
        console.document(&json!({ "execution": short }));
        ExitCode::SUCCESS
    };
    console.note(format!("Compare:   runcor compare {} {id}", args.id));
    Ok(code)
}

fn announce(execution: &Value, console: &Console) {
    console.note(format!("Forked:    {}", text(&execution["id"])));
    if let Some(at) = execution["fork"]["at"].as_str().filter(|at| !at.is_empty()) {
        console.note(format!("At:        {at}"));
    }
}
