//! Friends and blocks: every row of the state table, seen from both sides (wire-protocol 7.8, 10.7;
//! behaviour 6, W-25, W-46).

use tim_protocol::wire::{TimMessage, TimReq};
use tim_tests::chat::{message, tid};
use tim_tests::people::{befriend, operation};
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings, secrets, shared,
};

/// Notices the server sends about friendship.
const REQUEST: i32 = 4;
const FRIENDS: i32 = 5;
const REMOVED: i32 = 6;
const BLOCKED: i32 = 7;

async fn strangers(server: &Server, encoding: Encoding) -> (Client, Client) {
    let a = Person::register(server).await.login(server, encoding).await;
    let b = Person::register(server).await.login(server, encoding).await;
    (a, b)
}

async fn notice(client: &mut Client) -> TimMessage {
    let notice = client.delivery().await;
    assert_eq!((notice.ms_type, notice.od_type, notice.mid), (2, 4, None));
    notice
}

async fn lists(client: &mut Client) -> [Vec<String>; 2] {
    [
        client.list(operation::ROSTER).await,
        client.list(operation::BLOCK_LIST).await,
    ]
}

async fn assert_no_friends(a: &mut Client, b: &mut Client) {
    assert_eq!(a.list(operation::ROSTER).await, Vec::<String>::new());
    assert_eq!(b.list(operation::ROSTER).await, Vec::<String>::new());
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    a.refused_message(&message(&b_node, "no"), ErrorCode::PermDenied)
        .await;
    b.refused_message(&message(&a_node, "no"), ErrorCode::PermDenied)
        .await;
}

/// Covers: 7.8-6, 7.8-15
async fn a_request_reaches_the_other_with_its_greeting_and_makes_no_friendship(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let greeting = secrets::text("do you remember me?");
    let node = b.node.clone();
    a.request(operation::ADD, Some(&node), Some(&greeting)).await;
    let request = notice(&mut b).await;
    assert_eq!(
        (request.bn_type, request.data_string),
        (Some(REQUEST), Some(greeting))
    );
    let from = request.from_tid.unwrap();
    assert_eq!(
        (from.node.as_str(), from.resource.as_deref()),
        (a.node.as_str(), Some("phone"))
    );
    assert_eq!(request.to_tid, Some(tid(&b.node)));
    assert!(request.id.is_some_and(|id| id != 0) && request.timestamp.is_some());
    a.expect_silence().await;
    assert_no_friends(&mut a, &mut b).await;
}

async fn a_greeting_may_be_empty(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let node = b.node.clone();
    a.request(operation::ADD, Some(&node), Some("")).await;
    assert_eq!(notice(&mut b).await.data_string.as_deref(), Some(""));
}

/// Covers: 7.8-18
async fn a_greeting_is_at_most_one_kibibyte(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let node = b.node.clone();
    a.refused(
        operation::ADD,
        Some(&node),
        Some(&"x".repeat(1_025)),
        ErrorCode::Params,
    )
    .await;
    b.expect_silence().await;
    a.request(operation::ADD, Some(&node), Some(&"x".repeat(1_024)))
        .await;
    assert_eq!(notice(&mut b).await.bn_type, Some(REQUEST));
}

/// Every request is stored for the other to read, so nobody may fill an inbox with them.
/// Covers: 7.8-18
async fn requests_to_one_person_are_limited(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let node = b.node.clone();
    for _ in 0..20 {
        a.request(operation::ADD, Some(&node), Some("please")).await;
        notice(&mut b).await;
    }
    a.refused(operation::ADD, Some(&node), Some("please"), ErrorCode::OverHz)
        .await;
    b.expect_silence().await;
}

/// The connection may end at any moment: a change is stored and in force, or neither.
async fn a_block_is_in_force_also_when_its_requester_is_gone(encoding: Encoding) {
    let server = shared();
    let mut stored = 0;
    for delay in 0..12 {
        let (pair, mut a, mut b) = friends(&server, encoding).await;
        b.request(operation::BLOCK, Some(&pair.a.node), None).await;
        // The moment of the end varies; nothing is waited for.
        tokio::time::sleep(std::time::Duration::from_micros(200 * delay)).await;
        let lost = b.into_stream();
        lost.set_zero_linger().unwrap();
        drop(lost);
        let mut b = pair.b.login(&server, encoding).await;
        if b.list(operation::BLOCK_LIST).await.contains(&pair.a.node) {
            stored += 1;
            a.take(PacketType::Message).await;
            a.refused_message(&message(&pair.b.node, "no"), ErrorCode::PermDenied)
                .await;
        }
    }
    assert!(stored > 0, "no block was stored, so nothing was tried");
}

