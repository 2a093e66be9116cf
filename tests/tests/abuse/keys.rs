//! Master key: wrong, missing, rotated (architecture, "Identity, secrets, encryption").

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use tim_tests::chat::all_words;
use tim_tests::process::{clean_command, server_binary};
use tim_tests::{Encoding, Pair, Server, friends};

async fn with_a_message() -> (Server, Pair) {
    let server = Server::start();
    let (pair, mut a, _b) = friends(&server, Encoding::Compact).await;
    a.chat(&pair.b.node, "kept").await;
    assert!(server.stop().success());
    (server, pair)
}

async fn is_intact(server: &Server, pair: &Pair) {
    let mut a = pair.a.login(server, Encoding::Compact).await;
    assert_eq!(all_words(&a.history(&pair.b.node, 0, 10).await), ["kept"]);
}

fn tool(server: &Server, arguments: &[&str]) -> Output {
    clean_command(&server_binary())
        .arg("--config")
        .arg(server.directory().join("tim.toml"))
        .args(arguments)
        .current_dir(server.directory())
        .output()
        .unwrap()
}

#[tokio::test]
async fn a_wrong_master_key_stops_the_start_and_spoils_nothing() {
    let (server, pair) = with_a_message().await;
    let file = server.data().join("master.key");
    let good = std::fs::read(&file).unwrap();
    let other = Server::start();
    let wrong = std::fs::read(other.data().join("master.key")).unwrap();
    assert_ne!(good, wrong, "every installation has its own");
    std::fs::write(&file, &wrong).unwrap();
    let failed = server.try_run().unwrap_err();
    assert_eq!(failed.status.code(), Some(4), "{}", failed.log);
    assert!(failed.log.contains("key"), "{}", failed.log);
    let printed = String::from_utf8_lossy(&wrong).trim().to_owned();
    assert!(!failed.log.contains(&printed), "the key is not printed");
    std::fs::write(&file, b"garbage").unwrap();
    let failed = server.try_run().unwrap_err();
    assert_eq!(failed.status.code(), Some(4), "{}", failed.log);
    std::fs::write(&file, &good).unwrap();
    server.run();
    is_intact(&server, &pair).await;
}

#[tokio::test]
async fn a_missing_master_key_is_not_replaced_by_a_new_one() {
    let (server, pair) = with_a_message().await;
    let file = server.data().join("master.key");
    let good = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let failed = server.try_run().unwrap_err();
    assert_eq!(failed.status.code(), Some(4), "{}", failed.log);
    assert!(!file.exists(), "no new key for old data");
    std::fs::write(&file, &good).unwrap();
    // A key that others can read is refused as well.
    let failed = server.try_run().unwrap_err();
    assert_eq!(failed.status.code(), Some(4), "{}", failed.log);
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    server.run();
    is_intact(&server, &pair).await;
}

#[tokio::test]
async fn a_wrong_key_in_the_environment_is_refused_too() {
    let (server, _pair) = with_a_message().await;
    server.reconfigure(|options| options.env("TIM_MASTER_KEY", &"ab".repeat(32)));
    let failed = server.try_run().unwrap_err();
    assert_eq!(failed.status.code(), Some(4), "{}", failed.log);
    assert!(!failed.log.contains(&"ab".repeat(32)), "the key is not printed");
}

#[tokio::test]
async fn rotated_keys_keep_everything_readable() {
    let (server, pair) = with_a_message().await;
    for arguments in [
        &["keys", "rotate"][..],
        &["keys", "rotate", "--master"],
        &["keys", "show"],
    ] {
        let output = tool(&server, arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
    server.run();
    is_intact(&server, &pair).await;
}

#[tokio::test]
async fn a_running_server_rotates_its_data_key_and_keeps_everything_readable() {
    let (server, pair) = with_a_message().await;
    server.run();
    let output = tool(&server, &["keys", "rotate"]);
    assert!(output.status.success(), "{output:?}");
    is_intact(&server, &pair).await;
    assert!(server.stop().success());
    server.run();
    is_intact(&server, &pair).await;
}

#[tokio::test]
async fn the_master_key_is_not_replaced_under_a_running_server() {
    let (server, pair) = with_a_message().await;
    server.run();
    let output = tool(&server, &["keys", "rotate", "--master"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    is_intact(&server, &pair).await;
}
