//! `external.api_url`: one JSON request per question (docs/external-accounts.md).

use serde_json::{Value, json};
use tim_tests::chat::{message, words};
use tim_tests::people::operation;
use tim_tests::{Encoding, ErrorCode, Server, in_both_encodings};

use crate::people::{auth, login, refused_login};
use crate::service::{Reply, Request, Service};

/// A service that knows ann (a number), ben and cat; ann and ben are friends.
fn answer(request: &Request) -> Value {
    let is = |member: &str, value: &str| request.body[member] == value;
    match request.body["question"].as_str().unwrap() {
        "login" if is("password", "pw") => match request.body["name"].as_str().unwrap() {
            "ann" => json!({ "account": 1001 }),
            "ben" => json!({ "account": "ben" }),
            "cat" => json!({ "account": "cat", "more": [1, 2, 3] }),
            _ => json!({ "account": null }),
        },
        "login" => json!({ "account": null }),
        "user_exists" => json!({ "answer": is("user", "1001") || is("user", "ben") || is("user", "cat") }),
        "user_permission" => {
            let are_friends = is("from", "1001") && is("to", "ben") || is("from", "ben") && is("to", "1001");
            json!({ "answer": u8::from(are_friends) })
        }
        "friends" if is("user", "1001") => json!({ "list": ["ben", 42, "not usable", ""] }),
        "friends" | "user_rooms" | "room_members" => json!({ "list": [] }),
        _ => json!({ "answer": false }),
    }
}

async fn service() -> Service {
    Service::start(|request| Reply::json(&answer(request))).await
}

fn options(service: &Service) -> tim_tests::Options {
    Server::options().set("external.api_url", &service.url())
}

async fn logins_permission_and_friends_come_from_the_service(encoding: Encoding) {
    let service = service().await;
    let server = options(&service).start();
    let mut ann = login(&server, encoding, "ann", "pw").await;
    assert_eq!(ann.node, "1001");
    let mut ben = login(&server, encoding, "ben", "pw").await;
    ann.chat("ben", "hello").await;
    assert_eq!(words(&ben.delivery().await), "hello");
    ann.refused_message(&message("cat", "may I?"), ErrorCode::PermDenied)
        .await;
    ann.refused_message(&message("nobody", "anyone?"), ErrorCode::Account)
        .await;
    assert_eq!(ann.list(operation::ROSTER).await, ["ben", "42"]);
    assert!(ben.list(operation::ROSTER).await.is_empty());
    refused_login(&server, &auth("ann", "wrong", "phone"), ErrorCode::PermDenied).await;
    refused_login(&server, &auth("dan", "pw", "phone"), ErrorCode::PermDenied).await;
}

in_both_encodings!(logins_permission_and_friends_come_from_the_service);

#[tokio::test]
async fn answers_are_remembered_for_as_long_as_configured() {
    let service = service().await;
    let server = options(&service)
        .set("external.remember_answers", "\"1h\"")
        .start();
    let mut ann = login(&server, Encoding::Compact, "ann", "pw").await;
    for _ in 0..3 {
        ann.chat("ben", "again").await;
        ann.refused_message(&message("cat", "x"), ErrorCode::PermDenied)
            .await;
    }
    assert_eq!(
        (service.asked("user_exists"), service.asked("user_permission")),
        (2, 2)
    );

    let server = options(&service)
        .set("external.remember_answers", "\"0s\"")
        .start();
    let mut ann = login(&server, Encoding::Compact, "ann", "pw").await;
    for _ in 0..3 {
        ann.chat("ben", "again").await;
    }
    assert_eq!(service.asked("user_permission"), 2 + 3);
}

#[tokio::test]
async fn answers_that_mean_nothing_refuse_with_5103() {
    for broken in [
        Reply::Answer(200, b"not json".to_vec()),
        Reply::Answer(200, b"[]".to_vec()),
        Reply::Answer(200, b"{}".to_vec()),
        Reply::Answer(200, b"{\"account\":true}".to_vec()),
        Reply::Answer(200, b"{\"account\":1.5}".to_vec()),
        Reply::Answer(200, b"{\"account\":\"two words\"}".to_vec()),
        Reply::Answer(404, b"{\"account\":\"ann\"}".to_vec()),
        Reply::Answer(
            200,
            format!("{{\"account\":\"{}\"}}", "a".repeat(2 << 20)).into_bytes(),
        ),
        Reply::Endless(b' '),
        Reply::Silence,
        Reply::Hangup,
    ] {
        let shown = format!("{broken:?}");
        let service = Service::start(move |_| broken.clone()).await;
        let server = options(&service).set("external.timeout", "\"500ms\"").start();
        let ann = auth("ann", "pw", "phone");
        let refusal = refused_login(&server, &ann, ErrorCode::Database);
        tim_tests::within(&shown[..shown.len().min(80)], refusal).await;
    }
}
