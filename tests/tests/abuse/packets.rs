//! Malformed, truncated, oversized, wrong-typed and wrong-state packets.

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tim_protocol::packet;
use tim_protocol::wire::{TimAuth, TimMessage, TimReq};
use tim_tests::chat::{history_request, message, retraction};
use tim_tests::client::Incoming;
use tim_tests::people::operation;
use tim_tests::{Client, Encoding, PacketType, Person, Server, friends, in_both_encodings, within};

use crate::bystanders::Bystanders;

/// Mutated packets per encoding.
const MUTATIONS: usize = 3_000;

fn unlimited() -> Server {
    Server::options().set("limits.packets_per_second", "0").start()
}

/// One good packet of every kind this server answers to.
fn good_packets(person: &Person, friend: &str, encoding: Encoding) -> Vec<Vec<u8>> {
    let full = TimMessage {
        id: Some(77),
        mid: Some(1),
        data_binary: Some(Bytes::from_static(b"\0\x01\xff")),
        extend: Some([("key".to_owned(), "value".to_owned())].into()),
        extra: Some([("key".to_owned(), Bytes::from_static(b"\x83|"))].into()),
        to_list: Some(vec![friend.to_owned(); 3]),
        udtype: Some(-1),
        ..message(friend, "a good packet")
    };
    let add = TimReq {
        rtype: Some(operation::ADD),
        node: Some(friend.to_owned()),
        req_str: Some("hello".to_owned()),
        ..TimReq::default()
    };
    let lists = TimReq {
        rtype: Some(operation::ROSTER),
        ..TimReq::default()
    };
    vec![
        packet::client_packet(PacketType::Message, encoding, &full),
        packet::client_packet(PacketType::Message, encoding, &message(friend, "small")),
        packet::client_packet(PacketType::RevokeMessage, encoding, &retraction(2, friend, 1)),
        packet::client_packet(PacketType::BurnMessage, encoding, &retraction(3, friend, 1)),
        packet::client_packet(PacketType::PullMessage, encoding, &history_request(friend, 0, 10)),
        packet::client_packet(PacketType::Business, encoding, &add),
        packet::client_packet(PacketType::Business, encoding, &lists),
        packet::client_packet(PacketType::Auth, encoding, &person.on_device("again")),
        packet::delivery_ack(3, encoding),
        packet::offline_request(encoding),
        packet::ping(encoding),
    ]
}

fn mutated(good: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..7) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = random.random(),
            2 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            3 => bytes.insert(at, random.random()),
            4 if at < bytes.len() => drop(bytes.remove(at)),
            5 => {
                let tail = bytes.split_off(at);
                bytes.extend(vec![random.random::<u8>(); random.random_range(0..40)]);
                bytes.extend(tail);
            }
            _ => bytes.extend_from_within(at..),
        }
    }
    bytes.truncate(60_000);
    bytes
}

/// Reads until the answer to the last ping, or the end of the connection.
async fn is_alive(client: &mut Client) -> bool {
    if client.try_send_raw(packet::ping(client.encoding)).await.is_err() {
        return false;
    }
    loop {
        match within("an answer", client.incoming()).await {
            Incoming::Packet(received) if received.kind == PacketType::Ping => return true,
            Incoming::Packet(_) => {}
            Incoming::Closed(_) => return false,
        }
    }
}

async fn mutated_packets_disturb_nobody(encoding: Encoding) {
    let server = unlimited();
    let bystanders = Bystanders::start(&server).await;
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let mut random = StdRng::seed_from_u64(7);
    let good = good_packets(&pair.a, &pair.b.node, encoding);
    for number in 0..MUTATIONS {
        let bytes = mutated(&good[number % good.len()], &mut random);
        // Big data may announce pieces, and then what follows belongs to it, pings too (wire-protocol 7.9).
        if bytes
            .first()
            .is_some_and(|byte| (95..=97).contains(&(byte & 0x7F)))
        {
            continue;
        }
        let sent = a.try_send_raw(bytes.clone()).await.is_ok();
        // A mutated ping is answered like any other, so ask twice before judging.
        if number % 25 == 0 || !sent {
            assert!(is_alive(&mut a).await, "the session ended after {bytes:02x?}");
            a.drain().await;
            b.drain().await;
        }
    }
    a.drain().await;
    bystanders.were_undisturbed().await;
    b.close().await;
    pair.b.login(&server, encoding).await.offline().await;
}

