//! Neither the files of the database nor the log contain what people wrote, their names or their passwords.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bytes::Bytes;
use tim_protocol::packet;
use tim_protocol::wire::{TimAuth, TimMessage, TimReq};
use tim_tests::chat::message;
use tim_tests::people::{ask, operation};
use tim_tests::{Client, Encoding, PacketType, Person, Server, friends, http, in_both_encodings, secrets};

/// Does everything by which a secret could get onto the disk or into the log. Answers further secrets.
async fn confide(server: &Server, encoding: Encoding) -> Vec<String> {
    let device = "zq7 device name";
    let (pair, mut a, mut b) = friends(server, encoding).await;
    let field = secrets::text("an application field");
    let rich = TimMessage {
        data_binary: Some(Bytes::from(secrets::text("as bytes"))),
        extend: Some([(secrets::text("as a key"), field.clone())].into()),
        extra: Some([("x".to_owned(), Bytes::from(field.clone()))].into()),
        ..message(&pair.b.node, "as text")
    };
    a.send_message(&rich).await;
    a.echo().await;
    b.delivery().await;
    // Something that stays in an inbox: a packet and a reference.
    b.close().await;
    a.send_message(&TimMessage {
        od_type: 40,
        ..rich.clone()
    })
    .await;
    a.send_message(&rich).await;
    a.echo().await;
    let stranger = Person::register_in(server, Some("a domain")).await;
    let other = Person::register_in(server, Some("a domain")).await;
    stranger.login(server, encoding).await.add(&other.node).await;
    let with_extend = TimAuth {
        extend: Some([("field".to_owned(), field)].into()),
        ..pair.a.credentials()
    };
    let token = ask(server, PacketType::Token, &with_extend, encoding).await;
    let token = [token.n.unwrap(), token.t.unwrap().to_string()];
    let mut with_device = Client::connect(server.address(), encoding).await;
    with_device.log_in(&pair.a.on_device(device)).await;
    for auth in [
        TimAuth {
            pwd: Some(format!("{}wrong", secrets::PASSWORD)),
            ..pair.a.credentials()
        },
        TimAuth {
            token: Some(format!("{}token", secrets::PASSWORD)),
            ..pair.a.credentials()
        },
    ] {
        assert!(!with_device.authenticate_again(server, &auth).await);
    }
    let change = TimReq {
        rtype: Some(operation::PASSWORD),
        req_str: Some(pair.a.password.clone()),
        req_str2: Some(format!("{}new", secrets::PASSWORD)),
        ..TimReq::default()
    };
    a.send(PacketType::Business, &change).await;
    a.expect(PacketType::Ack).await.success(PacketType::Business);
    // Broken packets with secrets in them.
    for kind in [PacketType::Message, PacketType::Business, PacketType::PullMessage] {
        let broken = format!("{{\"dataString\":\"{}\",", secrets::text("broken"));
        a.send_raw([&[kind.as_u8() | 0x80][..], broken.as_bytes()].concat())
            .await;
        a.expect(PacketType::Ack).await;
    }
    let mut broken = packet::client_packet(PacketType::Register, encoding, &pair.b.credentials());
    broken.truncate(broken.len() - 2);
    http::post(server.address(), "/tim2", &broken).await;
    a.expect_silence().await;
    vec![device.to_owned(), token[0].clone(), token[1].clone()]
}

trait AuthenticateAgain {
    async fn authenticate_again(&self, server: &Server, auth: &TimAuth) -> bool;
}

impl AuthenticateAgain for Client {
    /// A login over a connection of its own. Answers whether it was accepted.
    async fn authenticate_again(&self, server: &Server, auth: &TimAuth) -> bool {
        let mut client = Client::connect(server.address(), self.encoding).await;
        client.authenticate(auth).await.ack().ok
    }
}

fn assert_files_are_silent(directory: &Path, further: &[String]) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += assert_files_are_silent(&path, further);
            continue;
        }
        let content = fs::read(&path).unwrap();
        let found = secrets::found_in(&content, further.iter().map(String::as_str));
        assert_eq!(found, None, "{} contains it", path.display());
        files += 1;
    }
    files
}

async fn the_data_directory_contains_nothing_readable(encoding: Encoding) {
    let server = Server::start();
    let further = confide(&server, encoding).await;
    // While it runs: the database, its log and its index. After a kill, after a restart, after a stop.
    assert!(assert_files_are_silent(&server.data(), &further) >= 3);
    server.kill();
    assert_files_are_silent(&server.data(), &further);
    server.run();
    server.stop();
    assert_files_are_silent(&server.data(), &further);
    // The search would find something if it were there.
    fs::write(server.data().join("probe"), secrets::text("probe")).unwrap();
    let content = fs::read(server.data().join("probe")).unwrap();
    assert!(secrets::found_in(&content, []).is_some());
}

async fn the_log_is_discreet_at_its_most_talkative(encoding: Encoding) {
    let server = Server::options().set("log.level", "\"trace\"").start();
    for secret in confide(&server, encoding).await {
        // The name of a device is no secret to the operator.
        if !secret.contains("device") {
            server.keep_secret(&secret);
        }
    }
    assert!(server.stop().success());
    assert!(server.log().len() > 20, "it is talkative");
    server.assert_discreet();
}

#[tokio::test]
async fn the_log_is_discreet_as_json_too() {
    let server = Server::options()
        .set("log.level", "\"trace\"")
        .set("log.format", "\"json\"")
        .start();
    confide(&server, Encoding::Compact).await;
    assert!(server.stop().success());
    server.assert_discreet();
}

#[tokio::test]
async fn only_the_owner_can_read_data_and_keys() {
    let server = Server::start();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&server.data()), 0o700);
    for file in ["master.key", "tim.db"] {
        assert_eq!(mode(&server.data().join(file)) & 0o077, 0, "{file}");
    }
}

#[tokio::test]
async fn the_administrator_password_is_printed_once() {
    let server = Server::start();
    let first = server.log().text_from(0);
    let line = first.lines().find(|line| line.to_lowercase().contains("admin"));
    let line = line
        .unwrap_or_else(|| panic!("no administrator password: {first}"))
        .to_owned();
    server.stop();
    let from = server.log().len();
    server.run();
    assert!(!server.log().text_from(from).contains(&line));
}

in_both_encodings!(
    the_data_directory_contains_nothing_readable,
    the_log_is_discreet_at_its_most_talkative,
);
