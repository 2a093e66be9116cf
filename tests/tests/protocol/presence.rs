//! Presence: to one, to a list, to all friends, and the notice that an account has gone (wire-protocol 7.5, 8.2).

use bytes::Bytes;
use tim_protocol::wire::{Tid, TimPresence};
use tim_tests::chat::tid;
use tim_tests::people::{befriend, operation};
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings, shared,
};

/// A presence with everything an application may set.
fn rich() -> TimPresence {
    TimPresence {
        sub_status: Some(1),
        show: Some(7),
        status: Some("at \"lunch\"".into()),
        extend: Some([("mood".into(), "fine".into())].into()),
        extra: Some([("picture".into(), Bytes::from_static(&[0, 0x18, 255]))].into()),
        ..TimPresence::default()
    }
}

fn to_list(nodes: &[&str]) -> TimPresence {
    TimPresence {
        to_list: Some(nodes.iter().map(|&node| node.to_owned()).collect()),
        ..rich()
    }
}

fn to_one(node: &str) -> TimPresence {
    TimPresence {
        to_tid: Some(tid(node)),
        ..rich()
    }
}

trait Presences {
    async fn tell(&mut self, presence: &TimPresence);
    async fn broadcast(&mut self, presence: &TimPresence);
    async fn presence(&mut self) -> TimPresence;
    async fn refused_presence(&mut self, kind: PacketType, presence: &TimPresence, code: ErrorCode);
}

impl Presences for Client {
    async fn tell(&mut self, presence: &TimPresence) {
        self.send(PacketType::Presence, presence).await;
    }

    async fn broadcast(&mut self, presence: &TimPresence) {
        self.send(PacketType::BroadPresence, presence).await;
    }

    async fn presence(&mut self) -> TimPresence {
        let received = self.expect(PacketType::Presence).await;
        assert_eq!(received.send_id, None, "presence is not synchronous");
        received.decode()
    }

    async fn refused_presence(&mut self, kind: PacketType, presence: &TimPresence, code: ErrorCode) {
        self.send(kind, presence).await;
        self.expect(PacketType::Ack).await.refusal(kind, code);
    }
}

/// Two accounts that do not know each other.
async fn strangers(server: &Server, encoding: Encoding) -> (Client, Client) {
    let (a, b) = (Person::register(server).await, Person::register(server).await);
    (a.login(server, encoding).await, b.login(server, encoding).await)
}

/// Covers: 7.5-1, 7.5-2, 7.5-4, 7.5-5, 7.5-6, 7.5-9, 7.5-10
async fn a_presence_to_one_arrives_with_the_sender_and_the_addressee(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let mut a = Client::connect(server.address(), encoding).await;
    let mut auth = person.on_device("tablet");
    (auth.termtyp, auth.extend) = (Some(3), Some([("k".into(), "v".into())].into()));
    a.log_in(&auth).await;
    let other = Person::register(&server).await;
    let mut b = other.login(&server, encoding).await;
    let mut web = other.login_on(&server, Encoding::Json, "web").await;
    let forged = TimPresence {
        id: Some(42),
        offline: Some(true),
        from_tid: Some(tid("somebody")),
        ..to_one(&b.node)
    };
    a.tell(&forged).await;
    let expected = TimPresence {
        id: Some(42),
        from_tid: Some(Tid {
            node: a.node.clone(),
            domain: None,
            resource: Some("tablet".into()),
            termtyp: Some(3),
            extend: Some([("k".into(), "v".into())].into()),
        }),
        ..to_one(&b.node)
    };
    assert_eq!(b.presence().await, expected);
    assert_eq!(web.presence().await, expected, "every session of the addressee");
    a.expect_silence().await;
}

/// Covers: 7.5-5
async fn a_presence_without_an_id_gets_one(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    a.tell(&to_one(&b.node)).await;
    a.tell(&TimPresence {
        id: Some(0),
        ..to_one(&b.node)
    })
    .await;
    let ids = [b.presence().await.id.unwrap(), b.presence().await.id.unwrap()];
    assert!(ids[0] != 0 && ids[1] != 0 && ids[0] != ids[1], "{ids:?}");
}

/// Covers: 7.5-3
async fn each_addressee_of_a_list_sees_only_itself(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let mut c = Person::register(&server)
        .await
        .login(&server, Encoding::Json)
        .await;
    a.tell(&to_list(&[&b.node, &c.node, &b.node])).await;
    for client in [&mut b, &mut c] {
        let presence = client.presence().await;
        assert_eq!(presence.to_list, None);
        assert_eq!(presence.to_tid, Some(tid(&client.node)));
        assert_eq!(presence.extra, rich().extra);
        client.expect_silence().await;
    }
    a.expect_silence().await;
}

