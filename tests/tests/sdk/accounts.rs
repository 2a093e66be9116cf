//! Registration, login, tokens, passwords, devices.

use tim_client::{AccountError, ConnectError, Credentials, ErrorCode, Event, LogoutReason, RequestError};
use tim_tests::{Encoding, Person, Server, in_both_encodings, secrets, shared, within};

use crate::session::{Session, builder, credentials};

async fn an_account_is_registered_once(encoding: Encoding) {
    let server = shared();
    let name = format!("{}-sdk-{}", secrets::NAME, secrets::unique());
    let builder = builder(&server, encoding, "phone");
    let node = builder.register(&name, secrets::PASSWORD).await.unwrap();
    let again = builder.register(&name, secrets::PASSWORD).await.unwrap_err();
    assert!(matches!(again, AccountError::Refused(refusal) if refusal.is(ErrorCode::HasExist)));
    let client = builder
        .connect(Credentials::password(&name, secrets::PASSWORD))
        .await
        .unwrap();
    assert_eq!(client.node(), &node);
    client.close().await;
}

async fn a_wrong_password_is_a_typed_refusal(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let builder = builder(&server, encoding, "phone");
    let refused = builder
        .connect(Credentials::password(&person.name, "wrong"))
        .await
        .unwrap_err();
    assert!(matches!(refused, ConnectError::Refused(refusal) if refusal.is(ErrorCode::PermDenied)));
    let refused = builder.token(&person.name, "wrong").await.unwrap_err();
    assert!(matches!(refused, AccountError::Refused(refusal) if refusal.is(ErrorCode::NoPass)));
}

async fn a_token_replaces_the_password_once(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let builder = builder(&server, encoding, "phone");
    let token = builder.token(&person.name, &person.password).await.unwrap();
    let client = builder.connect(token.clone()).await.unwrap();
    assert_eq!(client.node().as_str(), person.node);
    let refused = builder.connect(token).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Refused(refusal) if refusal.is(ErrorCode::Token)));
    client.close().await;
}

async fn a_changed_password_counts_at_the_next_login_and_reconnect(encoding: Encoding) {
    let server = Server::start();
    let a = Session::register(&server, encoding).await;
    let new = format!("{}new", secrets::PASSWORD);
    let wrong = a.client.change_password("wrong", &new).await.unwrap_err();
    assert!(matches!(wrong, RequestError::Refused(refusal) if refusal.is(ErrorCode::ModifyAuth)));
    a.client.change_password(&a.person.password, &new).await.unwrap();
    // The session reconnects with the new one.
    server.kill();
    server.run();
    a.until_drained().await;
    let old = builder(&server, encoding, "web")
        .connect(credentials(&a.person))
        .await
        .unwrap_err();
    assert!(matches!(old, ConnectError::Refused(refusal) if refusal.is(ErrorCode::PermDenied)));
}

async fn a_device_that_loses_its_place_is_told_and_stays_away(encoding: Encoding) {
    let server = Server::options()
        .set("accounts.device_limit", "1")
        .set("accounts.relogin_interval", "\"0s\"")
        .start();
    let old = Session::register(&server, encoding).await;
    let new = Session::open(&server, encoding, &old.person, "tablet").await;
    assert_eq!(
        old.event().await,
        Event::LoggedOut {
            reason: LogoutReason::TookPlace
        }
    );
    assert_eq!(within("the end", old.client.next_event()).await, None);
    new.expect_silence().await;
}

async fn a_server_that_is_not_there_is_an_error(encoding: Encoding) {
    let server = Server::start();
    let person = Person::register(&server).await;
    let builder = builder(&server, encoding, "phone");
    server.kill();
    let error = builder.connect(credentials(&person)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable(_)), "{error}");
}

in_both_encodings!(
    an_account_is_registered_once,
    a_wrong_password_is_a_typed_refusal,
    a_token_replaces_the_password_once,
    a_changed_password_counts_at_the_next_login_and_reconnect,
    a_device_that_loses_its_place_is_told_and_stays_away,
    a_server_that_is_not_there_is_an_error,
);
