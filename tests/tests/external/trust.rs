//! `external.trust_all`: no existence and permission, personal blocks still count. `external.accept_any`: any
//! name logs in (wire-protocol 10.8, no-database mode and `external_account`).

use tim_protocol::wire::TimAuth;
use tim_tests::chat::{message, words};
use tim_tests::people::{ask, operation};
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Person, Server, in_both_encodings};

use crate::people::{auth, login, refused_login};
use crate::service::{Reply, Service};

async fn everybody_may_write_to_everybody_but_not_to_who_blocks_them(encoding: Encoding) {
    let server = Server::options().set("external.trust_all", "true").start();
    let (ann, ben) = (Person::register(&server).await, Person::register(&server).await);
    let mut a = ann.login(&server, encoding).await;
    let mut b = ben.login(&server, encoding).await;
    a.chat(&ben.node, "no friends, no matter").await;
    assert_eq!(words(&b.delivery().await), "no friends, no matter");
    a.chat("a-foreign:id@elsewhere", "whoever that is").await;
    a.refused_message(&message("not|a|node", "x"), ErrorCode::Account)
        .await;
    b.manage(operation::BLOCK, &ann.node).await;
    assert_eq!(a.delivery().await.bn_type, Some(7));
    a.refused_message(&message(&ben.node, "again"), ErrorCode::PermDenied)
        .await;
    b.refused_message(&message(&ann.node, "nor back"), ErrorCode::PermDenied)
        .await;
    b.manage(operation::REMOVE, &ann.node).await;
    assert_eq!(a.delivery().await.bn_type, Some(6));
    a.chat(&ben.node, "once more").await;
    assert_eq!(words(&b.delivery().await), "once more");
}

fn no_database() -> Server {
    Server::options()
        .set("storage.kind", "\"memory\"")
        .set("external.accept_any", "true")
        .start()
}

async fn without_a_database_any_name_logs_in_and_is_its_own_account(encoding: Encoding) {
    let server = no_database();
    let mut ann = login(&server, encoding, "ann", "whatever").await;
    let mut ben = login(&server, encoding, "ben@example.org", "else").await;
    assert_eq!((ann.node.as_str(), ben.node.as_str()), ("ann", "ben@example.org"));
    ann.chat("ben@example.org", "hello").await;
    let delivered = ben.delivery().await;
    assert_eq!(words(&delivered), "hello");
    assert_eq!(delivered.from_tid.unwrap().node, "ann");
    ann.chat("later", "for when you come").await;
    let mut later = login(&server, encoding, "later", "x").await;
    let waiting = later.offline().await.concat();
    assert_eq!(words(&waiting[0]), "for when you come");
    assert!(ann.list(operation::ROSTER).await.is_empty());
}

in_both_encodings!(
    everybody_may_write_to_everybody_but_not_to_who_blocks_them,
    without_a_database_any_name_logs_in_and_is_its_own_account,
);

#[tokio::test]
async fn names_that_cannot_be_ids_do_not_log_in() {
    let server = no_database();
    for name in ["", "two words", "a|b", "测试", "nul\0", &"x".repeat(65)] {
        refused_login(&server, &auth(name, "x", "phone"), ErrorCode::PermDenied).await;
    }
    refused_login(&server, &auth("ann", "", "phone"), ErrorCode::PermDenied).await;
}

#[tokio::test]
async fn without_a_database_nobody_registers() {
    let server = no_database();
    let answer = ask(
        &server,
        PacketType::Register,
        &auth("ann", "x", "phone"),
        Encoding::Compact,
    )
    .await;
    assert_eq!(answer.error_code(), Some(ErrorCode::Database));
}

#[tokio::test]
async fn any_name_needs_memory_or_a_check() {
    let failed = Server::options()
        .set("external.accept_any", "true")
        .try_start()
        .expect_err("it must not start");
    assert_eq!(failed.status.code(), Some(2), "{}", failed.log);
    assert!(failed.log.contains("accept_any"), "{}", failed.log);
}

#[tokio::test]
async fn a_back_end_vouches_for_any_account_by_its_check() {
    let service = Service::start(|request| {
        let is_good = request.body["pwd"] == format!("right for {}", request.body["name"].as_str().unwrap());
        Reply::Answer(200, vec![u8::from(is_good)])
    })
    .await;
    let server = Server::options()
        .set("external.accept_any", "true")
        .set("external.check_url", &service.url())
        .start();
    let client = login(&server, Encoding::Json, "user:4711", "right for user:4711").await;
    assert_eq!(client.node, "user:4711");
    let mut stranger = Client::connect(server.address(), Encoding::Compact).await;
    stranger
        .send(PacketType::Auth, &auth("user:4711", "wrong", "phone"))
        .await;
    stranger.expect_close().await;
    // A token is as good as a login, so it takes the same check, and belongs to one name.
    let wrong = ask(
        &server,
        PacketType::Token,
        &auth("user:4711", "wrong", ""),
        Encoding::Compact,
    )
    .await;
    assert_eq!(wrong.error_code(), Some(ErrorCode::NoPass));
    let token = ask(
        &server,
        PacketType::Token,
        &auth("user:4711", "right for user:4711", ""),
        Encoding::Compact,
    )
    .await;
    assert!(token.ok, "{token:?}");
    let other = TimAuth {
        name: Some("user:1".to_owned()),
        pwd: Some("right for user:1".to_owned()),
        token: token.n,
        ..TimAuth::default()
    };
    refused_login(&server, &other, ErrorCode::Token).await;
}
