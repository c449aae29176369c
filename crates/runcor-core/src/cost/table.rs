//! Rows of the ledger as cells of a table, and as lines of a CSV file.

use super::ledger::LedgerEntry;

/// The names of the cells that [`LedgerEntry::cells`] gives.
pub const LEDGER_COLUMNS: [&str; 16] = [
    "timestamp",
    "flow",
    "user",
    "tenant",
    "provider",
    "model",
    "outcome",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cost_dollars",
    "unpriced",
    "duration_ms",
    "execution",
    "id",
];

impl LedgerEntry {
    /// Returns the cells of a table, in the order of [`LEDGER_COLUMNS`]; what is absent is empty.
    ///
    /// The cost is exact, in dollars and without the sign of the currency.
    #[must_use]
    pub fn cells(&self) -> [String; LEDGER_COLUMNS.len()] {
        fn shown<T: ToString>(value: Option<&T>) -> String {
            value.map(T::to_string).unwrap_or_default()
        }
        let usage = &self.usage;
        [
            self.timestamp.to_string(),
            self.flow_name.to_string(),
            shown(self.user_id.as_ref()),
            shown(self.tenant_id.as_ref()),
            self.provider.clone(),
            self.model.clone(),
            self.outcome.as_str().to_owned(),
            usage.prompt_tokens.to_string(),
            usage.cached_tokens.to_string(),
            usage.completion_tokens.to_string(),
            usage.reasoning_tokens.to_string(),
            self.cost.to_string().replace('$', ""),
            self.unpriced.to_string(),
            self.duration.as_millis().to_string(),
            shown(self.execution_id.as_ref()),
            self.id.to_string(),
        ]
    }
}

/// Joins cells to a line of a CSV file, its end included (RFC 4180).
///
/// A cell that a spreadsheet would take for a formula gets an apostrophe: the
/// names in it come from whoever triggers executions.
#[must_use]
pub fn csv_line<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> String {
    let mut line = String::new();
    for cell in cells {
        if !line.is_empty() {
            line.push(',');
        }
        append(&mut line, cell.as_ref());
    }
    line.push_str("\r\n");
    line
}

fn append(line: &mut String, cell: &str) {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let is_number = cell.parse::<f64>().is_ok();
    let guard = if is_formula && !is_number { "'" } else { "" };
    if cell.contains([',', '"', '\n', '\r']) || cell.is_empty() {
        line.push('"');
        line.push_str(guard);
        line.push_str(&cell.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(guard);
        line.push_str(cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be_and_formulas_are_disarmed() {
        assert_eq!(csv_line(["a", "b c"]), "a,b c\r\n");
        assert_eq!(csv_line(["a,b", "say \"hi\""]), "\"a,b\",\"say \"\"hi\"\"\"\r\n");
        assert_eq!(csv_line(["=cmd()", "-1.5", "@x"]), "'=cmd(),-1.5,'@x\r\n");
        assert_eq!(csv_line(["", "x"]), "\"\",x\r\n");
    }
}
