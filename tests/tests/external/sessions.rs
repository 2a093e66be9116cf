//! Sessions of browsers whose accounts somebody else keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tim_tests::browser::{Browser, refused};
use tim_tests::{Encoding, Person, Server};

use crate::service::{Reply, Service};

const TOKEN: &str = "/client/v1/session/token";

fn ann(password: &str) -> Person {
    Person {
        name: "ann".to_owned(),
        password: password.to_owned(),
        domain: None,
        node: "1001".to_owned(),
    }
}

#[tokio::test]
async fn a_session_lasts_as_long_as_the_account_outside() {
    let exists = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&exists);
    let service = Service::start(move |request| {
        let question = request.body["question"].as_str().unwrap();
        Reply::json(&match question {
            "login" | "token" if request.body["password"] == "pw" => json!({ "account": 1001 }),
            "login" | "token" => json!({ "account": null }),
            "user_exists" => json!({ "answer": seen.load(Ordering::SeqCst) }),
            _ => json!({ "list": [] }),
        })
    })
    .await;
    let server = Server::options()
        .set("external.api_url", &service.url())
        .set("external.remember_answers", "\"0s\"")
        .start();
    refused(&Browser::new(&server).log_in(&ann("wrong")).await, 401, 4102);
    let mut browser = Browser::logged_in(&server, &ann("pw")).await;
    let mut client = browser.connect(&server, Encoding::Json, "web-1").await;
    assert_eq!(client.node, "1001");
    client.expect_silence().await;
    exists.store(false, Ordering::SeqCst);
    refused(&browser.call(TOKEN).await, 401, 4115);
    exists.store(true, Ordering::SeqCst);
    refused(&browser.call(TOKEN).await, 401, 4115);
    // Names are known only to the service.
    let mut browser = Browser::logged_in(&server, &ann("pw")).await;
    let response = browser
        .post("/client/v1/people/find", &json!({"name": "ann"}))
        .await;
    refused(&response, 403, 4107);
}

#[tokio::test]
async fn a_service_that_does_not_answer_ends_no_session() {
    let answers = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&answers);
    let service = Service::start(move |request| match request.body["question"].as_str() {
        _ if !seen.load(Ordering::SeqCst) => Reply::Hangup,
        Some("user_exists") => Reply::json(&json!({ "answer": true })),
        _ => Reply::json(&json!({ "account": 1001 })),
    })
    .await;
    let server = Server::options()
        .set("external.api_url", &service.url())
        .set("external.remember_answers", "\"0s\"")
        .start();
    let mut browser = Browser::logged_in(&server, &ann("pw")).await;
    answers.store(false, Ordering::SeqCst);
    refused(&browser.call(TOKEN).await, 503, 5103);
    answers.store(true, Ordering::SeqCst);
    assert_eq!(browser.call(TOKEN).await.status, 200);
}

#[tokio::test]
async fn the_check_before_logins_holds_for_sessions_too() {
    let admits = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&admits);
    let service =
        Service::start(move |_| Reply::Answer(200, vec![u8::from(seen.load(Ordering::SeqCst))])).await;
    let server = Server::options()
        .set("external.check_url", &service.url())
        .start();
    let person = Person::register(&server).await;
    refused(&Browser::new(&server).log_in(&person).await, 401, 4102);
    admits.store(true, Ordering::SeqCst);
    let mut browser = Browser::logged_in(&server, &person).await;
    let client = browser.connect(&server, Encoding::Compact, "web-1").await;
    assert_eq!(client.node, person.node);
    let requests = service.requests();
    let asked = requests.last().unwrap();
    assert!(
        asked.body.get("pwd").is_none() && asked.body["token"].is_string(),
        "{asked:?}"
    );
    let begun = &requests[requests.len() - 2];
    assert_eq!(begun.body["pwd"], person.password.as_str());
}