async fn mutated_logins_let_nobody_in_and_disturb_nobody(encoding: Encoding) {
    let server = unlimited();
    let bystanders = Bystanders::start(&server).await;
    let person = Person::register(&server).await;
    let auth = TimAuth {
        pwd: Some("wrong".to_owned()),
        ..person.on_device("phone")
    };
    let good = packet::client_packet(PacketType::Auth, encoding, &auth);
    let mut random = StdRng::seed_from_u64(8);
    let mut client = Client::connect(server.address(), encoding).await;
    for _ in 0..400 {
        // The type byte stays, or every other packet would only be "not allowed before login".
        let mut bytes = mutated(&good[1..], &mut random);
        bytes.insert(0, good[0]);
        let answered = match client.try_send_raw(bytes).await {
            Ok(()) => match within("an answer", client.incoming()).await {
                Incoming::Packet(answer) => {
                    assert!(!answer.ack().ok, "a mutated login was accepted");
                    true
                }
                Incoming::Closed(_) => false,
            },
            Err(_) => false,
        };
        if !answered {
            // The time for a login was over.
            client = Client::connect(server.address(), encoding).await;
        }
    }
    bystanders.were_undisturbed().await;
    person.login(&server, encoding).await;
}

/// Covers: 11.3-7
async fn every_beginning_of_a_good_packet_is_answered_or_ignored(encoding: Encoding) {
    let server = unlimited();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for good in good_packets(&pair.a, &pair.b.node, encoding) {
        for length in 0..good.len() {
            a.send_raw(good[..length].to_vec()).await;
        }
        assert!(is_alive(&mut a).await);
        a.drain().await;
        b.drain().await;
    }
}

async fn nesting_bombs_are_refused(encoding: Encoding) {
    let server = unlimited();
    let (_pair, mut a, _b) = friends(&server, encoding).await;
    let deep_json = [b"\xda".as_slice(), &b"{\"toTid\":".repeat(20_000)].concat();
    let deep_list = [b"\xda{\"x\":".as_slice(), &b"[".repeat(200_000)].concat();
    // Struct fields inside struct fields.
    let deep_compact = [b"\x5a".as_slice(), &b"\x6c".repeat(200_000)].concat();
    // Lists of lists.
    let deep_compact_list = [b"\x5a\xf9\x02".as_slice(), &b"\x19".repeat(200_000)].concat();
    for bomb in [deep_json, deep_list, deep_compact, deep_compact_list] {
        a.send_raw(bomb).await;
        let answer = a.expect(PacketType::Ack).await.ack();
        assert!(!answer.ok, "{answer:?}");
    }
    a.expect_silence().await;
}

/// Covers: 6.5-3
async fn promised_lengths_take_no_memory(encoding: Encoding) {
    let server = unlimited();
    let (_pair, mut a, _b) = friends(&server, encoding).await;
    let before = resident_kib(server.id());
    // A string of 2^31 - 1 bytes, a list of as many structs, a map of as many pairs.
    for body in [
        &b"\x5a\x13\x02\x13\x01\xa8\xff\xff\xff\xff\x07x"[..],
        b"\x11\x29\xfc\xff\xff\xff\xff\x07",
        b"\x5a\x13\x02\x13\x01\xdb\xff\xff\xff\xff\x07\x88",
        b"\x29\x15\x08\x18\xff\xff\xff\xff\x0f",
    ] {
        for _ in 0..50 {
            a.send_raw(body.to_vec()).await;
        }
        a.drain().await;
    }
    let grown = resident_kib(server.id()).saturating_sub(before);
    assert!(grown < 20_000, "the server grew by {grown} KiB");
}

fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn random_bodies_to_tim2_are_answered_and_disturb_nobody() {
    let server = unlimited();
    let bystanders = Bystanders::start(&server).await;
    let person = Person::register(&server).await;
    let mut random = StdRng::seed_from_u64(9);
    for encoding in [Encoding::Compact, Encoding::Json] {
        for kind in [PacketType::Register, PacketType::Token] {
            let good = packet::client_packet(kind, encoding, &person.credentials());
            for _ in 0..100 {
                let body = mutated(&good, &mut random);
                let response = tim_tests::http::post(server.address(), "/tim2", &body).await;
                assert!(matches!(response.status, 200 | 400), "{response:?}");
            }
        }
    }
    bystanders.were_undisturbed().await;
}

in_both_encodings!(
    mutated_packets_disturb_nobody,
    mutated_logins_let_nobody_in_and_disturb_nobody,
    every_beginning_of_a_good_packet_is_answered_or_ignored,
    nesting_bombs_are_refused,
    promised_lengths_take_no_memory,
);
