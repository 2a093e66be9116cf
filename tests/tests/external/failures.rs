//! Databases that answer late, too much, or something that is no answer: who asked is refused with 5103 in
//! time, and nobody else notices. Also what becomes of texts that a column cannot hold.

use std::io::Read as _;
use std::net::TcpListener;

use tim_tests::chat::{message, words};
use tim_tests::people::{ask, operation};
use tim_tests::rooms::room_message;
use tim_tests::{Encoding, ErrorCode, Options, PacketType, Server, within};

use crate::engines::{Database, Engine};
use crate::people::{auth, login, quoted, refused_login};

const NUMBERS: &[&str] = &[
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(64), password VARCHAR(64))",
    "CREATE TABLE friends (a INTEGER, b INTEGER)",
    "INSERT INTO users VALUES (1, 'ann', 'pw'), (2, 'ben', 'pw'), (3, 'cat', 'pw')",
    "INSERT INTO friends VALUES (1, 2), (2, 1)",
];

fn on(database: &Database, statements: &[(&str, &str)]) -> Options {
    let mut options = Server::options()
        .set("external.database_url", &quoted(&database.url()))
        .set("external.remember_answers", "\"0s\"")
        .set("external.timeout", "\"1s\"")
        .set(
            "external.login_sql",
            "\"SELECT id FROM users WHERE name = ? AND password = ?\"",
        );
    for (key, sql) in statements {
        options = options.set(&format!("external.{key}"), &quoted(sql));
    }
    options
}

/// Numbers as ids: a text that is no number is nobody's id, not a failure of the database.
async fn number_columns_are_compared_with_texts(engine: Engine, exists: &str) {
    let Some(database) = Database::start(engine) else {
        return;
    };
    database.run(NUMBERS);
    let server = on(
        &database,
        &[
            ("user_exists_sql", exists),
            (
                "user_permission_sql",
                "SELECT COUNT(*) FROM friends WHERE a = ? AND b = ?",
            ),
            ("friends_sql", "SELECT b FROM friends WHERE a = ?"),
        ],
    )
    .start();
    let mut ann = login(&server, Encoding::Json, "ann", "pw").await;
    assert_eq!(ann.node, "1");
    assert_eq!(ann.list(operation::ROSTER).await, ["2"]);
    // Nobody has ever logged in as ben: what is written to an account waits for its first device.
    ann.chat("2", "for later").await;
    let mut ben = login(&server, Encoding::Compact, "ben", "pw").await;
    let waiting = ben.offline().await.concat();
    assert_eq!(words(&waiting[0]), "for later");
    for nobody in ["17", "two", "99999999999999999999999999", "'1'", "1;--", "?1"] {
        ann.refused_message(&message(nobody, "x"), ErrorCode::Account)
            .await;
    }
    ann.refused_message(&message("3", "x"), ErrorCode::PermDenied)
        .await;
}

#[tokio::test]
async fn number_columns_of_sqlite_are_compared_with_texts() {
    number_columns_are_compared_with_texts(Engine::Sqlite, "SELECT COUNT(*) FROM users WHERE id = ?").await;
}

#[tokio::test]
async fn number_columns_of_postgres_are_compared_with_texts() {
    number_columns_are_compared_with_texts(Engine::Postgres, "SELECT COUNT(*) FROM users WHERE id = ?").await;
}

#[tokio::test]
async fn number_columns_of_mariadb_are_compared_with_texts() {
    // It compares a number with the digits a text begins with, so the text is compared as well.
    let exact = "SELECT COUNT(*) FROM users WHERE id = ?1 AND CAST(id AS CHAR) = ?1";
    number_columns_are_compared_with_texts(Engine::MariaDb, exact).await;
}

