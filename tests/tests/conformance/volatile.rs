//! What is never stored: presence, virtual rooms, big data (wire-protocol 7.5, 7.9, 7.12, 8.2), as far as the suite
//! `protocol` does not show it.

use serde_json::{Value, json};
use tim_protocol::wire::{TimPresence, TimReq, TimStream};
use tim_tests::chat::{message, tid};
use tim_tests::people::{befriend, operation};
use tim_tests::rooms::people;
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Received, Server, secrets, shared};

use crate::mix::{Mix, in_every_mix};

fn presence_to(node: &str) -> TimPresence {
    TimPresence {
        to_tid: Some(tid(node)),
        ..TimPresence::default()
    }
}

/// Covers: 7.5-6
async fn zero_and_empty_are_told_from_absent_in_a_presence(mix: Mix) {
    let server = shared();
    let (_people, [mut a, mut b]) = people(&server, |index| mix.of(index)).await;
    let sent = TimPresence {
        sub_status: Some(0),
        show: Some(0),
        status: Some(String::new()),
        ..presence_to(&b.node)
    };
    a.send(PacketType::Presence, &sent).await;
    let got: TimPresence = b.expect(PacketType::Presence).await.decode();
    assert_eq!(
        (got.sub_status, got.show, got.status),
        (Some(0), Some(0), Some(String::new()))
    );
    assert_eq!((got.offline, got.extend, got.extra), (None, None, None));
}

/// Covers: 8.2-4
async fn only_friends_hear_of_the_end(mix: Mix) {
    let server = Server::options().unset("presence.offline_notices").start();
    let (_people, [mut a, mut friend, mut former, mut stranger]) =
        people(&server, |index| mix.of(index)).await;
    befriend(&mut a, &mut friend).await;
    befriend(&mut a, &mut former).await;
    former.manage(operation::BLOCK, &a.node).await;
    a.delivery().await;
    a.close().await;
    let end: TimPresence = friend.expect(PacketType::Presence).await.decode();
    assert_eq!(end.offline, Some(true));
    // The friend has heard, so the others would have too.
    former.expect_silence().await;
    stranger.expect_silence().await;
}

async fn new_channel(client: &mut Client) -> String {
    let request = TimReq {
        rtype: Some(1),
        ..TimReq::default()
    };
    client.send(PacketType::VRoom, &request).await;
    client
        .take(PacketType::Ack)
        .await
        .success(PacketType::VRoom)
        .n
        .unwrap()
}

fn subscription(channel: &str) -> TimReq {
    TimReq {
        rtype: Some(5),
        node: Some(channel.to_owned()),
        ..TimReq::default()
    }
}

async fn subscribe(client: &mut Client, channel: &str) {
    client.send(PacketType::VRoom, &subscription(channel)).await;
    client.take(PacketType::Ack).await.success(PacketType::VRoom);
}

async fn publish(client: &mut Client, channel: &str, body: &[u8]) {
    let chunk = TimStream {
        vnode: channel.to_owned(),
        body: Some(body.to_vec().into()),
        ..TimStream::default()
    };
    client.send(PacketType::Stream, &chunk).await;
}

async fn next_body(client: &mut Client) -> Vec<u8> {
    let chunk: TimStream = client.take(PacketType::Stream).await.decode();
    chunk.body.unwrap().to_vec()
}

/// Covers: 7.12-slow-1, W-44
async fn a_subscriber_that_does_not_read_holds_nobody_up(mix: Mix) {
    let server = Server::options()
        .set("virtual_rooms.waiting_bytes", "\"64KiB\"")
        .start();
    let (_people, [mut owner, mut slow, mut quick]) = people(&server, |index| mix.of(index)).await;
    let channel = new_channel(&mut owner).await;
    subscribe(&mut slow, &channel).await;
    subscribe(&mut quick, &channel).await;
    let mut body = vec![0; 60_000];
    for number in 0..200_u8 {
        body[0] = number;
        publish(&mut owner, &channel, &body).await;
        assert_eq!(next_body(&mut quick).await[0], number);
    }
    let lost_some = slow.drain().await.len();
    assert!(lost_some < 200, "{lost_some}");
}

fn big(kind: u8, node: &str, data: &[u8]) -> Vec<u8> {
    let separator = if kind == 95 { b'|' } else { 0x83 };
    let body = [node.as_bytes(), &[separator], data].concat();
    let length = u32::try_from(5 + body.len()).unwrap();
    [&[kind], &length.to_be_bytes()[..], &body].concat()
}

