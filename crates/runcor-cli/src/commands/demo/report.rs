//! The demo's results as a table, or as JSON.

use std::time::Duration;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use runcor::execution::Execution;
use runcor::model::Money;
use runcor::pipeline::StepUsage;
use runcor::router::ProviderInfo;
use serde_json::{Value, json};

use crate::console::{Console, harmless};

/// The width of the table where the terminal's is not known.
const USUAL_WIDTH: u16 = 110;

/// Between these a table can be read.
const NARROWEST: u16 = 72;
const WIDEST: u16 = 160;

/// How much of a result the table shows, in characters.
const EXCERPT: usize = 160;

/// What became of one document.
pub(crate) struct Row {
    pub(crate) document: String,
    pub(crate) execution: String,
    pub(crate) state: String,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// `None` when the price of a model that was used is not known.
    pub(crate) cost: Option<Money>,
    pub(crate) millis: u128,
    pub(crate) result: Value,
}

/// What became of all documents.
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) took: Duration,
    pub(crate) model: String,
    pub(crate) address: Option<String>,
}

impl Row {
    pub(crate) fn new(
        document: String,
        execution: &Execution,
        steps: &[StepUsage],
        prices: &[ProviderInfo],
    ) -> Self {
        let status = &execution.status;
        let millis = match (status.started, status.completed) {
            (Some(started), Some(completed)) => completed.since(started).as_millis(),
            _ => 0,
        };
        let result = match (&status.result, &status.error) {
            (Some(result), _) => result.as_ref().clone(),
            (None, Some(error)) => json!(error.message),
            (None, None) => Value::Null,
        };
        Self {
            document,
            execution: execution.id().to_string(),
            state: execution.state().to_string(),
            input_tokens: steps.iter().map(|step| step.usage.prompt_tokens).sum(),
            output_tokens: steps.iter().map(|step| step.usage.completion_tokens).sum(),
            cost: steps.iter().map(|step| cost(step, prices)).sum(),
            millis,
            result,
        }
    }

    /// Returns the heart of the result as one line.
    fn excerpt(&self) -> String {
        let text = self.result["text"].as_str().or_else(|| self.result.as_str());
        let text = text.map_or_else(|| self.result.to_string(), str::to_owned);
        let line = harmless(&text).split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= EXCERPT {
            return line;
        }
        format!("{}…", line.chars().take(EXCERPT - 1).collect::<String>())
    }
}

/// Returns what a step cost; the mock is free, and what has no price is not known.
fn cost(step: &StepUsage, prices: &[ProviderInfo]) -> Option<Money> {
    let provider = prices.iter().find(|provider| provider.name == step.provider)?;
    match provider.price {
        Some(price) => Some(price.cost(&step.usage)),
        None => (step.provider == "mock").then_some(Money::ZERO),
    }
}

impl Report {
    pub(crate) fn print(&self, console: &Console) {
        if console.json {
            console.value(&self.to_json());
            return;
        }
        console.line(self.table(console).to_string());
        let cost = self.cost().map_or_else(
            || "cost not known: the model has no price in runcor.yaml".to_owned(),
            |cost| cost.to_string(),
        );
        console.line(format!(
            "{} in {:.1} s, {} tokens in and {} out, {cost}",
            match self.rows.len() {
                1 => "1 document".to_owned(),
                count => format!("{count} documents"),
            },
            self.took.as_secs_f64(),
            self.input_tokens(),
            self.output_tokens(),
        ));
    }

    /// Returns how many documents did not get to their end.
    pub(crate) fn failed(&self) -> usize {
        self.rows.iter().filter(|row| row.state != "complete").count()
    }

    fn input_tokens(&self) -> u64 {
        self.rows.iter().map(|row| row.input_tokens).sum()
    }

    fn output_tokens(&self) -> u64 {
        self.rows.iter().map(|row| row.output_tokens).sum()
    }

    fn cost(&self) -> Option<Money> {
        self.rows.iter().map(|row| row.cost).sum()
    }

    fn table(&self, console: &Console) -> Table {
        let width = console.width().unwrap_or(USUAL_WIDTH).clamp(NARROWEST, WIDEST);
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_BORDERS_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
        table.set_header(["DOCUMENT", "STATE", "TOKENS IN", "OUT", "COST", "MS", "RESULT"]);
        let number = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        for row in &self.rows {
            table.add_row([
                Cell::new(&row.document),
                // Not painted: the escape codes would count as width.
                Cell::new(&row.state),
                number(row.input_tokens.to_string()),
                number(row.output_tokens.to_string()),
                number(row.cost.map_or_else(|| "?".to_owned(), |cost| cost.to_string())),
                number(row.millis.to_string()),
                Cell::new(row.excerpt()),
            ]);
        }
        table
    }

    fn to_json(&self) -> Value {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "document": row.document, "executionId": row.execution, "state": row.state,
                    "promptTokens": row.input_tokens, "completionTokens": row.output_tokens,
                    "cost": row.cost.map(Money::as_dollars), "durationMs": row.millis, "result": row.result,
                })
            })
            .collect();
        json!({
            "model": self.model, "url": self.address, "documents": rows,
            "totals": {
                "documents": self.rows.len(), "durationMs": self.took.as_millis(),
                "promptTokens": self.input_tokens(), "completionTokens": self.output_tokens(),
                "cost": self.cost().map(Money::as_dollars),
                "failed": self.failed(),
            },
        })
    }
}
