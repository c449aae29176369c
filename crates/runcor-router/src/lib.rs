//! Model routing for runcor: strategies, fallback, retries, circuit breakers, structured output
