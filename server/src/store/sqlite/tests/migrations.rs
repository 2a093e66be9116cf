//! Schema versions.

use super::Scratch;
use crate::store::conformance::{account_id, conversation, room_id};
use crate::store::sqlite::OpenError;
use crate::store::sqlite::schema::{MIGRATIONS, newest_version};
use crate::store::{Append, NewAccount, NewRoom, RoomKind, Seq, SqliteStore, Store, Timestamp, UpperBound};

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

/// Names and definitions of everything in a database.
fn schema(sql: &rusqlite::Connection) -> Vec<(String, Option<String>)> {
    let mut select = sql
        .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .unwrap();
    let rows = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn a_database_of_version_1_with_data_is_brought_up_to_date() {
    let scratch = Scratch::new();
    let store = scratch.open_store();
    let ann = account_id("ann");
    let account = NewAccount {
        id: ann.clone(),
        domain: String::new(),
        password_hash: "hash".to_owned(),
        created: Timestamp(1),
    };
    store.create_account(account).await.unwrap();
    let message = |text: &'static str| Append {
        conversation: conversation(1),
        sender: ann.clone(),
        client_id: Some(7),
        timestamp: Timestamp(1),
        body: text.into(),
        inboxes: vec![account_id("ben")],
        file: None,
    };
    store.append(vec![message("old")]).await.unwrap();
    store.close().await;
    drop(store);
    // What later versions added is taken away again.
    let sql = scratch.sql();
    for table in [
        "profile",
        "room",
        "membership",
        "room_member",
        "room_position",
        "log_notice",
        "web_session",
        "admin_record",
        "audit",
        "file",
    ] {
        sql.execute_batch(&format!("DROP TABLE {table}")).unwrap();
    }
    sql.execute_batch("DROP INDEX account_domain").unwrap();
    sql.execute_batch("DROP INDEX account_id; DROP INDEX account_created")
        .unwrap();
    sql.pragma_update(None, "user_version", 1).unwrap();
    let first = rusqlite::Connection::open_in_memory().unwrap();
    first.execute_batch(MIGRATIONS[0]).unwrap();
    assert_eq!(schema(&sql), schema(&first), "it is one of version 1");
    drop(sql);

    let store = scratch.open_store();
    assert_eq!(store.account(&ann).await.unwrap().unwrap().password_hash, "hash");
    let history = store
        .history(&conversation(1), UpperBound::Newest, 10, usize::MAX)
        .await
        .unwrap();
    assert_eq!(history[0].body, "old");
    let log = store
        .read_log(&conversation(1), Seq(0), 10, usize::MAX)
        .await
        .unwrap();
    assert_eq!((log[0].seq, log[0].client_id), (Seq(1), Some(7)));
    let room = NewRoom {
        id: room_id(1),
        conversation: conversation(1),
        domain: String::new(),
        kind: RoomKind::Open,
        founder: ann.clone(),
        created: Timestamp(2),
        profile: "topic".into(),
    };
    assert!(store.create_room(room).await.unwrap());
    assert!(store.set_user_profile(&ann, "profile".into()).await.unwrap());
    store.close().await;
    let found: i64 = scratch
        .sql()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(found, newest_version());
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_database_as_it_was() {
    let scratch = Scratch::new();
    scratch.open_store().close().await;
    let sql = scratch.sql();
    for table in [
        "file",
        "profile",
        "room",
        "membership",
        "room_member",
        "room_position",
    ] {
        sql.execute_batch(&format!("DROP TABLE {table}")).unwrap();
    }
    // The last table is in the way of the migration.
    sql.pragma_update(None, "user_version", 1).unwrap();
    let before = schema(&sql);
    drop(sql);
    assert!(SqliteStore::open(&scratch.options(), &scratch.source()).is_err());
    let sql = scratch.sql();
    assert_eq!(schema(&sql), before);
    let found: i64 = sql
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(found, 1);
}
