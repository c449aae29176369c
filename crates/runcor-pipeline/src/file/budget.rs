//! What a flow may spend: a number of dollars, or a map.

use runcor_core::{BudgetLimit, BudgetWindow, Enforcement, Money, OnExceed};

use super::duration;
use super::keys::{BUDGET, ENFORCEMENT, MOST_DOLLARS, ON_EXCEED, WINDOWS};
use super::nearest::nearest;
use super::object::{Keys, Object};
use super::report::Report;
use super::yaml::{Node, Yaml};

/// Reads the budget of a flow, if it has one.
pub(crate) fn read_budget(flow: &Object<'_>, report: &mut Report) -> Option<BudgetLimit> {
    let node = flow.get("budget")?;
    let place = flow.place("budget");
    match &node.value {
        Yaml::Number(number) => {
            let dollars = number.as_f64().filter(|dollars| (0.0..=MOST_DOLLARS).contains(dollars));
            if dollars.is_none() {
                report.add(node.at, &place, format!("must be 0 to {MOST_DOLLARS} dollars"));
            }
            dollars.map(|dollars| BudgetLimit::hard(Money::from_dollars(dollars)))
        }
        Yaml::Map(_) => read_map(node, &place, report),
        _ => {
            report.expected("a number of dollars, or a map with the key limit", node, &place);
            None
        }
    }
}

fn read_map(node: &Node, place: &str, report: &mut Report) -> Option<BudgetLimit> {
    let keys = Keys { known: &[BUDGET], later: &[], strict: true };
    let object = Object::read(node, place, keys, report)?;
    object.require(&[BUDGET], report);
    let limit = object.decimal("limit", report);
    let enforcement = match object.word("enforcement", ENFORCEMENT, report) {
        Some("soft") => Enforcement::Soft,
        Some("disabled") => Enforcement::Disabled,
        _ => Enforcement::Hard,
    };
    let on_exceed = match object.word("on_exceed", ON_EXCEED, report) {
        Some("pause") => OnExceed::Pause,
        _ => OnExceed::Fail,
    };
    let window = read_window(&object, report).unwrap_or(BudgetWindow::Daily);
    Some(BudgetLimit { limit: Money::from_dollars(limit?), enforcement, window, on_exceed })
}

fn read_window(object: &Object<'_>, report: &mut Report) -> Option<BudgetWindow> {
    let node = object.get("window")?;
    let text = match &node.value {
        Yaml::Text(text) => text.as_str(),
        // It is no window, as the message says.
        _ => "",
    };
    let window = match text {
        "hourly" => Some(BudgetWindow::Hourly),
        "daily" => Some(BudgetWindow::Daily),
        "monthly" => Some(BudgetWindow::Monthly),
        "none" => Some(BudgetWindow::None),
        text => {
            duration::parse(text).ok().filter(|length| !length.is_zero()).map(BudgetWindow::Custom)
        }
    };
    if window.is_none() {
        let hint = nearest(text, WINDOWS.iter().copied())
            .map_or_else(String::new, |word| format!("; did you mean {word:?}?"));
        let words = WINDOWS.join(", ");
        let message = format!("must be one of {words}, or a duration such as 90m{hint}");
        report.add(node.at, &object.place("window"), message);
    }
    window
}