/// Every login statement ends in a refusal; with a good one the same database lets people in.
async fn refused_by(engine: Engine, statements: &[&str]) {
    let Some(database) = Database::start(engine) else {
        return;
    };
    database.run(NUMBERS);
    let ann = auth("ann", "pw", "phone");
    for sql in statements {
        let server = on(&database, &[("login_sql", sql)]).start();
        within(sql, refused_login(&server, &ann, ErrorCode::Database)).await;
    }
    let server = on(&database, &[]).start();
    login(&server, Encoding::Compact, "ann", "pw").await;
}

#[tokio::test]
async fn answers_of_a_type_that_no_id_has_are_failures() {
    let whole = |value: &str| format!("SELECT {value} FROM users WHERE name = ? AND ? = 'pw'");
    let sqlite = [
        whole("1.5"),
        whole("x'00'"),
        whole("'two words'"),
        whole("''"),
        whole("printf('%300s', 'x')"),
    ];
    let postgres = [
        whole("1.5::float8"),
        whole("1.5::numeric"),
        whole("now()"),
        whole("'\\x00'::bytea"),
        whole("ARRAY[1]"),
        whole("repeat('x', 300)"),
        whole("repeat('x', 65)"),
    ];
    let mariadb = [
        whole("1.5e0"),
        whole("NOW()"),
        whole("REPEAT('x', 300)"),
        whole("X'FF'"),
    ];
    for (engine, statements) in [
        (Engine::Sqlite, &sqlite[..]),
        (Engine::Postgres, &postgres[..]),
        (Engine::MariaDb, &mariadb[..]),
    ] {
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        refused_by(engine, &statements).await;
    }
}

#[tokio::test]
async fn statements_that_the_database_refuses_are_failures() {
    let statements = [
        "SELECT id FROM nowhere WHERE name = ? AND password = ?",
        "SELEKT ?, ?",
    ];
    for engine in [Engine::Sqlite, Engine::Postgres, Engine::MariaDb] {
        refused_by(engine, &statements).await;
    }
}

/// One account's question hangs; the others are answered meanwhile.
async fn a_hanging_question_holds_up_nobody_else(engine: Engine, hang: &str) {
    let Some(database) = Database::start(engine) else {
        return;
    };
    database.run(NUMBERS);
    let sql = format!("SELECT id FROM users WHERE name = ?1 AND password = ?2 AND (?1 <> 'cat' OR {hang})");
    let server = on(&database, &[])
        .set("external.login_sql", &quoted(&sql))
        .set("external.connections", "2")
        .start();
    let mut ann = login(&server, Encoding::Compact, "ann", "pw").await;
    let cat = auth("cat", "pw", "phone");
    let hanging = refused_login(&server, &cat, ErrorCode::Database);
    let others = async {
        ann.chat("2", "meanwhile").await;
        let mut ben = login(&server, Encoding::Compact, "ben", "pw").await;
        let waiting = ben.offline().await.concat();
        assert_eq!(words(&waiting[0]), "meanwhile");
    };
    let ((), _) = Box::pin(within("both", async { tokio::join!(others, hanging) })).await;
    // The places of the hanging ones are free again.
    for _ in 0..3 {
        within("a refusal", refused_login(&server, &cat, ErrorCode::Database)).await;
    }
    login(&server, Encoding::Compact, "ben", "pw").await;
}

#[tokio::test]
async fn a_hanging_question_to_sqlite_holds_up_nobody_else() {
    let endless =
        "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) FROM c) = 0";
    a_hanging_question_holds_up_nobody_else(Engine::Sqlite, endless).await;
}

#[tokio::test]
async fn a_hanging_question_to_postgres_holds_up_nobody_else() {
    a_hanging_question_holds_up_nobody_else(Engine::Postgres, "pg_sleep(60) IS NULL").await;
}

#[tokio::test]
async fn a_hanging_question_to_mariadb_holds_up_nobody_else() {
    a_hanging_question_holds_up_nobody_else(Engine::MariaDb, "SLEEP(60) = 7").await;
}