/// Type 91 prefers the list, type 19 the one.
/// Covers: 7.5-3, 7.5-13
async fn one_addressee_and_a_list_have_an_order_of_precedence(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let mut c = Person::register(&server).await.login(&server, encoding).await;
    let both = TimPresence {
        to_tid: Some(tid(&b.node)),
        ..to_list(&[&c.node])
    };
    a.tell(&both).await;
    c.presence().await;
    b.expect_silence().await;
    a.broadcast(&both).await;
    b.presence().await;
    c.expect_silence().await;
}

/// Covers: 7.5-7
async fn a_list_may_hold_somebody_unknown_only_beside_an_addressee_who_exists(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let unknown = tim_protocol::node::wide_account_node(&[1; 32], "", "nobody").to_string();
    a.refused_presence(
        PacketType::Presence,
        &to_list(&[&b.node, &unknown]),
        ErrorCode::Account,
    )
    .await;
    b.expect_silence().await;
    let beside = TimPresence {
        to_tid: Some(tid(&b.node)),
        ..to_list(&[&b.node, &unknown])
    };
    a.tell(&beside).await;
    b.presence().await;
    let other_way = TimPresence {
        to_tid: Some(tid(&unknown)),
        ..to_list(&[&b.node])
    };
    a.tell(&other_way).await;
    b.presence().await;
}

/// Covers: 7.5-7, 7.5-14
async fn unknown_and_malformed_addressees_are_refused(encoding: Encoding) {
    let server = shared();
    let (mut a, _b) = strangers(&server, encoding).await;
    let elsewhere = Person::register_in(&server, Some("other")).await;
    let unknown = tim_protocol::node::wide_account_node(&[1; 32], "", "nobody").to_string();
    for kind in [PacketType::Presence, PacketType::BroadPresence] {
        for node in ["", "no node", "abc", &unknown, &elsewhere.node] {
            a.refused_presence(kind, &to_one(node), ErrorCode::Account).await;
            a.refused_presence(kind, &to_list(&[node]), ErrorCode::Account)
                .await;
        }
    }
    a.refused_presence(PacketType::Presence, &rich(), ErrorCode::Account)
        .await;
}

async fn broken_packets_are_refused(encoding: Encoding) {
    let server = shared();
    let (mut a, _b) = strangers(&server, encoding).await;
    for kind in [PacketType::Presence, PacketType::BroadPresence] {
        let flag = if encoding == Encoding::Json { 0x80 } else { 0 };
        a.send_raw(vec![kind.as_u8() | flag, 0x15, 0x7B]).await;
        a.expect(PacketType::Ack).await.refusal(kind, ErrorCode::Format);
    }
}

/// Covers: 6.5-4, 11.3-14
async fn lists_and_sizes_are_limited(encoding: Encoding) {
    let server = Server::options().set("presence.max_list", "2").start();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let node = b.node.clone();
    let huge = TimPresence {
        status: Some("x".repeat(20_000)),
        ..to_one(&node)
    };
    for kind in [PacketType::Presence, PacketType::BroadPresence] {
        a.refused_presence(kind, &to_list(&[&node, &node, &node]), ErrorCode::Params)
            .await;
        a.refused_presence(kind, &huge, ErrorCode::Params).await;
    }
    let huge_for_all = TimPresence { to_tid: None, ..huge };
    a.refused_presence(PacketType::BroadPresence, &huge_for_all, ErrorCode::Params)
        .await;
    b.expect_silence().await;
}

/// Covers: 7.5-12, 7.5-15, 8.2-4
async fn a_broadcast_reaches_friends_only_and_has_no_id(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let mut tablet = pair.a.login_on(&server, encoding, "tablet").await;
    let mut stranger = Person::register(&server).await.login(&server, encoding).await;
    let sent = TimPresence {
        id: Some(9),
        offline: Some(true),
        ..rich()
    };
    a.broadcast(&sent).await;
    let presence = b.presence().await;
    let expected = TimPresence {
        from_tid: presence.from_tid.clone(),
        to_tid: Some(tid(&pair.b.node)),
        ..rich()
    };
    assert_eq!(presence, expected);
    let from = presence.from_tid.unwrap();
    assert_eq!(
        (from.node, from.resource.as_deref()),
        (pair.a.node, Some("phone"))
    );
    for client in [&mut a, &mut tablet, &mut stranger] {
        client.expect_silence().await;
    }
}

async fn a_new_friend_hears_and_a_removed_one_does_not(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let mut witness = Person::register(&server).await.login(&server, encoding).await;
    befriend(&mut a, &mut witness).await;
    a.broadcast(&rich()).await;
    witness.presence().await;
    befriend(&mut a, &mut b).await;
    a.broadcast(&rich()).await;
    witness.presence().await;
    b.presence().await;
    a.manage(operation::REMOVE, &b.node).await;
    assert_eq!(b.delivery().await.bn_type, Some(6));
    a.broadcast(&rich()).await;
    witness.presence().await;
    b.expect_silence().await;
}

