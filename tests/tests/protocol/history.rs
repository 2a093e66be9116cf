//! Pages of history (wire-protocol 7.13).

use tim_protocol::wire::TimReq;
use tim_tests::chat::{all_words, history_request, message, tid};
use tim_tests::people::operation;
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Pair, Server, friends, in_both_encodings, shared};

/// Friends with `count` messages between them, written by turns.
async fn conversation(server: &Server, encoding: Encoding, count: usize) -> (Pair, Client, Client) {
    let (pair, mut a, mut b) = friends(server, encoding).await;
    for number in 1..=count {
        let words = format!("number {number}");
        if number % 2 == 1 {
            a.chat(&pair.b.node, &words).await;
            b.delivery().await;
        } else {
            b.chat(&pair.a.node, &words).await;
            a.delivery().await;
        }
    }
    (pair, a, b)
}

async fn mids(client: &mut Client, node: &str, upper: i64, count: i64) -> Vec<i64> {
    let page = client.history(node, upper, count).await;
    page.iter().map(|message| message.mid.unwrap()).collect()
}

/// Covers: 7.13-1, 7.13-2
async fn a_page_is_newest_first_and_both_sides_see_the_same(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = conversation(&server, encoding, 5).await;
    let page = a.history(&pair.b.node, 0, 10).await;
    assert_eq!(
        all_words(&page),
        ["number 5", "number 4", "number 3", "number 2", "number 1"]
    );
    assert_eq!(b.history(&pair.a.node, 0, 10).await, page);
    for message in &page {
        let mid = message.mid.unwrap();
        let [author, other] = if mid % 2 == 1 {
            [&pair.a, &pair.b]
        } else {
            [&pair.b, &pair.a]
        };
        assert_eq!(message.from_tid, Some(tid(&author.node)), "reduced to the node");
        assert_eq!(message.to_tid, Some(tid(&other.node)));
        assert_eq!((message.id, message.is_offline), (None, None));
        assert!(message.timestamp.is_some());
    }
}

/// Covers: 7.13-1
async fn the_upper_bound_is_inclusive_and_pages_join(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, _b) = conversation(&server, encoding, 7).await;
    let peer = pair.b.node.as_str();
    assert_eq!(mids(&mut a, peer, 0, 3).await, [7, 6, 5]);
    assert_eq!(mids(&mut a, peer, 5, 3).await, [5, 4, 3], "the first repeats");
    assert_eq!(mids(&mut a, peer, 2, 3).await, [2, 1]);
    assert_eq!(mids(&mut a, peer, 1, 3).await, [1]);
    assert_eq!(mids(&mut a, peer, 7, 1).await, [7]);
    assert_eq!(mids(&mut a, peer, 1_000, 2).await, [7, 6]);
    assert_eq!(mids(&mut a, peer, i64::MAX, 1).await, [7]);
}

/// Covers: 7.13-7
async fn a_page_can_be_bounded_by_time(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, _b) = conversation(&server, encoding, 4).await;
    let all = a.history(&pair.b.node, 0, 10).await;
    let time_of = |mid: i64| {
        all.iter()
            .find(|it| it.mid == Some(mid))
            .unwrap()
            .timestamp
            .unwrap()
    };
    for (time, expected) in [
        (time_of(3), vec![3, 2, 1]),
        (time_of(3) - 1, vec![2, 1]),
        (time_of(4) + 1_000_000, vec![4, 3, 2, 1]),
        (time_of(1) - 1, vec![]),
        (0, vec![]),
    ] {
        let request = TimReq {
            node2: Some(time.to_string()),
            ..history_request(&pair.b.node, 0, 10)
        };
        a.ask_history(&request).await;
        let pages = a.drain().await;
        let got: Vec<i64> = pages
            .iter()
            .flat_map(|page| page.list())
            .map(|message| message.mid.unwrap())
            .collect();
        assert_eq!(got, expected, "up to {time}");
    }
    // A number wins over a time.
    let request = TimReq {
        node2: Some("1".to_owned()),
        ..history_request(&pair.b.node, 2, 10)
    };
    a.ask_history(&request).await;
    assert_eq!(a.expect(PacketType::PullMessage).await.list().len(), 2);
}

/// Covers: 7.13-6, 6.5-2, 11.3-14
async fn the_page_size_is_clamped(encoding: Encoding) {
    let server = Server::options().set("messages.history_page", "4").start();
    let (pair, mut a, _b) = conversation(&server, encoding, 6).await;
    for count in [5, 1_000_000, i64::MAX, 0, -1, i64::MIN] {
        assert_eq!(
            mids(&mut a, &pair.b.node, 0, count).await,
            [6, 5, 4, 3],
            "{count}"
        );
    }
}

/// Covers: 6.5-2
async fn the_bytes_of_a_page_are_bounded_but_one_message_fits(encoding: Encoding) {
    let server = Server::options()
        .set("messages.history_page_bytes", "\"2KiB\"")
        .start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for _ in 0..4 {
        a.chat(&pair.b.node, &"long ".repeat(600)).await;
        b.delivery().await;
    }
    assert_eq!(mids(&mut a, &pair.b.node, 0, 10).await, [4]);
    assert_eq!(mids(&mut a, &pair.b.node, 3, 10).await, [3]);
}

