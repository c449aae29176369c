//! Rows of the ledger, accounts and reservations.

use runcor_core::{
    AccountId, AttemptId, AttemptOutcome, BudgetAccount, BudgetKey, BudgetScope, BudgetWindow,
    ExecutionId, FlowName, LedgerEntry, Money, StoreError, TenantId, Timestamp, Usage, UserId,
};
use rusqlite::Row;

use super::{Damage, Field, Fields, duration};
use crate::encode::{LedgerRow, Names};
use crate::error::damaged;

/// The columns of a whole row of the ledger with its group, in the order in which they are read.
pub(crate) const LEDGER_COLUMNS: &str = "ledger.number, id, at, user, tenant, flow, provider, \
     model, execution, path, prompt, completion, cached, reasoning, estimated, cost, \
     outcome, unpriced, duration";

/// The columns of an account, in the order in which they are read.
pub(crate) const ACCOUNT_COLUMNS: &str =
    "number, scope, tenant, subject, window, since, spent, reserved, topped_up, warned";

/// Reads an entry and its number from a row of [`LEDGER_COLUMNS`].
pub(crate) fn ledger(row: &Row<'_>) -> Result<(i64, LedgerEntry), StoreError> {
    let mut fields = Fields { row, next: 0 };
    let mut read = || Ok((fields.int("number")?, entry(ledger_row(&mut fields)?)?));
    read().map_err(|Damage(column)| {
        let number = row.get::<_, i64>(0).unwrap_or_default();
        damaged(&format!("row {number} of the ledger has no readable {column}"))
    })
}

fn ledger_row(fields: &mut Fields<'_>) -> Field<LedgerRow> {
    Ok(LedgerRow {
        id: fields.blob("id").map(AttemptId::from_bytes)?,
        at: fields.int("at")?,
        names: Names {
            user: fields.text("user")?.to_owned(),
            tenant: fields.text("tenant")?.to_owned(),
            flow: fields.text("flow")?.to_owned(),
            provider: fields.text("provider")?.to_owned(),
            model: fields.text("model")?.to_owned(),
        },
        execution: fields.optional_blob("execution")?.map(ExecutionId::from_bytes),
        path: fields.optional_text("path")?.map(str::to_owned),
        tokens: [
            fields.int("prompt")?,
            fields.int("completion")?,
            fields.int("cached")?,
            fields.int("reasoning")?,
        ],
        estimated: fields.truth("estimated")?,
        cost: fields.int("cost")?,
        outcome: fields.int("outcome")?,
        unpriced: fields.truth("unpriced")?,
        duration: fields.int("duration")?,
    })
}

/// Makes an entry of a row, if all of it means something.
fn entry(row: LedgerRow) -> Field<LedgerEntry> {
    let tokens = row.tokens.map(|tokens| u64::try_from(tokens).map_err(|_| Damage("tokens")));
    let [prompt, completion, cached, reasoning] = tokens;
    let outcome = usize::try_from(row.outcome).ok();
    let outcome = outcome.and_then(|code| AttemptOutcome::ALL.get(code));
    let Names { user, tenant, flow, provider, model } = row.names;
    Ok(LedgerEntry {
        id: row.id,
        timestamp: Timestamp::from_millis(row.at),
        execution_id: row.execution,
        path: row.path,
        flow_name: FlowName::new(flow).map_err(|_| Damage("flow"))?,
        user_id: named(&user, |user| UserId::new(user).map_err(|_| Damage("user")))?,
        tenant_id: named(&tenant, |of| TenantId::new(of).map_err(|_| Damage("tenant")))?,
        provider,
        model,
        usage: Usage {
            prompt_tokens: prompt?,
            completion_tokens: completion?,
            cached_tokens: cached?,
            reasoning_tokens: reasoning?,
            estimated: row.estimated,
        },
        cost: Money::from_nanos(row.cost),
        outcome: *outcome.ok_or(Damage("outcome"))?,
        unpriced: row.unpriced,
        duration: duration(row.duration),
    })
}

fn named<T>(name: &str, parse: impl FnOnce(&str) -> Field<T>) -> Field<Option<T>> {
    if name.is_empty() { Ok(None) } else { parse(name).map(Some) }
}

/// Reads the row that a reservation brings; `None` where it is damaged.
pub(crate) fn reserved(text: &str) -> Option<LedgerRow> {
    let row: LedgerRow = serde_json::from_str(text).ok()?;
    entry(row.clone()).ok().map(|_| row)
}

/// Reads an account from a row of [`ACCOUNT_COLUMNS`].
pub(crate) fn account(row: &Row<'_>) -> Result<(AccountId, BudgetAccount), StoreError> {
    let mut fields = Fields { row, next: 0 };
    account_fields(&mut fields).map_err(|Damage(column)| {
        let number = row.get::<_, i64>(0).unwrap_or_default();
        damaged(&format!("account {number} has no readable {column}"))
    })
}

fn account_fields(fields: &mut Fields<'_>) -> Field<(AccountId, BudgetAccount)> {
    fields.int("number")?;
    let scope = usize::try_from(fields.int("scope")?).ok();
    let scope = scope.and_then(|code| BudgetScope::ALL.get(code)).ok_or(Damage("scope"))?;
    let tenant = fields.text("tenant")?;
    let tenant = named(tenant, |of| TenantId::new(of).map_err(|_| Damage("tenant")))?;
    let key = BudgetKey { scope: *scope, tenant, subject: fields.text("subject")?.to_owned() };
    let window = BudgetWindow::parse(fields.text("window")?).ok_or(Damage("window"))?;
    let id = AccountId { key, window, since: fields.instant("since")? };
    let account = BudgetAccount {
        spent: fields.int("spent").map(Money::from_nanos)?,
        reserved: fields.int("reserved").map(Money::from_nanos)?,
        topped_up: fields.int("topped_up").map(Money::from_nanos)?,
        warned: fields.truth("warned")?,
    };
    Ok((id, account))
}