#[tokio::test]
async fn a_database_that_accepts_and_says_nothing_refuses_logins_in_time() {
    for scheme in ["postgres", "mysql"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let mut first = [0; 1];
                drop(stream.set_read_timeout(Some(std::time::Duration::from_millis(100))));
                drop(stream.read(&mut first));
                open.push(stream);
            }
        });
        let server = Server::options()
            .set(
                "external.database_url",
                &format!("\"{scheme}://tim:zq7databasepassword@127.0.0.1:{port}/tim\""),
            )
            .set("external.login_sql", "\"SELECT ?1, ?2\"")
            .set("external.timeout", "\"500ms\"")
            .start();
        server.keep_secret("zq7databasepassword");
        let ann = auth("ann", "pw", "phone");
        within(scheme, refused_login(&server, &ann, ErrorCode::Database)).await;
    }
}

/// A list beyond `list_limit` is refused whole: half a list would look like the truth.
async fn a_list_that_is_too_long_is_refused(engine: Engine) {
    let Some(database) = Database::start(engine) else {
        return;
    };
    database.run(NUMBERS);
    let many: Vec<String> = (10..200).map(|id| format!("(1, {id})")).collect();
    database.run(&[&format!("INSERT INTO friends VALUES {}", many.join(", "))]);
    let server = on(&database, &[("friends_sql", "SELECT b FROM friends WHERE a = ?")])
        .set("external.list_limit", "100")
        .start();
    let mut ann = login(&server, Encoding::Compact, "ann", "pw").await;
    for _ in 0..10 {
        ann.refused(operation::ROSTER, None, None, ErrorCode::Database)
            .await;
    }
    let mut ben = login(&server, Encoding::Compact, "ben", "pw").await;
    assert_eq!(ben.list(operation::ROSTER).await, ["1"]);
}

#[tokio::test]
async fn lists_that_are_too_long_are_refused() {
    for engine in [Engine::Sqlite, Engine::Postgres, Engine::MariaDb] {
        a_list_that_is_too_long_is_refused(engine).await;
    }
}

/// A database that cannot write every character: names it does not know are unknown, not failures.
async fn only_jose_logs_in(server: &Server) {
    let jose = login(server, Encoding::Compact, "josé", "pw").await;
    assert_eq!(jose.node, "jose");
    for name in ["测试", "jos\u{1F600}", "ann'--", "jose\u{301}x"] {
        refused_login(server, &auth(name, "pw", "phone"), ErrorCode::PermDenied).await;
    }
}

#[tokio::test]
async fn latin1_columns_of_mariadb_know_what_they_can_write() {
    let Some(database) = Database::start(Engine::MariaDb) else {
        return;
    };
    database.run(&[
        "CREATE TABLE users (id VARCHAR(64), name VARCHAR(64), password VARCHAR(64)) CHARACTER SET latin1",
        "INSERT INTO users VALUES ('jose', 'josé', 'pw')",
    ]);
    only_jose_logs_in(&on(&database, &[]).start()).await;
}

#[tokio::test]
async fn a_latin1_database_of_postgres_knows_what_it_can_write() {
    let Some(database) = Database::start(Engine::Postgres) else {
        return;
    };
    database.run(&["CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"]);
    database.run_in("latin", "CREATE TABLE users (id text, name text, password text)");
    database.run_in("latin", "INSERT INTO users VALUES ('jose', 'josé', 'pw')");
    let options = on(&database, &[]).set("external.database_url", &quoted(&database.url_of("latin")));
    only_jose_logs_in(&options.start()).await;
}

