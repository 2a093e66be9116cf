//! Several devices of one account: limits and what happens beyond them (wire-protocol 6.6).

use tim_protocol::wire::TimAuth;
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings};

fn device(person: &Person, resource: &str, kind: Option<i8>) -> TimAuth {
    TimAuth {
        termtyp: kind,
        ..person.on_device(resource)
    }
}

async fn open(server: &Server, encoding: Encoding, auth: &TimAuth) -> Client {
    let mut client = Client::connect(server.address(), encoding).await;
    client.log_in(auth).await;
    client
}

async fn over_entry(server: &Server, encoding: Encoding, auth: &TimAuth) {
    let mut client = Client::connect(server.address(), encoding).await;
    let answer = client.authenticate(auth).await;
    answer.refusal(PacketType::Auth, ErrorCode::OverEntry);
}

/// Covers: 6.6-1
async fn as_many_devices_as_the_limit_says_are_let_in(encoding: Encoding) {
    let server = Server::options().set("accounts.device_limit", "2").start();
    let person = Person::register(&server).await;
    let other = Person::register(&server).await;
    let mut one = open(&server, encoding, &device(&person, "one", None)).await;
    let two = open(&server, encoding, &device(&person, "two", None)).await;
    over_entry(&server, encoding, &device(&person, "three", None)).await;
    // Neither the devices that were there nor other accounts are touched.
    one.expect_silence().await;
    open(&server, encoding, &device(&other, "one", None)).await;
    two.close().await;
    open(&server, encoding, &device(&person, "three", None)).await;
}

/// Covers: 6.6-2
async fn as_many_devices_of_a_type_as_its_limit_says_are_let_in(encoding: Encoding) {
    let server = Server::options().set("accounts.device_type_limit", "1").start();
    let person = Person::register(&server).await;
    let _phone = open(&server, encoding, &device(&person, "phone", Some(1))).await;
    over_entry(&server, encoding, &device(&person, "second phone", Some(1))).await;
    let _web = open(&server, encoding, &device(&person, "web", Some(2))).await;
    over_entry(&server, encoding, &device(&person, "second web", Some(2))).await;
}

/// Covers: 6.6-3
async fn a_device_without_a_type_is_not_limited_by_type_but_counts_as_type_0(encoding: Encoding) {
    let server = Server::options().set("accounts.device_type_limit", "1").start();
    let person = Person::register(&server).await;
    let _one = open(&server, encoding, &device(&person, "one", None)).await;
    let _two = open(&server, encoding, &device(&person, "two", None)).await;
    over_entry(&server, encoding, &device(&person, "three", Some(0))).await;
}

/// Covers: 6.6-4
async fn after_the_interval_the_oldest_device_is_replaced_and_told(encoding: Encoding) {
    let server = Server::options()
        .set("accounts.device_limit", "2")
        .set("accounts.relogin_interval", "\"0s\"")
        .start();
    let person = Person::register(&server).await;
    let mut oldest = open(&server, encoding, &device(&person, "oldest", None)).await;
    let mut middle = open(&server, encoding, &device(&person, "middle", None)).await;
    let mut newest = open(&server, encoding, &device(&person, "newest", None)).await;
    let farewell = oldest.expect(PacketType::Ack).await.ack();
    assert!(farewell.ok, "published clients log out on this: {farewell:?}");
    assert_eq!(farewell.tim_type, PacketType::Logout.as_i8());
    assert_eq!(farewell.error_code(), Some(ErrorCode::OverEntry));
    assert_eq!(oldest.expect_close().await, Some(1000));
    middle.expect_silence().await;
    newest.expect_silence().await;
}

/// Covers: 6.6-5
async fn a_type_at_its_limit_replaces_the_oldest_device_of_that_type(encoding: Encoding) {
    let server = Server::options()
        .set("accounts.device_type_limit", "1")
        .set("accounts.relogin_interval", "\"0s\"")
        .start();
    let person = Person::register(&server).await;
    let mut web = open(&server, encoding, &device(&person, "web", Some(2))).await;
    let mut phone = open(&server, encoding, &device(&person, "phone", Some(1))).await;
    let mut new_phone = open(&server, encoding, &device(&person, "new phone", Some(1))).await;
    let farewell = phone.expect(PacketType::Ack).await.ack();
    assert_eq!(farewell.tim_type, PacketType::Logout.as_i8());
    phone.expect_close().await;
    web.expect_silence().await;
    new_phone.expect_silence().await;
}

/// Covers: 6.6-6
async fn a_replaced_device_loses_no_messages(encoding: Encoding) {
    let server = Server::options()
        .set("accounts.device_limit", "1")
        .set("accounts.relogin_interval", "\"0s\"")
        .start();
    let (pair, mut a, mut old) = friends(&server, encoding).await;
    let mut new = open(&server, encoding, &device(&pair.b, "tablet", None)).await;
    assert_eq!(
        old.expect(PacketType::Ack).await.ack().tim_type,
        PacketType::Logout.as_i8()
    );
    old.expect_close().await;
    a.chat(&pair.b.node, "to whoever is there").await;
    new.delivery().await;
    let mut old = open(&server, encoding, &device(&pair.b, "phone", None)).await;
    let batches = old.offline().await;
    assert_eq!(batches.concat().len(), 1, "its inbox had it");
}

/// Covers: 6.6-8
async fn a_login_that_is_refused_as_over_entry_may_be_tried_again(encoding: Encoding) {
    let server = Server::options().set("accounts.device_limit", "1").start();
    let person = Person::register(&server).await;
    let first = open(&server, encoding, &device(&person, "one", None)).await;
    let mut second = Client::connect(server.address(), encoding).await;
    let auth = device(&person, "two", None);
    second
        .authenticate(&auth)
        .await
        .refusal(PacketType::Auth, ErrorCode::OverEntry);
    first.close().await;
    second.log_in(&auth).await;
}

/// Covers: 6.1-7
#[tokio::test]
async fn a_connection_that_dies_during_its_login_takes_no_place() {
    let server = Server::options().set("accounts.device_limit", "1").start();
    let person = Person::register(&server).await;
    for _ in 0..20 {
        let mut client = Client::connect(server.address(), Encoding::Compact).await;
        client.send(PacketType::Auth, &person.credentials()).await;
        client.abandon().await;
    }
    // As soon as the server has seen their ends, the one place is free.
    tim_tests::within("the free place", async {
        loop {
            let mut client = Client::connect(server.address(), Encoding::Compact).await;
            if client.authenticate(&person.credentials()).await.ack().ok {
                break;
            }
        }
    })
    .await;
}

in_both_encodings!(
    as_many_devices_as_the_limit_says_are_let_in,
    as_many_devices_of_a_type_as_its_limit_says_are_let_in,
    a_device_without_a_type_is_not_limited_by_type_but_counts_as_type_0,
    after_the_interval_the_oldest_device_is_replaced_and_told,
    a_type_at_its_limit_replaces_the_oldest_device_of_that_type,
    a_replaced_device_loses_no_messages,
    a_login_that_is_refused_as_over_entry_may_be_tried_again,
);
