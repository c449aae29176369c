//! Fakes and conformance suites for runcor and for applications built on it
