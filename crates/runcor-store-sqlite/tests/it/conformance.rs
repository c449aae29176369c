//! What every store owes, on real files.

use runcor_store_sqlite::{SqliteConfig, SqliteStore};
use runcor_testkit::StoreFixture;

async fn fixture() -> StoreFixture {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runcor.db");
    let open = move || {
        let path = path.clone();
        async move { SqliteStore::open(path, SqliteConfig::default()).unwrap() }
    };
    StoreFixture::open(open).await.with_guard(dir)
}

runcor_testkit::store_suite!(fixture());