/// Covers: 7.8-7, 7.8-2
async fn two_requests_make_friends_of_both(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    befriend(&mut a, &mut b).await;
    assert_eq!(lists(&mut a).await, [vec![b.node.clone()], vec![]]);
    assert_eq!(lists(&mut b).await, [vec![a.node.clone()], vec![]]);
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    a.chat(&b_node, "hello").await;
    b.delivery().await;
    b.chat(&a_node, "hello").await;
    a.delivery().await;
}

/// Covers: 7.8-7
async fn the_second_side_is_told_of_the_friendship_in_an_answer(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    a.add(&b_node).await;
    notice(&mut b).await;
    b.add(&a_node).await;
    let answer = b.expect(PacketType::Ack).await.success(PacketType::Business);
    assert_eq!((answer.t, answer.n), (Some(5), Some(a_node)));
    let friends = notice(&mut a).await;
    assert_eq!((friends.bn_type, friends.data_string), (Some(FRIENDS), None));
    b.expect_silence().await;
}

/// W-25.
/// Covers: 11.3-9, W-25
async fn a_repeated_one_sided_request_makes_no_friendship(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let node = b.node.clone();
    for _ in 0..3 {
        a.add(&node).await;
        assert_eq!(notice(&mut b).await.bn_type, Some(REQUEST));
    }
    a.expect_silence().await;
    assert_no_friends(&mut a, &mut b).await;
}

/// Covers: 7.8-5
async fn asking_a_friend_again_is_refused_with_4117(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for _ in 0..2 {
        a.refused(operation::ADD, Some(&pair.b.node), Some(""), ErrorCode::Repeat)
            .await;
    }
    b.expect_silence().await;
    assert_eq!(a.list(operation::ROSTER).await, [pair.b.node]);
}

/// Covers: 7.8-1, 7.8-3, 7.8-9, 7.8-12
async fn requests_are_checked(encoding: Encoding) {
    let server = shared();
    let (mut a, b) = strangers(&server, encoding).await;
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    let unknown = tim_protocol::node::wide_node_from_random([9; 15]);
    let mut mistyped = b_node.clone();
    let last = if mistyped.pop() == Some('2') { '3' } else { '2' };
    mistyped.push(last);
    for (rtype, node, text, code) in [
        (operation::ADD, None, Some(""), ErrorCode::Params),
        (operation::ADD, Some(b_node.as_str()), None, ErrorCode::Params),
        (operation::ADD, Some("no|node"), Some(""), ErrorCode::Account),
        (operation::ADD, Some(""), Some(""), ErrorCode::Account),
        (
            operation::ADD,
            Some(mistyped.as_str()),
            Some(""),
            ErrorCode::Account,
        ),
        (
            operation::ADD,
            Some(unknown.as_str()),
            Some(""),
            ErrorCode::Account,
        ),
        (
            operation::ADD,
            Some(a_node.as_str()),
            Some(""),
            ErrorCode::PermDenied,
        ),
        (operation::REMOVE, None, None, ErrorCode::Params),
        (operation::REMOVE, Some("no|node"), None, ErrorCode::Account),
        (operation::REMOVE, Some(b_node.as_str()), None, ErrorCode::Params),
        (operation::BLOCK, None, None, ErrorCode::Params),
        (operation::BLOCK, Some("no|node"), None, ErrorCode::Account),
        (
            operation::BLOCK,
            Some(a_node.as_str()),
            None,
            ErrorCode::PermDenied,
        ),
        (0, Some(b_node.as_str()), Some(""), ErrorCode::Params),
        (22, Some(b_node.as_str()), Some(""), ErrorCode::Params),
        (-1, Some(b_node.as_str()), Some(""), ErrorCode::Params),
    ] {
        a.refused(rtype, node, text, code).await;
    }
    a.send(PacketType::Business, &TimReq::default()).await;
    a.expect(PacketType::Ack)
        .await
        .refusal(PacketType::Business, ErrorCode::Params);
    a.expect_silence().await;
}

/// Covers: 7.8-10, 7.8-11
async fn removing_a_friend_ends_the_friendship_of_both_and_tells_the_other(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    a.manage(operation::REMOVE, &pair.b.node).await;
    assert_eq!(notice(&mut b).await.bn_type, Some(REMOVED));
    assert_no_friends(&mut a, &mut b).await;
    // Nothing is left to remove, and a new friendship needs both again.
    a.refused(operation::REMOVE, Some(&pair.b.node), None, ErrorCode::Params)
        .await;
    befriend(&mut b, &mut a).await;
}

