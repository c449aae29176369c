//! `runcor costs`: what model calls have cost.

mod report;

use std::path::Path;
use std::process::ExitCode;

use reqwest::Method;
use serde_json::Value;

use crate::args::Costs;
use crate::console::Console;
use crate::failure::Failure;
use crate::remote::Remote;
use crate::target::Target;

type Query = Vec<(&'static str, String)>;

pub(crate) async fn run(
    args: Costs,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    // Whose costs are wanted is a filter here: who asks is an operator.
    let target = Target::find(&args.connect.as_operator(), config, false, console).await?;
    let found = match target.api().await {
        Ok(api) => read(api, &args).await,
        Err(failure) => Err(failure),
    };
    target.leave().await?;
    let found = found?;
    if console.json {
        console.value(&found);
    } else if args.entries {
        report::print_entries(console, &found);
    } else if args.by.is_some() {
        report::print_totals(console, &found);
    } else {
        report::print_summary(console, &found);
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(api: &Remote, args: &Costs) -> Result<Value, Failure> {
    let mut query = filter(args);
    if args.entries {
        query.push(("order", "desc".to_owned()));
        return api.pages("/cost/entries", "entries", &query, args.limit).await;
    }
    match args.by {
        Some(by) => {
            query.push(("by", by.as_str().to_owned()));
            api.call(Method::GET, "/cost/totals", &query, None).await
        }
        None => api.call(Method::GET, "/cost/summary", &query, None).await,
    }
}

fn filter(args: &Costs) -> Query {
    let given = [
        ("startTime", &args.since),
        ("endTime", &args.until),
        ("flowName", &args.flow),
        ("executionId", &args.execution),
        ("userId", &args.connect.user),
        ("tenantId", &args.connect.tenant),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}
