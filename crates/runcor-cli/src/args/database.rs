//! Arguments of commands on a database file: verify, backup.

use std::path::PathBuf;

use clap::Args;

/// `runcor verify`
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The database file, which may be in use
    #[arg(value_name = "DB")]
    pub(crate) database: PathBuf,
}

/// `runcor backup`
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The database file, which may be in use
    #[arg(value_name = "DB")]
    pub(crate) database: PathBuf,
    /// The new file
    pub(crate) file: PathBuf,
}