/// Covers: 7.8-11
async fn removing_withdraws_an_own_request_and_declines_that_of_the_other(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    a.add(&b_node).await;
    notice(&mut b).await;
    a.manage(operation::REMOVE, &b_node).await;
    assert_eq!(notice(&mut b).await.bn_type, Some(REMOVED));
    b.add(&a_node).await;
    assert_eq!(
        notice(&mut a).await.bn_type,
        Some(REQUEST),
        "the withdrawn request does not count"
    );
    a.manage(operation::REMOVE, &b_node).await;
    assert_eq!(notice(&mut b).await.bn_type, Some(REMOVED));
    a.add(&b_node).await;
    assert_eq!(
        notice(&mut b).await.bn_type,
        Some(REQUEST),
        "the declined request does not count"
    );
    assert_no_friends(&mut a, &mut b).await;
}

/// Covers: 7.8-4, 7.8-13, 7.8-14
async fn blocking_a_stranger_tells_them_and_keeps_them_away(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    a.manage(operation::BLOCK, &b_node).await;
    assert_eq!(notice(&mut b).await.bn_type, Some(BLOCKED));
    assert_eq!(lists(&mut a).await, [vec![], vec![b_node.clone()]]);
    assert_eq!(lists(&mut b).await, [Vec::<String>::new(), vec![]]);
    b.refused(operation::ADD, Some(&a_node), Some(""), ErrorCode::Block)
        .await;
    a.expect_silence().await;
    // Again: the same answer, no further notice.
    a.manage(operation::BLOCK, &b_node).await;
    b.expect_silence().await;
    assert_no_friends(&mut a, &mut b).await;
}

/// Covers: 7.8-13, 7.8-16, 11.3-13
async fn blocking_a_friend_ends_the_friendship_at_once(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    b.chat(&pair.a.node, "permission is cached now").await;
    a.delivery().await;
    a.manage(operation::BLOCK, &pair.b.node).await;
    assert_eq!(notice(&mut b).await.bn_type, Some(BLOCKED));
    b.refused_message(&message(&pair.a.node, "too late"), ErrorCode::PermDenied)
        .await;
    a.refused_message(&message(&pair.b.node, "neither way"), ErrorCode::PermDenied)
        .await;
    assert_eq!(lists(&mut a).await, [vec![], vec![pair.b.node.clone()]]);
    assert_eq!(lists(&mut b).await, [Vec::<String>::new(), vec![]]);
    a.expect_silence().await;
    b.expect_silence().await;
}

/// Covers: 7.8-11
async fn removing_lifts_an_own_block_and_the_other_may_ask_again(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    a.manage(operation::BLOCK, &b_node).await;
    notice(&mut b).await;
    a.manage(operation::REMOVE, &b_node).await;
    assert_eq!(notice(&mut b).await.bn_type, Some(REMOVED));
    assert_eq!(lists(&mut a).await, [Vec::<String>::new(), vec![]]);
    b.add(&a_node).await;
    assert_eq!(notice(&mut a).await.bn_type, Some(REQUEST));
}

/// Covers: 7.8-8
async fn asking_somebody_i_block_lifts_my_block(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    a.manage(operation::BLOCK, &b_node).await;
    notice(&mut b).await;
    a.add(&b_node).await;
    assert_eq!(notice(&mut b).await.bn_type, Some(REQUEST));
    assert_eq!(lists(&mut a).await, [Vec::<String>::new(), vec![]]);
    b.add(&a_node).await;
    b.expect(PacketType::Ack).await.success(PacketType::Business);
    assert_eq!(notice(&mut a).await.bn_type, Some(FRIENDS));
}

/// Covers: 7.8-10, 7.8-11
async fn removing_while_the_other_blocks_keeps_that_block_and_says_nothing(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    b.manage(operation::BLOCK, &a_node).await;
    notice(&mut a).await;
    a.request(operation::REMOVE, Some(&b_node), None).await;
    a.expect(PacketType::Ack).await.success(PacketType::Business);
    b.expect_silence().await;
    assert_eq!(lists(&mut b).await, [vec![], vec![a_node]]);
    a.refused(operation::ADD, Some(&b_node), Some(""), ErrorCode::Block)
        .await;
}

/// W-46.
/// Covers: W-46
async fn two_people_may_block_each_other_and_unblock_independently(encoding: Encoding) {
    let server = shared();
    let (mut a, mut b) = strangers(&server, encoding).await;
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    a.manage(operation::BLOCK, &b_node).await;
    notice(&mut b).await;
    b.manage(operation::BLOCK, &a_node).await;
    assert_eq!(lists(&mut a).await, [vec![], vec![b_node.clone()]]);
    assert_eq!(lists(&mut b).await, [vec![], vec![a_node.clone()]]);
    a.manage(operation::REMOVE, &b_node).await;
    assert_eq!(lists(&mut a).await, [Vec::<String>::new(), vec![]]);
    assert_eq!(lists(&mut b).await, [vec![], vec![a_node.clone()]]);
    a.refused(operation::ADD, Some(&b_node), Some(""), ErrorCode::Block)
        .await;
    b.manage(operation::REMOVE, &a_node).await;
    assert_eq!(lists(&mut b).await, [Vec::<String>::new(), vec![]]);
    a.drain().await;
    b.drain().await;
    befriend(&mut a, &mut b).await;
}

