//! `runcor approve` and `runcor reject`: show exactly what is asked, then answer it.

use std::path::Path;
use std::process::ExitCode;

use runcor::execution::Decision;
use serde_json::Value;

use crate::args::Approval;
use crate::console::{Console, Paint, harmless};
use crate::failure::Failure;
use crate::summary::text;
use crate::target::Target;
use crate::waiting::{self, Kind};

pub(crate) async fn run(
    args: Approval,
    approves: bool,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connect, config, true, console).await?;
    let answered = answer(&target, &args, approves, console).await;
    let outcome = match answered {
        Ok(Some(execution)) if args.no_wait && !target.is_local() => Ok(Some(execution)),
        Ok(Some(execution)) => target.settled(execution, None).await.map(Some),
        other => other,
    };
    target.leave().await?;
    match outcome? {
        Some(execution) => Ok(super::print_settled(&execution, console)),
        None => {
            console.line("Nothing was decided.");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Shows, asks and answers; `None` when the person does not mean it.
async fn answer(
    target: &Target,
    args: &Approval,
    approves: bool,
    console: &Console,
) -> Result<Option<Value>, Failure> {
    let execution = target.get(&args.id).await?;
    check(&execution)?;
    if !console.json {
        show(&execution, console);
    }
    let verb = if approves { "Approve" } else { "Reject" };
    if !args.yes && !is_meant(verb, console)? {
        return Ok(None);
    }
    let shown = &execution["waitContext"]["waitData"]["approval"]["token"];
    let token = args.approval_token.clone().unwrap_or_else(|| text(shown).to_owned());
    let (by, note) = (args.by.clone(), args.note.clone());
    let decision = if approves {
        Decision::Approve { token, by, note }
    } else {
        Decision::Reject { token, by, note }
    };
    let execution = target.decide(&args.id, decision).await?;
    let word = if approves { "Approved:  " } else { "Rejected:  " };
    console.note(format!("{word}{}", args.id));
    Ok(Some(execution))
}

fn check(execution: &Value) -> Result<(), Failure> {
    let id = text(&execution["id"]);
    let message = match waiting::kind(execution) {
        Some(Kind::Approval) => return Ok(()),
        Some(_) => format!(
            "execution {id} waits for something else than an approval: {}",
            waiting::brief(execution)
        ),
        None => format!("execution {id} is {} and asks for nothing", text(&execution["state"])),
    };
    Err(Failure::new("INVALID_STATE", message))
}

fn show(execution: &Value, console: &Console) {
    console.line(format!("Execution: {}", text(&execution["id"])));
    let flow = harmless(text(&execution["flowName"]));
    console.line(format!("Flow:      {}", console.paint(Paint::Bold, &flow)));
    waiting::print_approval(console, &execution["waitContext"]);
}

fn is_meant(verb: &str, console: &Console) -> Result<bool, Failure> {
    if console.can_ask() {
        return Ok(console.ask(&format!("{verb} exactly this?"))?);
    }
    let message = "there is no terminal to ask on; pass --yes to decide without being asked";
    Err(Failure::new("USAGE", message))
}
