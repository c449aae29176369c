//! Loading of runcor.yaml: interpolation, places of errors, JSON Schema
