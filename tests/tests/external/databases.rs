//! The same users, friendships and rooms in a real database of each kind.

use tim_protocol::wire::TimAuth;
use tim_tests::chat::{message, words};
use tim_tests::people::{ask, operation};
use tim_tests::rooms::{room_message, room_operation};
use tim_tests::{Encoding, ErrorCode, Options, PacketType, Server, in_both_encodings};

use crate::engines::{Database, Engine};
use crate::people::{auth, login, quoted, refused_login};

/// What every kind of database understands.
const SCHEMA: &[&str] = &[
    "CREATE TABLE users (id VARCHAR(64) PRIMARY KEY, name VARCHAR(64), password VARCHAR(64))",
    "CREATE TABLE friends (a VARCHAR(64), b VARCHAR(64))",
    "CREATE TABLE rooms (id VARCHAR(64) PRIMARY KEY)",
    "CREATE TABLE members (room VARCHAR(64), usr VARCHAR(64))",
    "INSERT INTO users VALUES ('1001', 'ann', 'pw'), ('ben', 'ben', 'pw'), ('cat', '测试', 'pw')",
    "INSERT INTO friends VALUES ('1001', 'ben'), ('ben', '1001')",
    "INSERT INTO rooms VALUES ('club')",
    "INSERT INTO members VALUES ('club', '1001'), ('club', 'ben')",
];

const STATEMENTS: &[(&str, &str)] = &[
    (
        "external.login_sql",
        "SELECT id FROM users WHERE name = ? AND password = ? -- is this right?",
    ),
    ("external.user_exists_sql", "SELECT 1 FROM users WHERE id = ?"),
    (
        "external.user_permission_sql",
        "SELECT 1 FROM friends WHERE a = ?1 AND b = ?2",
    ),
    ("external.room_exists_sql", "SELECT 1 FROM rooms WHERE id = ?"),
    (
        "external.room_permission_sql",
        "SELECT 1 FROM members WHERE room = ? AND usr = ?",
    ),
    ("external.friends_sql", "SELECT b FROM friends WHERE a = ?"),
    (
        "external.user_rooms_sql",
        "SELECT room FROM members WHERE usr = ?",
    ),
    (
        "external.room_members_sql",
        "SELECT usr FROM members WHERE room = ? ORDER BY usr",
    ),
];

fn options(database: &Database) -> Options {
    let mut options = Server::options()
        .set("external.database_url", &quoted(&database.url()))
        .set("external.remember_answers", "\"0s\"")
        .set("external.timeout", "\"2s\"");
    for (key, sql) in STATEMENTS {
        options = options.set(key, &quoted(sql));
    }
    options
}

async fn everything_is_asked_of_the_database(engine: Engine, encoding: Encoding) {
    let Some(database) = Database::start(engine) else {
        return;
    };
    database.run(SCHEMA);
    let server = options(&database).start();
    let mut ann = login(&server, encoding, "ann", "pw").await;
    assert_eq!(ann.node, "1001");
    let mut ben = login(&server, encoding, "ben", "pw").await;
    let mut cat = login(&server, encoding, "测试", "pw").await;
    assert_eq!(cat.node, "cat");
    for (name, password) in [
        ("ann", "wrong"),
        ("dan", "pw"),
        ("' OR '1'='1", "' OR '1'='1"),
        ("ann'; DROP TABLE users; --", "pw"),
        ("ann\\", "\\' OR 1=1 -- "),
    ] {
        refused_login(&server, &auth(name, password, "phone"), ErrorCode::PermDenied).await;
    }

    // Users.
    ann.chat("ben", "hello").await;
    assert_eq!(words(&ben.delivery().await), "hello");
    ann.refused_message(&message("cat", "may I?"), ErrorCode::PermDenied)
        .await;
    ann.refused_message(&message("nobody", "anyone?"), ErrorCode::Account)
        .await;
    assert_eq!(ann.list(operation::ROSTER).await, ["ben"]);

    // Rooms: one stored message, delivered to those the database has as members.
    ann.say_in_room("club", "to the club").await;
    assert_eq!(words(&ben.delivery().await), "to the club");
    cat.refused_message(&room_message("club", "let me in"), ErrorCode::PermDenied)
        .await;
    cat.refused_message(&room_message("nowhere", "let me in"), ErrorCode::Account)
        .await;
    cat.expect_silence().await;

    // What the database says changes; the server follows.
    database.run(&[
        "DELETE FROM members WHERE usr = 'ben'",
        "INSERT INTO members VALUES ('club', 'cat')",
    ]);
    ben.refused_message(&room_message("club", "still here?"), ErrorCode::PermDenied)
        .await;
    cat.say_in_room("club", "now me").await;
    assert_eq!(words(&ann.delivery().await), "now me");
    ben.expect_silence().await;

    // Nothing of this is managed here.
    let new = TimAuth {
        name: Some("eve".to_owned()),
        pwd: Some("pw".to_owned()),
        ..TimAuth::default()
    };
    let refused = ask(&server, PacketType::Register, &new, encoding).await;
    assert_eq!(refused.error_code(), Some(ErrorCode::Interface));
    ann.refused(operation::ADD, Some("cat"), Some("hi"), ErrorCode::Interface)
        .await;
    ann.room_request(room_operation::JOIN, "club", None, Some("hi"))
        .await;
    let refused = ann.take(PacketType::Ack).await.ack();
    assert_eq!(refused.error_code(), Some(ErrorCode::Interface));
}

async fn a_database_that_is_down_refuses_logins_and_leaves_others_alone(engine: Engine) {
    let Some(database) = Database::start(engine) else {
        return;
    };
    database.run(SCHEMA);
    let server = options(&database).start();
    let mut ann = login(&server, Encoding::Compact, "ann", "pw").await;
    drop(database);
    let ben = auth("ben", "pw", "phone");
    tim_tests::within("a refusal", refused_login(&server, &ben, ErrorCode::Database)).await;
    ann.refused_message(&message("ben", "x"), ErrorCode::Database)
        .await;
    ann.expect_silence().await;
}

#[tokio::test]
async fn a_postgres_that_is_down_refuses_logins_and_leaves_others_alone() {
    a_database_that_is_down_refuses_logins_and_leaves_others_alone(Engine::Postgres).await;
}

#[tokio::test]
async fn a_mariadb_that_is_down_refuses_logins_and_leaves_others_alone() {
    a_database_that_is_down_refuses_logins_and_leaves_others_alone(Engine::MariaDb).await;
}

/// Expands to the tests of one kind of database.
macro_rules! engine {
    ($module:ident, $engine:expr) => {
        mod $module {
            use super::*;

            async fn everything_is_asked_of_the_database(encoding: Encoding) {
                super::everything_is_asked_of_the_database($engine, encoding).await;
            }

            in_both_encodings!(everything_is_asked_of_the_database);
        }
    };
}

engine!(sqlite, Engine::Sqlite);
engine!(postgres, Engine::Postgres);
engine!(mariadb, Engine::MariaDb);
