//! An AI runtime engine: durable executions, model routing, flows in Rust or YAML
