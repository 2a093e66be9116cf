//! Rows that somebody changed or swapped in the database file: detected, never shown, and nobody else suffers.

use rusqlite::Connection;
use tim_protocol::wire::TimAuth;
use tim_tests::chat::{all_words, words};
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Pair, Person, Server, friends};

/// Two friends with three messages that the second has not got yet, and the stopped server.
async fn stopped_with_messages() -> (Server, Pair) {
    let server = Server::start();
    let (pair, mut a, b) = friends(&server, Encoding::Compact).await;
    b.expect_silence_and_close().await;
    for number in 1..=3 {
        a.chat(&pair.b.node, &format!("number {number}")).await;
    }
    a.expect_silence_and_close().await;
    assert!(server.stop().success());
    (server, pair)
}

trait CloseQuietly {
    async fn expect_silence_and_close(self);
}

impl CloseQuietly for Client {
    async fn expect_silence_and_close(mut self) {
        self.expect_silence().await;
        self.close().await;
    }
}

fn edit(server: &Server, sql: &str) {
    let database = Connection::open(server.data().join("tim.db")).unwrap();
    let changed = database.execute(sql, ()).unwrap();
    assert!(changed > 0, "{sql} changed nothing");
}

/// Exchanges the sealed columns of two rows.
fn swap(server: &Server, table: &str, columns: &str, one: &str, other: &str) {
    let database = Connection::open(server.data().join("tim.db")).unwrap();
    let sealed = |row: &str| -> (i64, Vec<u8>) {
        let sql = format!("SELECT {columns} FROM {table} WHERE {row}");
        database
            .query_row(&sql, (), |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    };
    let (first, second) = (sealed(one), sealed(other));
    for (row, content) in [(one, second), (other, first)] {
        let sql = format!("UPDATE {table} SET ({columns}) = (?1, ?2) WHERE {row}");
        assert_eq!(database.execute(&sql, content).unwrap(), 1, "{sql}");
    }
}

/// An SQL expression: the blob with one bit of its last byte changed.
fn flipped(column: &str) -> String {
    format!(
        "CAST(substr({column}, 1, length({column}) - 1) AS BLOB) || \
         CASE substr({column}, -1) WHEN x'00' THEN x'01' ELSE x'00' END"
    )
}

async fn friendly_chat_works(server: &Server) {
    let (pair, mut a, mut b) = friends(server, Encoding::Json).await;
    a.chat(&pair.b.node, "elsewhere all is well").await;
    assert_eq!(words(&b.delivery().await), "elsewhere all is well");
}

#[tokio::test]
async fn a_damaged_message_is_left_out_and_reported_and_the_others_arrive() {
    let (server, pair) = stopped_with_messages().await;
    edit(
        &server,
        &format!(
            "UPDATE message SET body = CAST({} AS BLOB) WHERE mid = 2",
            flipped("body")
        ),
    );
    server.run();
    let mut b = pair.b.login(&server, Encoding::Compact).await;
    assert_eq!(all_words(&b.offline().await.concat()), ["number 1", "number 3"]);
    assert_eq!(
        all_words(&b.history(&pair.a.node, 0, 10).await),
        ["number 3", "number 1"]
    );
    assert_eq!(b.offline().await.concat(), [], "it does not block the queue");
    // The conversation goes on.
    let mut a = pair.a.login(&server, Encoding::Compact).await;
    a.offline().await;
    assert_eq!(a.chat(&pair.b.node, "number 4").await.mid, Some(4));
    assert_eq!(words(&b.delivery().await), "number 4");
    friendly_chat_works(&server).await;
    assert!(
        server.log().text_from(0).contains("damaged"),
        "{}",
        server.log().text_from(0)
    );
}

#[tokio::test]
async fn swapped_messages_of_one_conversation_are_detected() {
    let (server, pair) = stopped_with_messages().await;
    swap(&server, "message", "key_id, body", "mid = 1", "mid = 2");
    server.run();
    let mut b = pair.b.login(&server, Encoding::Compact).await;
    assert_eq!(all_words(&b.history(&pair.a.node, 0, 10).await), ["number 3"]);
    assert_eq!(all_words(&b.offline().await.concat()), ["number 3"]);
    friendly_chat_works(&server).await;
}

#[tokio::test]
async fn a_message_moved_to_another_conversation_is_not_shown_there() {
    let server = Server::start();
    let (one, mut a, _b) = friends(&server, Encoding::Compact).await;
    let (two, mut c, _d) = friends(&server, Encoding::Compact).await;
    a.chat(&one.b.node, "for b only").await;
    c.chat(&two.b.node, "for d only").await;
    assert!(server.stop().success());
    // Each of the two conversations has one message.
    let smallest = "conversation = (SELECT min(conversation) FROM message)";
    let largest = "conversation = (SELECT max(conversation) FROM message)";
    swap(&server, "message", "key_id, body", smallest, largest);
    server.run();
    for (person, peer) in [
        (&one.a, &one.b),
        (&one.b, &one.a),
        (&two.a, &two.b),
        (&two.b, &two.a),
    ] {
        let mut client = person.login(&server, Encoding::Compact).await;
        client.offline().await;
        assert_eq!(client.history(&peer.node, 0, 10).await, []);
    }
    friendly_chat_works(&server).await;
}

#[tokio::test]
async fn the_password_of_one_account_does_not_open_another_when_rows_are_swapped() {
    let server = Server::start();
    let (mine, victim) = (Person::register(&server).await, Person::register(&server).await);
    assert!(server.stop().success());
    let row = |person: &Person| format!("id = '{}'", person.node);
    swap(&server, "account", "key_id, secret", &row(&mine), &row(&victim));
    server.run();
    for password in [&mine.password, &victim.password] {
        let auth = TimAuth {
            pwd: Some(password.clone()),
            ..victim.credentials()
        };
        let mut client = Client::connect(server.address(), Encoding::Compact).await;
        assert!(!client.authenticate(&auth).await.ack().ok);
    }
    friendly_chat_works(&server).await;
}

#[tokio::test]
async fn a_damaged_account_fails_alone() {
    let server = Server::start();
    let (damaged, other) = (Person::register(&server).await, Person::register(&server).await);
    assert!(server.stop().success());
    let secret = flipped("secret");
    edit(
        &server,
        &format!(
            "UPDATE account SET secret = CAST({secret} AS BLOB) WHERE id = '{}'",
            damaged.node
        ),
    );
    server.run();
    let mut client = Client::connect(server.address(), Encoding::Compact).await;
    let answer = client.authenticate(&damaged.credentials()).await;
    answer.refusal(PacketType::Auth, ErrorCode::Database);
    other.login(&server, Encoding::Compact).await;
    friendly_chat_works(&server).await;
}

#[tokio::test]
async fn damaged_and_swapped_inbox_entries_are_passed_over() {
    let server = Server::start();
    let receiver = Person::register(&server).await;
    let mut askers = Vec::new();
    for _ in 0..4 {
        let asker = Person::register(&server).await;
        let mut client = asker.login(&server, Encoding::Compact).await;
        client.add(&receiver.node).await;
        client.expect_silence().await;
        askers.push(asker);
    }
    assert!(server.stop().success());
    let of_receiver = format!("owner = '{}'", receiver.node);
    let body = flipped("body");
    edit(
        &server,
        &format!("UPDATE inbox SET body = CAST({body} AS BLOB) WHERE {of_receiver} AND seq = 1"),
    );
    let entry = |seq: u32| format!("{of_receiver} AND seq = {seq}");
    swap(&server, "inbox", "key_id, body", &entry(2), &entry(3));
    server.run();
    let mut client = receiver.login(&server, Encoding::Compact).await;
    let waiting = client.offline().await.concat();
    let from: Vec<_> = waiting
        .iter()
        .map(|it| it.from_tid.as_ref().unwrap().node.as_str())
        .collect();
    assert_eq!(from, [askers[3].node.as_str()], "only the intact one");
    assert_eq!(client.offline().await.concat(), []);
    friendly_chat_works(&server).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_stops_the_start_with_exit_code_4() {
    let (server, _pair) = stopped_with_messages().await;
    let path = server.data().join("tim.db");
    let good = std::fs::read(&path).unwrap();
    let mut bad_header = good.clone();
    bad_header[..64].fill(0x55);
    for bad in [bad_header, b"this is not a database".to_vec()] {
        std::fs::write(&path, &bad).unwrap();
        let failed = server.try_run().unwrap_err();
        assert_eq!(failed.status.code(), Some(4), "{}", failed.log);
        assert!(failed.log.contains("tim.db"), "{}", failed.log);
        assert_eq!(std::fs::read(&path).unwrap(), bad, "the file is left alone");
    }
    std::fs::write(&path, good).unwrap();
    server.run();
    friendly_chat_works(&server).await;
}

#[tokio::test]
async fn a_database_of_a_newer_server_is_refused() {
    let (server, _pair) = stopped_with_messages().await;
    let database = Connection::open(server.data().join("tim.db")).unwrap();
    database.pragma_update(None, "user_version", 9_999).unwrap();
    drop(database);
    let failed = server.try_run().unwrap_err();
    assert_eq!(failed.status.code(), Some(4), "{}", failed.log);
    assert!(failed.log.contains("newer"), "{}", failed.log);
}