/// Covers: 7.13-3
async fn an_empty_page_is_no_packet(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, _b) = friends(&server, encoding).await;
    a.ask_history(&history_request(&pair.b.node, 0, 10)).await;
    a.expect_silence().await;
    // The same for somebody who does not exist: nothing can be learned here.
    let unknown = tim_protocol::node::wide_node_from_random([9; 15]);
    a.ask_history(&history_request(unknown.as_str(), 0, 10)).await;
    a.expect_silence().await;
}

/// Covers: 7.13-4, 7.13-5, 11.3-3
async fn malformed_requests_are_refused_with_4104(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, _b) = conversation(&server, encoding, 1).await;
    let good = history_request(&pair.b.node, 0, 10);
    let with_kind = |rtype| TimReq {
        rtype,
        ..good.clone()
    };
    for request in [
        with_kind(None),
        with_kind(Some(0)),
        with_kind(Some(3)),
        with_kind(Some(-1)),
        with_kind(Some(i32::MAX)),
        TimReq {
            node: None,
            ..good.clone()
        },
        TimReq {
            node: Some("no|node".into()),
            ..good.clone()
        },
        TimReq {
            node: Some(String::new()),
            ..good.clone()
        },
        TimReq {
            req_int: None,
            ..good.clone()
        },
        TimReq {
            req_int2: None,
            ..good.clone()
        },
        TimReq {
            req_int: Some(-1),
            ..good.clone()
        },
        TimReq {
            node2: Some("noon".into()),
            ..good.clone()
        },
    ] {
        a.ask_history(&request).await;
        let answer = a.expect(PacketType::Ack).await;
        answer.refusal(PacketType::PullMessage, ErrorCode::Params);
    }
    a.expect_silence().await;
}

async fn the_history_of_a_room_i_am_no_member_of_is_refused_with_4105(encoding: Encoding) {
    let server = shared();
    let (_pair, mut a, _b) = friends(&server, encoding).await;
    let room = tim_protocol::node::wide_node_from_random([7; 15]);
    let request = TimReq {
        rtype: Some(2),
        ..history_request(room.as_str(), 0, 10)
    };
    a.ask_history(&request).await;
    let answer = a.expect(PacketType::Ack).await;
    answer.refusal(PacketType::PullMessage, ErrorCode::PermDenied);
}

/// Covers: 7.13-8
async fn nobody_else_can_read_a_conversation(encoding: Encoding) {
    let server = shared();
    let (pair, _a, _b) = conversation(&server, encoding, 3).await;
    let (_others, mut c, _d) = friends(&server, encoding).await;
    for node in [&pair.a.node, &pair.b.node] {
        c.ask_history(&history_request(node, 0, 10)).await;
        c.expect_silence().await;
    }
}

/// Covers: 7.13-11
async fn history_stays_readable_after_the_friendship_ended(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = conversation(&server, encoding, 2).await;
    a.manage(operation::BLOCK, &pair.b.node).await;
    b.drain().await;
    assert_eq!(mids(&mut a, &pair.b.node, 0, 10).await, [2, 1]);
    assert_eq!(mids(&mut b, &pair.a.node, 0, 10).await, [2, 1]);
}

async fn what_was_echoed_is_in_the_history(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, _b) = friends(&server, encoding).await;
    a.send_message(&message(&pair.b.node, "just sent")).await;
    a.echo().await;
    // What was echoed is in the history.
    assert_eq!(all_words(&a.history(&pair.b.node, 0, 1).await), ["just sent"]);
}

/// Covers: 7.13-11
async fn history_survives_a_stop_and_kill_9(encoding: Encoding) {
    let server = Server::start();
    let (pair, mut a, _b) = conversation(&server, encoding, 12).await;
    let before = a.history(&pair.b.node, 0, 100).await;
    server.kill();
    server.run();
    let mut a = pair.a.login(&server, encoding).await;
    a.offline().await;
    assert_eq!(a.history(&pair.b.node, 0, 100).await, before);
    assert!(server.stop().success());
    server.run();
    let mut b = pair.b.login(&server, encoding).await;
    b.offline().await;
    assert_eq!(b.history(&pair.a.node, 0, 100).await, before);
}

in_both_encodings!(
    a_page_is_newest_first_and_both_sides_see_the_same,
    the_upper_bound_is_inclusive_and_pages_join,
    a_page_can_be_bounded_by_time,
    the_page_size_is_clamped,
    the_bytes_of_a_page_are_bounded_but_one_message_fits,
    an_empty_page_is_no_packet,
    malformed_requests_are_refused_with_4104,
    the_history_of_a_room_i_am_no_member_of_is_refused_with_4105,
    nobody_else_can_read_a_conversation,
    history_stays_readable_after_the_friendship_ended,
    what_was_echoed_is_in_the_history,
    history_survives_a_stop_and_kill_9,
);
