//! The HTTP API of runcor: routes, server-sent events, authentication, limits
