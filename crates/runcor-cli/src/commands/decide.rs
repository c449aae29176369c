//! `runcor decide`: tell whether a step has happened, where a crash left that open.

use std::path::Path;
use std::process::ExitCode;

use runcor::execution::Decision;

use crate::args::{Answer, Decide};
use crate::console::Console;
use crate::failure::Failure;
use crate::target::Target;

pub(crate) async fn run(
    args: Decide,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let decision = decision(&args)?;
    let target = Target::find(&args.connect, config, true, console).await?;
    let outcome = match target.decide(&args.id, decision).await {
        Ok(execution) => {
            console.note(format!("Decided:   {}", args.id));
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

fn decision(args: &Decide) -> Result<Decision, Failure> {
    let result =
        args.result.as_deref().map(|text| super::read_json(text, "--result")).transpose()?;
    let usage = |message: &str| Err(Failure::new("USAGE", message));
    match (args.answer, result, args.reason.clone()) {
        (Answer::Happened, Some(result), None) => Ok(Decision::Happened { result }),
        (Answer::Happened, None, _) => usage("happened needs --result"),
        (Answer::DidNotHappen, None, None) => Ok(Decision::DidNotHappen),
        (Answer::GiveUp, None, reason) => Ok(Decision::GiveUp { reason }),
        (_, _, Some(_)) => usage("--reason belongs to give-up alone"),
        (_, Some(_), _) => usage("--result belongs to happened alone"),
    }
}
