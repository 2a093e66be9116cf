//! Operations that are switched off (wire-protocol 6.7).

use tim_protocol::packet;
use tim_protocol::wire::{TimPresence, TimReq};
use tim_tests::chat::{message, tid};
use tim_tests::people::operation;
use tim_tests::{Client, Encoding, PacketType, Person, Server, friends, http, in_both_encodings, secrets};

fn without(names: &str) -> Server {
    Server::options()
        .set("operations.disabled", &format!("[{names}]"))
        .start()
}

/// Covers: 6.7-2, W-33
async fn disabled_packets_are_dropped_and_others_are_not(encoding: Encoding) {
    let names = r#""TIMMESSAGE", "TIMPRESENCE", "TIMVROOM", "TIMPULLMESSAGE", "TIMBIGBINARY""#;
    let server = without(names);
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    a.send_message(&message(&pair.b.node, "dropped")).await;
    let presence = TimPresence {
        to_tid: Some(tid(&pair.b.node)),
        ..TimPresence::default()
    };
    a.send(PacketType::Presence, &presence).await;
    let new = TimReq {
        rtype: Some(1),
        ..TimReq::default()
    };
    a.send(PacketType::VRoom, &new).await;
    a.send(PacketType::PullMessage, &new).await;
    // Big data in pieces: none of them is read as something else.
    let big = [&[96, 0, 0, 0, 30][..], pair.b.node.as_bytes(), &[0x83], &[13; 30]].concat();
    a.send_raw(big[..20].to_vec()).await;
    a.send_raw(big[20..30].to_vec()).await;
    a.expect_silence().await;
    b.expect_silence().await;
    assert_eq!(
        a.list(operation::ROSTER).await,
        std::slice::from_ref(&pair.b.node)
    );
    a.send(PacketType::BroadPresence, &presence).await;
    b.expect(PacketType::Presence).await;
}

async fn a_disabled_login_is_dropped_too(encoding: Encoding) {
    let server = without(r#""TIMAUTH""#);
    let person = Person::register(&server).await;
    let mut client = Client::connect(server.address(), encoding).await;
    client.send(PacketType::Auth, &person.credentials()).await;
    // Nothing comes before the time for the login is over.
    assert_eq!(client.expect_close().await, Some(1008));
}

/// Covers: 6.7-3, W-33
async fn disabled_http_operations_are_forbidden(encoding: Encoding) {
    let server = without(r#""TIMREGISTER""#);
    let auth = tim_protocol::wire::TimAuth {
        name: Some(format!("{}{}", secrets::NAME, secrets::unique())),
        pwd: Some(secrets::PASSWORD.to_owned()),
        ..Default::default()
    };
    for body in [
        packet::client_packet(PacketType::Register, encoding, &auth),
        packet::client_packet(PacketType::Register, encoding, &auth)[..2].to_vec(),
    ] {
        assert_eq!(http::post(server.address(), "/tim2", &body).await.status, 403);
    }
    // Nothing was carried out, and the other operation is not touched.
    let body = packet::client_packet(PacketType::Token, encoding, &auth);
    assert_eq!(http::post(server.address(), "/tim2", &body).await.status, 200);
    let mut client = Client::connect(server.address(), encoding).await;
    let refused = client.authenticate(&auth).await;
    refused.refusal(PacketType::Auth, tim_tests::ErrorCode::PermDenied);
}

#[test]
fn an_unknown_operation_is_a_mistake_that_names_the_known_ones() {
    let options = Server::options().set("operations.disabled", r#"["TIMEVERYTHING"]"#);
    let Err(failed) = options.try_start() else {
        panic!("the server started")
    };
    assert_eq!(failed.status.code(), Some(2));
    for word in [
        "operations.disabled",
        "TIMEVERYTHING",
        "TIMREGISTER",
        "TIMBIGBINARYSTREAM",
    ] {
        assert!(failed.log.contains(word), "{word}: {}", failed.log);
    }
}

in_both_encodings!(
    disabled_packets_are_dropped_and_others_are_not,
    a_disabled_login_is_dropped_too,
    disabled_http_operations_are_forbidden,
);
