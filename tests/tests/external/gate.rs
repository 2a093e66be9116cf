//! The check before a login (wire-protocol 7.3): the first byte 0x01 admits, anything else closes the
//! connection without an answer.

use tim_tests::{Client, Encoding, PacketType, Person, Server, in_both_encodings, within};

use crate::people::{auth, login};
use crate::service::{Reply, Service};

async fn server_with(service: &Service) -> Server {
    Server::options()
        .set("external.check_url", &service.url())
        .set("external.timeout", "\"500ms\"")
        .start()
}

/// The connection ends without a packet.
async fn not_admitted(server: &Server, person: &Person) {
    let mut client = Client::connect(server.address(), Encoding::Compact).await;
    client.send(PacketType::Auth, &person.credentials()).await;
    client.expect_close().await;
}

async fn a_first_byte_of_one_lets_the_login_go_on(encoding: Encoding) {
    let service = Service::start(|_| Reply::Answer(200, vec![1, b'n', b'o'])).await;
    let server = Server::options()
        .set("external.check_url", &service.url())
        .set("external.http_secret", "\"zq7sharedsecret\"")
        .start();
    server.keep_secret("zq7sharedsecret");
    let person = Person::register(&server).await;
    assert!(service.requests().is_empty(), "registering is no login");
    let mut client = Client::connect(server.address(), encoding).await;
    client.log_in(&person.on_device("phone")).await;
    assert_eq!(client.node, person.node);
    let requests = service.requests();
    let [request] = &requests[..] else {
        panic!("one request was expected: {requests:?}")
    };
    assert!(
        request.head.starts_with("POST /accounts?v=1 HTTP/1.1\r\n"),
        "{request:?}"
    );
    let head = request.head.to_ascii_lowercase();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("authorization: bearer zq7sharedsecret"), "{head}");
    assert_eq!(request.body["name"], person.name.as_str());
    assert_eq!(request.body["pwd"], person.password.as_str());
    assert_eq!(request.body["resource"], "phone");
}

async fn an_admitted_login_is_still_checked_by_the_server(encoding: Encoding) {
    let service = Service::start(|_| Reply::Answer(200, vec![1])).await;
    let server = server_with(&service).await;
    let person = Person::register(&server).await;
    let mut client = Client::connect(server.address(), encoding).await;
    let wrong = auth(&person.name, "wrong", "phone");
    client
        .authenticate(&wrong)
        .await
        .refusal(PacketType::Auth, tim_tests::ErrorCode::PermDenied);
}

in_both_encodings!(
    a_first_byte_of_one_lets_the_login_go_on,
    an_admitted_login_is_still_checked_by_the_server,
);

#[tokio::test]
async fn any_other_answer_closes_the_connection_without_a_word() {
    for reply in [
        Reply::Answer(200, vec![0]),
        Reply::Answer(200, vec![]),
        Reply::Answer(200, b"1".to_vec()),
        Reply::Answer(200, b"\x02\x01".to_vec()),
        Reply::Answer(403, vec![1]),
        Reply::Answer(302, vec![1]),
        Reply::Answer(500, vec![1]),
        Reply::Endless(b'x'),
        Reply::Silence,
        Reply::Hangup,
    ] {
        let shown = format!("{reply:?}");
        let service = Service::start(move |_| reply.clone()).await;
        let server = server_with(&service).await;
        let person = Person::register(&server).await;
        within(&shown, not_admitted(&server, &person)).await;
    }
}

#[tokio::test]
async fn a_check_that_is_not_there_lets_nobody_in_and_says_why() {
    let server = Server::options()
        .set("external.check_url", "\"http://127.0.0.1:9/\"")
        .start();
    let person = Person::register(&server).await;
    let from = server.log().len();
    not_admitted(&server, &person).await;
    let reason = server.log().wait_for(from, |line| {
        line.contains("check_url cannot be asked").then_some(())
    });
    assert!(reason.is_some());
}

#[tokio::test]
async fn an_endless_answer_that_begins_with_one_admits() {
    let service = Service::start(|_| Reply::Endless(1)).await;
    let server = server_with(&service).await;
    let person = Person::register(&server).await;
    login(&server, Encoding::Compact, &person.name, &person.password).await;
}
