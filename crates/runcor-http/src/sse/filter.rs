//! Which events a client wants.

use runcor_core::{Event, ExecutionId};

/// The categories and the execution that a client asked for.
pub(crate) struct Filter {
    /// Wanted categories; none is all. Unknown ones are kept: they match nothing.
    categories: Vec<String>,
    execution: Wanted,
}

enum Wanted {
    All,
    Only(ExecutionId),
    /// The client asked for something that is no id.
    Nothing,
}

impl Filter {
    pub(crate) fn new(types: Option<&str>, execution: Option<&str>) -> Self {
        let words = types.unwrap_or_default().split(',').map(str::trim);
        Self {
            categories: words.filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            execution: match execution.map(str::parse) {
                None => Wanted::All,
                Some(Ok(id)) => Wanted::Only(id),
                Some(Err(_)) => Wanted::Nothing,
            },
        }
    }

    pub(crate) fn passes(&self, event: &Event) -> bool {
        let category = event.category().as_str();
        let wanted = match &self.execution {
            Wanted::All => true,
            Wanted::Only(id) => event.execution_id() == Some(*id),
            Wanted::Nothing => false,
        };
        wanted && (self.categories.is_empty() || self.categories.iter().any(|one| one == category))
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::{ExecutionState, ExecutionStateChange, FlowChange, FlowName, Timestamp};

    use super::*;

    #[test]
    fn categories_and_execution_must_both_match() {
        let at = Timestamp::from_millis(1);
        let (mine, other) = (ExecutionId::mint(at), ExecutionId::mint(at));
        let change = |execution_id| {
            Event::ExecutionStateChange(ExecutionStateChange {
                execution_id,
                from: ExecutionState::Queued,
                to: ExecutionState::Running,
                timestamp: at,
                tenant_id: None,
                flow_name: None,
            })
        };
        let flow = Event::FlowRegistered(FlowChange { name: FlowName::new("f").unwrap() });
        let passing = |types, execution: Option<&str>| {
            let filter = Filter::new(types, execution);
            [change(mine), change(other), flow.clone(), Event::Ready].map(|e| filter.passes(&e))
        };
        assert_eq!(passing(None, None), [true; 4]);
        assert_eq!(passing(Some("execution"), None), [true, true, false, false]);
        assert_eq!(passing(Some(" flow , engine"), None), [false, false, true, true]);
        assert_eq!(passing(Some("cost"), None), [false; 4]);
        assert_eq!(passing(None, Some(&mine.to_string())), [true, false, false, false]);
        assert_eq!(passing(Some("flow"), Some(&mine.to_string())), [false; 4]);
        assert_eq!(passing(None, Some("nonsense")), [false; 4]);
    }
}