#[tokio::test]
async fn tokens_are_given_by_their_own_statement_and_used_once() {
    let Some(database) = Database::start(Engine::Sqlite) else {
        return;
    };
    database.run(NUMBERS);
    let by_hash = "SELECT id FROM users WHERE name = ? AND sha256('salt' || password) = sha256('salt' || ?)";
    let server = on(&database, &[("token_sql", by_hash)]).start();
    let wrong = ask(
        &server,
        PacketType::Token,
        &auth("ann", "no", "x"),
        Encoding::Json,
    )
    .await;
    assert_eq!(wrong.error_code(), Some(ErrorCode::NoPass));
    let given = ask(
        &server,
        PacketType::Token,
        &auth("ann", "pw", "x"),
        Encoding::Json,
    )
    .await;
    let by_token = tim_protocol::wire::TimAuth {
        token: given.n,
        ..tim_protocol::wire::TimAuth::default()
    };
    let mut client = tim_tests::Client::connect(server.address(), Encoding::Compact).await;
    client.log_in(&by_token).await;
    assert_eq!(client.node, "1");
    refused_login(&server, &by_token, ErrorCode::Token).await;
}

/// Whether somebody keeps a list of the rooms of an account or not.
async fn who_is_removed_outside_hears_nothing_more(rooms_of: &str) {
    let Some(database) = Database::start(Engine::Sqlite) else {
        return;
    };
    database.run(NUMBERS);
    database.run(&[
        "CREATE TABLE members (room TEXT, usr INTEGER)",
        "INSERT INTO members VALUES ('club', 1), ('club', 2), ('club', 3)",
    ]);
    let server = on(
        &database,
        &[
            ("user_rooms_sql", rooms_of),
            (
                "room_permission_sql",
                "SELECT 1 FROM members WHERE room = ? AND usr = ?",
            ),
        ],
    )
    .set("external.refresh_rooms", "\"100ms\"")
    .start();
    let mut ann = login(&server, Encoding::Compact, "ann", "pw").await;
    let mut ben = login(&server, Encoding::Compact, "ben", "pw").await;
    let mut cat = login(&server, Encoding::Compact, "cat", "pw").await;
    if rooms_of.is_empty() {
        // Without a list, writing is what shows that somebody is a member.
        ben.say_in_room("club", "ben is here").await;
        cat.say_in_room("club", "cat is here").await;
        assert_eq!(words(&ben.delivery().await), "cat is here");
    }
    ann.say_in_room("club", "all of you").await;
    assert_eq!(words(&ben.delivery().await), "all of you");
    assert_eq!(words(&cat.delivery().await), "all of you");
    database.run(&["DELETE FROM members WHERE usr = 2"]);
    // Until a round has come by ben may hear some; then nothing, and cat hears everything.
    let mut sent = 0;
    within("a message that ben does not get", async {
        loop {
            ann.say_in_room("club", &format!("without ben? {sent}")).await;
            assert_eq!(words(&cat.delivery().await), format!("without ben? {sent}"));
            sent += 1;
            if ben.drain().await.is_empty() {
                return;
            }
        }
    })
    .await;
    ann.say_in_room("club", "certainly without").await;
    assert_eq!(words(&cat.delivery().await), "certainly without");
    ben.expect_silence().await;
    ben.refused_message(&room_message("club", "hello?"), ErrorCode::PermDenied)
        .await;
}

#[tokio::test]
async fn who_is_removed_outside_hears_nothing_more_although_it_asks_for_nothing() {
    who_is_removed_outside_hears_nothing_more("SELECT room FROM members WHERE usr = ?").await;
}

#[tokio::test]
async fn without_a_list_of_rooms_who_is_removed_outside_hears_nothing_more() {
    who_is_removed_outside_hears_nothing_more("").await;
}

#[tokio::test]
async fn rooms_that_any_text_may_name_are_bounded() {
    let Some(database) = Database::start(Engine::Sqlite) else {
        return;
    };
    database.run(NUMBERS);
    let server = on(&database, &[]).set("rooms.per_account", "3").start();
    let mut ann = login(&server, Encoding::Compact, "ann", "pw").await;
    for room in ["one", "two", "three"] {
        ann.say_in_room(room, "mine").await;
    }
    for room in ["four", "five"] {
        ann.refused_message(&room_message(room, "and mine"), ErrorCode::OverHz)
            .await;
    }
    ann.say_in_room("two", "still mine").await;
}
