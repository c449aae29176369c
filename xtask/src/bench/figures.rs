//! The lines that the end-to-end bench prints, one figure each.

use serde_json::Value;

/// One measured figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    /// The line as it was printed.
    pub(crate) json: Value,
}

impl Figure {
    /// Reads a line such as `{"figure":"…","value":…,"unit":"…","aim":…}`; other lines are none.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(line.trim()).ok()?;
        json.get("figure")?.as_str()?;
        json.get("value")?;
        Some(Self { json })
    }

    /// Returns one of its fields as text, a dash when there is none.
    pub(crate) fn field(&self, key: &str) -> String {
        match self.json.get(key) {
            None | Some(Value::Null) => "–".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => {
                number.as_f64().map_or_else(|| number.to_string(), readable)
            }
            Some(other) => other.to_string(),
        }
    }
}

/// Writes a number with as many decimals as say something.
pub(crate) fn readable(number: f64) -> String {
    let decimals = match number.abs() {
        size if size >= 100.0 || number.fract() == 0.0 => 0,
        size if size >= 1.0 => 2,
        _ => 4,
    };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_read_and_other_lines_are_passed_over() {
        let line = r#"{"figure":"durable/s","value":5120.7,"unit":"1/s","aim":5000}"#;
        let figure = Figure::parse(line).unwrap();
        assert_eq!(figure.field("figure"), "durable/s");
        assert_eq!((figure.field("value"), figure.field("aim")), ("5121".into(), "5000".into()));
        assert_eq!(figure.field("note"), "–");
        assert_eq!(Figure::parse("running 3 benches"), None);
        assert_eq!(Figure::parse(r#"{"other":1}"#), None);
    }

    #[test]
    fn numbers_keep_the_decimals_that_matter() {
        let texts = [0.0123, 1.5, 12.345, 1234.5, 7.0].map(readable);
        assert_eq!(texts, ["0.0123", "1.50", "12.35", "1234", "7"]);
    }
}