/// Covers: 8.2-4
async fn presence_does_not_pass_a_block(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    b.manage(operation::BLOCK, &a.node).await;
    assert_eq!(a.delivery().await.bn_type, Some(7));
    a.tell(&to_one(&b.node)).await;
    a.tell(&to_list(&[&b.node])).await;
    a.broadcast(&to_one(&b.node)).await;
    a.expect_silence().await;
    b.expect_silence().await;
}

/// Covers: 7.5-16, W-12
async fn a_switch_keeps_strangers_apart(encoding: Encoding) {
    let server = Server::options().set("presence.to_strangers", "false").start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let mut stranger = Person::register(&server).await.login(&server, encoding).await;
    a.tell(&to_one(&pair.b.node)).await;
    b.presence().await;
    for kind in [PacketType::Presence, PacketType::BroadPresence] {
        stranger
            .refused_presence(kind, &to_one(&pair.b.node), ErrorCode::PermDenied)
            .await;
    }
    let mixed = to_list(&[&pair.b.node, &stranger.node]);
    a.refused_presence(PacketType::Presence, &mixed, ErrorCode::PermDenied)
        .await;
    b.expect_silence().await;
}

/// Covers: 7.5-11
async fn nobody_gets_presence_later(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    a.tell(&to_one(&pair.b.node)).await;
    a.broadcast(&rich()).await;
    a.expect_silence().await;
    let mut b = pair.b.login(&server, encoding).await;
    assert_eq!(b.offline().await.concat(), []);
    b.expect_silence().await;
}

/// Covers: 8.2-1, 8.2-2, W-29, 8.2-5
async fn friends_hear_once_that_the_last_session_has_ended(encoding: Encoding) {
    let server = Server::options().unset("presence.offline_notices").start();
    let (pair, a, mut b) = friends(&server, encoding).await;
    let tablet = pair.a.login_on(&server, encoding, "tablet").await;
    a.close().await;
    b.expect_silence().await;
    tablet.abandon().await;
    let presence = b.presence().await;
    let from = presence.from_tid.clone().unwrap();
    assert_eq!(
        (from.node, from.resource.as_deref()),
        (pair.a.node, Some("tablet"))
    );
    assert!(presence.id.is_some_and(|id| id != 0));
    let expected = TimPresence {
        id: presence.id,
        offline: Some(true),
        from_tid: presence.from_tid.clone(),
        to_tid: Some(tid(&pair.b.node)),
        ..TimPresence::default()
    };
    assert_eq!(presence, expected);
    b.expect_silence().await;
}

/// Covers: 8.2-3
async fn a_switch_silences_the_notice_of_the_end(encoding: Encoding) {
    let server = Server::options().set("presence.offline_notices", "false").start();
    let (pair, a, mut b) = friends(&server, encoding).await;
    a.close().await;
    // What comes after it on the same way shows that it would have come.
    let mut a = pair.a.login(&server, encoding).await;
    a.broadcast(&rich()).await;
    assert_eq!(b.presence().await.offline, None);
    b.expect_silence().await;
}

async fn only_the_newest_waiting_broadcast_of_an_account_is_delivered(encoding: Encoding) {
    // One delivery per second: the second broadcast waits while others arrive.
    let server = Server::options()
        .set("presence.deliveries_per_second", "1")
        .start();
    let (_pair, mut a, mut b) = friends(&server, encoding).await;
    for show in 1..=50 {
        a.broadcast(&TimPresence {
            show: Some(show),
            ..rich()
        })
        .await;
    }
    // Messages do not wait for presence.
    a.chat(&b.node, "hello").await;
    let mut seen = Vec::new();
    while seen.last() != Some(&50) {
        seen.push(
            b.take(PacketType::Presence)
                .await
                .decode::<TimPresence>()
                .show
                .unwrap(),
        );
    }
    assert!(seen.len() <= 4 && seen.is_sorted(), "{seen:?}");
}

in_both_encodings!(
    a_presence_to_one_arrives_with_the_sender_and_the_addressee,
    a_presence_without_an_id_gets_one,
    each_addressee_of_a_list_sees_only_itself,
    one_addressee_and_a_list_have_an_order_of_precedence,
    a_list_may_hold_somebody_unknown_only_beside_an_addressee_who_exists,
    unknown_and_malformed_addressees_are_refused,
    broken_packets_are_refused,
    lists_and_sizes_are_limited,
    a_broadcast_reaches_friends_only_and_has_no_id,
    a_new_friend_hears_and_a_removed_one_does_not,
    presence_does_not_pass_a_block,
    a_switch_keeps_strangers_apart,
    nobody_gets_presence_later,
    friends_hear_once_that_the_last_session_has_ended,
    a_switch_silences_the_notice_of_the_end,
    only_the_newest_waiting_broadcast_of_an_account_is_delivered,
);
