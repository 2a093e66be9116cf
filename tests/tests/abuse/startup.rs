//! What stops a server from starting, and with which exit code: 2 configuration, 3 address, 4 database or keys.

use std::sync::Arc;

use tim_tests::{Client, Encoding, Person, Server, friends};

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused_and_the_first_goes_on() {
    let server = Server::start();
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    let second = Server::options().try_start_in(Arc::clone(&server.scratch()));
    let failed = second.unwrap_err();
    assert_eq!(failed.status.code(), Some(4), "{}", failed.log);
    assert!(failed.log.contains("in use"), "{}", failed.log);
    a.chat(&pair.b.node, "undisturbed").await;
    b.delivery().await;
    server.kill();
    // The lock does not outlive its owner.
    server.run();
}

#[tokio::test]
async fn an_address_that_is_taken_is_reported_and_the_data_is_not_touched() {
    let first = Server::start();
    let address = format!("\"{}\"", first.address());
    let failed = Server::options()
        .set("listen.client", &address)
        .try_start()
        .unwrap_err();
    assert_eq!(failed.status.code(), Some(3), "{}", failed.log);
    assert!(
        failed.log.contains(&first.address().to_string()),
        "{}",
        failed.log
    );
}

#[tokio::test]
async fn a_wrong_configuration_is_reported_with_its_place() {
    for (key, value, what) in [
        ("delivery.windw", "3", "windw"),
        ("delivery.window", "\"many\"", "window"),
        ("delivery.window", "0", "window"),
        ("limits.max_packet", "\"64MiB\"", "max_packet"),
        ("tls.certificate", "\"/nowhere/cert.pem\"", "tls"),
    ] {
        let failed = Server::options().set(key, value).try_start().unwrap_err();
        assert_eq!(failed.status.code(), Some(2), "{key}: {}", failed.log);
        assert!(failed.log.contains(what), "{key}: {}", failed.log);
    }
}

/// Covers: 2.1-5
#[tokio::test]
async fn bad_tls_files_stop_the_start_and_never_lead_to_plain_text() {
    let scratch = Arc::new(tempfile::tempdir().unwrap());
    let (certificate, key) = (scratch.path().join("cert.pem"), scratch.path().join("key.pem"));
    std::fs::write(&certificate, "not a certificate").unwrap();
    std::fs::write(&key, "not a key").unwrap();
    let failed = Server::options()
        .set("tls.certificate", &format!("{certificate:?}"))
        .set("tls.key", &format!("{key:?}"))
        .try_start_in(scratch)
        .unwrap_err();
    assert_eq!(failed.status.code(), Some(2), "{}", failed.log);
    assert!(
        failed.log.contains("cert.pem") || failed.log.contains("key.pem"),
        "{}",
        failed.log
    );
}

#[tokio::test]
async fn the_environment_is_stronger_than_the_file() {
    let server = Server::options()
        .set("accounts.device_limit", "5")
        .env("TIM_ACCOUNTS_DEVICE_LIMIT", "1")
        .start();
    let person = Person::register(&server).await;
    let _first = person.login_on(&server, Encoding::Compact, "one").await;
    let mut second = Client::connect(server.address(), Encoding::Compact).await;
    assert!(!second.authenticate(&person.on_device("two")).await.ack().ok);
}

#[tokio::test]
async fn a_server_without_a_database_forgets_everything_when_it_stops() {
    let server = Server::options().set("storage.kind", "\"memory\"").start();
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    a.chat(&pair.b.node, "for now").await;
    b.delivery().await;
    assert_eq!(a.history(&pair.b.node, 0, 10).await.len(), 1);
    server.stop();
    server.run();
    let mut client = Client::connect(server.address(), Encoding::Compact).await;
    assert!(!client.authenticate(&pair.a.credentials()).await.ack().ok);
}
