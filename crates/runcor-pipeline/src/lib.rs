//! Flows as data for runcor: YAML steps, JSONPath mapping, conditions, webhooks
