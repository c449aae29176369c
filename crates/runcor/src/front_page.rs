//! The front page of the repository, whose example has to run.

/// Holds the page for the tests of documentation.
#[doc = include_str!("../../../README.md")]
struct FrontPage;
