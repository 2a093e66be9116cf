//! Schema versions.

use super::Scratch;
use crate::store::sqlite::OpenError;
use crate::store::sqlite::schema::newest_version;
use crate::store::{SqliteStore, Store};

#[tokio::test]
async fn a_new_database_has_the_newest_version_and_opens_again() {
    let scratch = Scratch::new();
    scratch.open_store().close().await;
    let version: i64 = scratch
        .sql()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, newest_version());
    scratch.open_store().close().await;
}

#[tokio::test]
async fn a_database_of_a_newer_server_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    scratch.open_store().close().await;
    scratch
        .sql()
        .pragma_update(None, "user_version", newest_version() + 1)
        .unwrap();
    let error = SqliteStore::open(&scratch.options(), &scratch.source()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
    let version: i64 = scratch
        .sql()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, newest_version() + 1);
}

#[tokio::test]
async fn a_file_of_another_program_is_refused() {
    let scratch = Scratch::new();
    scratch
        .sql()
        .execute_batch("CREATE TABLE recipes (name TEXT); PRAGMA user_version = 1;")
        .unwrap();
    let error = SqliteStore::open(&scratch.options(), &scratch.source()).unwrap_err();
    assert!(matches!(error, OpenError::Foreign(_)), "{error}");
    std::fs::write(
        scratch.path(),
        "this is no database at all, it is just some text".repeat(100),
    )
    .unwrap();
    let error = SqliteStore::open(&scratch.options(), &scratch.source()).unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase(_)), "{error}");
}