/// Covers: 7.8-16, 11.3-13
async fn permission_follows_a_change_at_once_in_both_directions(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for round in 0..5 {
        let words = format!("round {round}");
        b.chat(&pair.a.node, &words).await;
        a.delivery().await;
        a.manage(operation::REMOVE, &pair.b.node).await;
        notice(&mut b).await;
        b.refused_message(&message(&pair.a.node, "removed"), ErrorCode::PermDenied)
            .await;
        befriend(&mut a, &mut b).await;
    }
}

/// Covers: 7.8-15
async fn notices_wait_for_those_who_are_offline(encoding: Encoding) {
    let server = shared();
    let (a, b) = (Person::register(&server).await, Person::register(&server).await);
    let mut asking = a.login(&server, encoding).await;
    asking.add(&b.node).await;
    asking.expect_silence().await;
    asking.close().await;
    let mut answering = b.login(&server, encoding).await;
    let waiting = answering.offline().await.concat();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].bn_type, waiting[0].is_offline),
        (Some(REQUEST), Some(true))
    );
    assert_eq!(waiting[0].from_tid, Some(tid(&a.node)), "reduced to the node");
    answering.add(&a.node).await;
    answering
        .expect(PacketType::Ack)
        .await
        .success(PacketType::Business);
    let mut asking = a.login(&server, encoding).await;
    let waiting = asking.offline().await.concat();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].bn_type, Some(FRIENDS));
}

/// Covers: 7.8-19
async fn relations_survive_kill_9(encoding: Encoding) {
    let server = Server::start();
    let (pair, mut a, _b) = friends(&server, encoding).await;
    let enemy = Person::register(&server).await;
    a.manage(operation::BLOCK, &enemy.node).await;
    server.kill();
    server.run();
    let mut a = pair.a.login(&server, encoding).await;
    assert_eq!(
        lists(&mut a).await,
        [vec![pair.b.node.clone()], vec![enemy.node.clone()]]
    );
    let mut b = pair.b.login(&server, encoding).await;
    b.chat(&pair.a.node, "still friends").await;
    a.delivery().await;
}

/// Covers: 7.8-17
#[tokio::test]
async fn crossing_requests_always_end_in_one_friendship() {
    let server = shared();
    for _ in 0..10 {
        let (mut a, mut b) = strangers(&server, Encoding::Compact).await;
        let (a_node, b_node) = (a.node.clone(), b.node.clone());
        tokio::join!(a.add(&b_node), b.add(&a_node));
        // Whoever came second is told by an answer, the other by a notice.
        let both = [a.drain().await, b.drain().await];
        let answers = both
            .iter()
            .flatten()
            .filter(|it| it.kind == PacketType::Ack)
            .count();
        assert!(answers <= 1, "{both:?}");
        tim_tests::within("the friendship", async {
            while a.list_ignoring_messages().await != [b_node.clone()] {}
            while b.list_ignoring_messages().await != [a_node.clone()] {}
        })
        .await;
    }
}

trait Roster {
    async fn list_ignoring_messages(&mut self) -> Vec<String>;
}

impl Roster for Client {
    async fn list_ignoring_messages(&mut self) -> Vec<String> {
        self.request(operation::ROSTER, None, None).await;
        let all = self.drain().await;
        let list = all.iter().find(|it| it.kind == PacketType::Nodes);
        list.and_then(|it| it.nodes().nodelist).unwrap_or_default()
    }
}

in_both_encodings!(
    a_request_reaches_the_other_with_its_greeting_and_makes_no_friendship,
    a_greeting_may_be_empty,
    two_requests_make_friends_of_both,
    the_second_side_is_told_of_the_friendship_in_an_answer,
    a_repeated_one_sided_request_makes_no_friendship,
    asking_a_friend_again_is_refused_with_4117,
    requests_are_checked,
    removing_a_friend_ends_the_friendship_of_both_and_tells_the_other,
    removing_withdraws_an_own_request_and_declines_that_of_the_other,
    blocking_a_stranger_tells_them_and_keeps_them_away,
    blocking_a_friend_ends_the_friendship_at_once,
    removing_lifts_an_own_block_and_the_other_may_ask_again,
    asking_somebody_i_block_lifts_my_block,
    removing_while_the_other_blocks_keeps_that_block_and_says_nothing,
    two_people_may_block_each_other_and_unblock_independently,
    permission_follows_a_change_at_once_in_both_directions,
    a_greeting_is_at_most_one_kibibyte,
    requests_to_one_person_are_limited,
    a_block_is_in_force_also_when_its_requester_is_gone,
    notices_wait_for_those_who_are_offline,
    relations_survive_kill_9,
);