/// Covers: 7.9-4, 7.9-14, 5.4-5
async fn every_session_gets_the_same_bytes(mix: Mix) {
    let server = shared();
    let (people_in, [mut a, mut phone]) = people(&server, |index| mix.of(index)).await;
    befriend(&mut a, &mut phone).await;
    let mut web = people_in[1].login_on(&server, mix.of(0), "web").await;
    web.offline().await;
    // UTF-8, then the same letter in ISO-8859-1, which is no UTF-8.
    for (kind, data) in [
        (95, "grüße".as_bytes()),
        (95, &b"gr\xfc\xdfe"[..]),
        (96, &[0, 0x83, 255]),
    ] {
        for flag in [0, 0x80] {
            let mut packet = big(kind, &phone.node, data);
            packet[0] |= flag;
            a.send_raw(packet).await;
            let separator = if kind == 95 { b'|' } else { 0x83 };
            let expected = [a.node.as_bytes(), &[separator], data].concat();
            for client in [&mut phone, &mut web] {
                let received = client.take(PacketType::from_u8(kind).unwrap()).await;
                assert_eq!((received.send_id, &received.payload[..]), (None, &expected[..]));
            }
        }
    }
}

/// Covers: 7.9-9
async fn unfinished_data_ends_with_its_connection(mix: Mix) {
    let server = shared();
    let (people_in, [mut a, mut b]) = people(&server, |index| mix.of(index)).await;
    befriend(&mut a, &mut b).await;
    let packet = big(96, &b.node, &[1; 100]);
    a.send_raw(packet[..60].to_vec()).await;
    a.close().await;
    let mut a = people_in[0].login(&server, mix.of(0)).await;
    a.send_raw(big(96, &b.node, b"whole")).await;
    let received = b.take(PacketType::BigBinary).await;
    assert!(received.payload.ends_with(b"whole"), "{received:?}");
    b.expect_silence().await;
}

/// Covers: W-11
async fn without_the_friendship_requirement_big_data_obeys_blocks(mix: Mix) {
    let server = Server::options()
        .set("messages.require_friendship", "false")
        .start();
    let (_people, [mut a, mut b]) = people(&server, |index| mix.of(index)).await;
    a.send_raw(big(95, &b.node, b"hello")).await;
    b.take(PacketType::BigString).await;
    b.manage(operation::BLOCK, &a.node).await;
    a.delivery().await;
    for (kind, packet_type) in [(95, PacketType::BigString), (96, PacketType::BigBinary)] {
        a.send_raw(big(kind, &b.node, b"spam")).await;
        a.expect(PacketType::Ack)
            .await
            .refusal(packet_type, ErrorCode::PermDenied);
    }
    let b_node = b.node.clone();
    a.refused_message(&message(&b_node, &secrets::text("no")), ErrorCode::PermDenied)
        .await;
    b.expect_silence().await;
}

fn as_json(received: &Received) -> Value {
    serde_json::from_slice(&received.payload).unwrap()
}

async fn send_json(client: &mut Client, kind: PacketType, value: Value) {
    let text = value.to_string();
    client
        .send_raw([&[kind.as_u8() | 0x80], text.as_bytes()].concat())
        .await;
}

/// The packet of timjs has `vNode`, that of atim would have neither `id` nor `fromNode`.
/// Covers: 11.1-2, 11.1-11
#[tokio::test]
async fn pushes_of_timjs_and_atim_are_understood() {
    let server = shared();
    let (_people, [mut a]) = people(&server, |_| Encoding::Json).await;
    let channel = new_channel(&mut a).await;
    subscribe(&mut a, &channel).await;
    let timjs = json!({"id": null, "vNode": channel, "dtype": 7, "body": "AQID", "fromNode": null});
    for (packet, dtype) in [
        (timjs, Some(7)),
        (json!({"VNode": channel, "body": "AQID"}), None),
    ] {
        send_json(&mut a, PacketType::Stream, packet).await;
        let chunk: TimStream = a.expect(PacketType::Stream).await.decode();
        assert_eq!(
            (chunk.dtype, chunk.body.as_deref()),
            (dtype, Some(&[1, 2, 3][..]))
        );
        assert_eq!(chunk.from_node, a.node);
    }
    // In compact: field 2, the room, and field 4, the body.
    let length = u8::try_from(channel.len()).unwrap();
    let compact = [&[94, 0x28, length], channel.as_bytes(), &[0x28, 1, 9, 0]].concat();
    a.send_raw(compact).await;
    let chunk: TimStream = a.expect(PacketType::Stream).await.decode();
    assert_eq!(chunk.body.as_deref(), Some(&[9][..]));
    // Every presence of timjs says that it is not offline.
    let me = a.node.clone();
    send_json(
        &mut a,
        PacketType::Presence,
        json!({"offline": false, "toTid": {"node": me}, "show": null}),
    )
    .await;
    assert_eq!(
        as_json(&a.expect(PacketType::Presence).await).get("offline"),
        None
    );
}

in_every_mix!(
    zero_and_empty_are_told_from_absent_in_a_presence,
    only_friends_hear_of_the_end,
    a_subscriber_that_does_not_read_holds_nobody_up,
    every_session_gets_the_same_bytes,
    unfinished_data_ends_with_its_connection,
    without_the_friendship_requirement_big_data_obeys_blocks,
);
