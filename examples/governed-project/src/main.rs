//! A budget, a guardrail, a tenant and a review list in one project.
//!
//! The folder is what `runcor dev` runs, and `docs/governance.md` walks through
//! it at the command line. This program plays the same story in Rust, and shows
//! where its parts are found: costs and budgets, policies, evaluators and flags.
//!
//! Run it, without a key and without any service:
//!
//! ```sh
//! cargo run -p governed-project
//! ```
#![expect(clippy::print_stdout, reason = "the example shows what happens")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use runcor::config::{LoadOptions, process_env};
use runcor::execution::{Execution, ExecutionId, ExecutionState};
use runcor::governance::{BudgetScope, Budgets, Caller, FlagQuery, FlagStatus, Quality, TopUp};
use runcor::model::Money;
use runcor::{Project, Runcor, Runtime, Trigger};
use serde_json::json;

type Failure = Box<dyn Error>;

/// Starts the project of this folder with a database in `data`.
async fn start(data: &Path) -> Result<Runcor, Failure> {
    let variables = |name: &str| match name {
        "DATA_DIR" => Some(data.display().to_string()),
        other => process_env(other),
    };
    let project = Project::load(&LoadOptions::new(env!("CARGO_MANIFEST_DIR"), &variables))?;
    let runcor = project.start().await?;
    for flow in project.read_flows()?.flows {
        runcor.register(flow)?;
    }
    Ok(runcor)
}

/// Triggers the flow `support` and returns its execution once it has ended or waits.
async fn ask(runcor: &Runcor, key: &str, question: &str) -> Result<Execution, Failure> {
    let trigger = Trigger::new(key, json!(question)).with_user("ann");
    let accepted = runcor.trigger("support", trigger).await?;
    settled(runcor, accepted.execution.id(), |state| {
        state.is_terminal() || state == ExecutionState::Waiting
    })
    .await
}

/// Looks until the execution stands as it should.
async fn settled(
    runcor: &Runcor,
    id: ExecutionId,
    wanted: impl Fn(ExecutionState) -> bool,
) -> Result<Execution, Failure> {
    loop {
        let found = runcor.execution(id).await?;
        if wanted(found.state()) {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A card number reaches no model, and stands in no result.
async fn a_card_number_stays_here(runcor: &Runcor) -> Result<(), Failure> {
    let question = "Where is the money for my card 4111 1111 1111 1111?";
    let answered = ask(runcor, "card", question).await?;
    let result = answered.status.result.unwrap_or_default().to_string();
    println!("the guardrail\n  asked:    {question}\n  answered: {result}");
    match result.contains("[card]") && !result.contains("4111") {
        true => Ok(()),
        false => Err("the card number got through".into()),
    }
}

/// Asks until the budget pauses an execution, and tops the budget up.
async fn a_budget_is_met(runcor: &Runcor) -> Result<(), Failure> {
    println!("\nthe budget");
    let mut number = 0;
    let waiting = loop {
        number += 1;
        let one = ask(runcor, &format!("weather-{number}"), "What is the weather like?").await?;
        println!("  call {number} is {}", one.state());
        if one.state() == ExecutionState::Waiting {
            break one;
        }
    };
    if let Some(wait) = &waiting.status.wait {
        println!("  it waits: {}", wait.reason.as_deref().unwrap_or("for money"));
    }
    let keeper = runcor.costs().ok_or("costs are counted in every project")?;
    let five_cents = TopUp {
        scope: BudgetScope::Global,
        subject: String::new(),
        tenant: None,
        amount: Money::from_dollars(0.05),
    };
    keeper.top_up(&Caller::default(), &five_cents).await?;
    // Else it would notice by itself, within five minutes.
    runcor.wake_budget_waits().await?;
    let ended = settled(runcor, waiting.id(), ExecutionState::is_terminal).await?;
    println!("  after a top-up it is {}", ended.state());
    for budget in keeper.budgets(&Caller::default()).await? {
        println!("  {} of {} are spent", budget.state.spent, budget.limit.limit);
    }
    Ok(())
}

/// The tenant has one flow, and not the other.
async fn a_tenant_is_bound(runcor: &Runcor) -> Result<(), Failure> {
    let wish = Trigger::new("refund", json!("all of it")).with_tenant("acme");
    match runcor.trigger("refund", wish).await {
        Err(refused) => println!("\nthe tenant\n  {refused} ({})", refused.code()),
        Ok(_) => return Err("the tenant got a flow that it does not have".into()),
    }
    Ok(())
}

/// An answer that is too short waits for somebody to look at it.
async fn doubtful_answers_wait(runcor: &Runcor) -> Result<(), Failure> {
    ask(runcor, "short", "Hi").await?;
    let evaluators = runcor.evaluators().ok_or("the project has evaluators")?;
    let nobody = Caller::default();
    let pending = FlagQuery { status: Some(FlagStatus::Pending), ..FlagQuery::default() };
    // Evaluators work after the execution has ended.
    let flag = loop {
        if let Some(flag) = evaluators.flags(&nobody, &pending).await?.items.pop() {
            break flag;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    println!("\nthe review list\n  {}: {}", flag.status.as_str(), flag.reason);
    for next in [FlagStatus::Reviewed, FlagStatus::Resolved] {
        let moved = evaluators.update_flag(&nobody, flag.execution_id, next).await?;
        println!("  somebody has looked: {}", moved.status.as_str());
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let data = tempfile::tempdir()?;
    let runcor = start(data.path()).await?;
    a_card_number_stays_here(&runcor).await?;
    a_budget_is_met(&runcor).await?;
    a_tenant_is_bound(&runcor).await?;
    doubtful_answers_wait(&runcor).await?;
    runcor.shutdown().await?;
    Ok(())
}
