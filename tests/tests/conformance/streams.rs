//! Virtual rooms and presence, as far as the suite `protocol` does not show it (wire-protocol 7.12, 8.2).

use std::time::Duration;

use tim_protocol::wire::{TimReq, TimStream};
use tim_tests::{Client, Encoding, PacketType, Person, Server, friends, in_both_encodings, shared};

async fn ask(client: &mut Client, rtype: i32, room: Option<&str>) -> Option<String> {
    let request = TimReq {
        rtype: Some(rtype),
        node: room.map(str::to_owned),
        ..TimReq::default()
    };
    client.send(PacketType::VRoom, &request).await;
    client.take(PacketType::Ack).await.success(PacketType::VRoom).n
}

async fn publish(client: &mut Client, room: &str, number: i64) {
    let chunk = TimStream {
        vnode: room.to_owned(),
        body: Some(number.to_be_bytes().to_vec().into()),
        ..TimStream::default()
    };
    client.send(PacketType::Stream, &chunk).await;
}

async fn next(client: &mut Client) -> i64 {
    let chunk: TimStream = client.take(PacketType::Stream).await.decode();
    i64::from_be_bytes(chunk.body.unwrap()[..].try_into().unwrap())
}

/// Covers: 7.12-push-6, 7.12-slow-2
async fn chunks_arrive_in_order_and_only_those_after_subscribing(encoding: Encoding) {
    let server = shared();
    let (_, mut a, mut b) = friends(&server, encoding).await;
    let room = ask(&mut a, 1, None).await.unwrap();
    publish(&mut a, &room, -1).await;
    // The answer to a request says that everything before it was done.
    a.expect_silence().await;
    ask(&mut b, 5, Some(&room)).await;
    for number in 0..500 {
        publish(&mut a, &room, number).await;
    }
    for number in 0..500 {
        assert_eq!(next(&mut b).await, number);
    }
    b.expect_silence().await;
}

/// Covers: 7.12-expiry-1
async fn a_room_lives_as_long_as_something_is_published(encoding: Encoding) {
    let server = Server::options()
        .set("virtual_rooms.expire_after", "\"1s\"")
        .start();
    let (_, mut a, mut b) = friends(&server, encoding).await;
    let room = ask(&mut a, 1, None).await.unwrap();
    ask(&mut b, 5, Some(&room)).await;
    for number in 0..15 {
        publish(&mut a, &room, number).await;
        assert_eq!(next(&mut b).await, number);
        // What this is about is the passing of time.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    tim_tests::within("the room to end", async {
        loop {
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            publish(&mut a, &room, 99).await;
            if !a.drain().await.is_empty() {
                break;
            }
        }
    })
    .await;
}

/// Covers: 8.2-5
async fn a_replaced_device_is_no_end_of_the_account(encoding: Encoding) {
    let server = Server::options()
        .set("accounts.device_limit", "1")
        .set("accounts.relogin_interval", "\"0s\"")
        .unset("presence.offline_notices")
        .start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let mut tablet = pair.a.login_on(&server, encoding, "tablet").await;
    let farewell = a.take(PacketType::Ack).await.ack();
    assert_eq!(farewell.tim_type, PacketType::Logout.as_i8());
    a.expect_close().await;
    b.expect_silence().await;
    tablet.chat(&pair.b.node, "still here").await;
    b.delivery().await;
    tablet.close().await;
    let presence: tim_protocol::wire::TimPresence = b.take(PacketType::Presence).await.decode();
    assert_eq!(presence.offline, Some(true));
}

/// Covers: 6.7-1
async fn everything_is_enabled_by_default(encoding: Encoding) {
    let server = Server::options().unset("operations.disabled").start();
    let person = Person::register(&server).await;
    let mut client = person.login(&server, encoding).await;
    let request = TimReq {
        rtype: Some(i32::MAX),
        ..TimReq::default()
    };
    for kind in [PacketType::Business, PacketType::VRoom, PacketType::PullMessage] {
        client.send(kind, &request).await;
        assert!(
            !client.take(PacketType::Ack).await.ack().ok,
            "{kind:?} is answered"
        );
    }
    client.offline().await;
}

in_both_encodings!(
    chunks_arrive_in_order_and_only_those_after_subscribing,
    a_room_lives_as_long_as_something_is_published,
    a_replaced_device_is_no_end_of_the_account,
    everything_is_enabled_by_default,
);
