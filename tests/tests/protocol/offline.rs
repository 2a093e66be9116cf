//! The offline queue (wire-protocol 7.14; behaviour 9, W-19, W-43).

use std::time::Duration;

use tim_protocol::WireStruct as _;
use tim_protocol::wire::{TimMessage, TimMessageList};
use tim_tests::chat::{all_words, tid, words};
use tim_tests::{Client, Encoding, PacketType, Pair, Received, Server, friends, in_both_encodings, shared};

/// Friends; B is offline and `count` messages wait for it.
async fn waiting(server: &Server, encoding: Encoding, count: usize) -> (Pair, Client) {
    let (pair, mut a, b) = friends(server, encoding).await;
    b.close().await;
    for number in 1..=count {
        a.chat(&pair.b.node, &format!("number {number}")).await;
    }
    (pair, a)
}

fn expected(range: std::ops::RangeInclusive<usize>) -> Vec<String> {
    range.map(|number| format!("number {number}")).collect()
}

/// Covers: 7.14-2
async fn an_empty_queue_is_only_the_end_marker(encoding: Encoding) {
    let server = shared();
    let (_pair, mut a, _b) = friends(&server, encoding).await;
    for _ in 0..3 {
        assert_eq!(a.offline().await.len(), 0);
    }
    a.expect_silence().await;
}

/// Covers: 7.14-1, 7.14-3
async fn batches_hold_at_most_ten_in_order_and_the_end_marker_follows(encoding: Encoding) {
    let server = shared();
    let (pair, _a) = waiting(&server, encoding, 35).await;
    let mut b = pair.b.login(&server, encoding).await;
    let batches = b.offline().await;
    assert!(batches.len() >= 4 && batches.iter().all(|batch| (1..=10).contains(&batch.len())));
    let all = batches.concat();
    assert_eq!(all_words(&all), expected(1..=35));
    for (mid, message) in (1..).zip(&all) {
        assert_eq!((message.mid, message.is_offline), (Some(mid), Some(true)));
        assert_eq!(message.from_tid, Some(tid(&pair.a.node)), "reduced to the node");
        assert_eq!(message.to_tid, Some(tid(&pair.b.node)));
    }
    b.expect_silence().await;
    assert_eq!(b.offline().await.len(), 0, "what was acknowledged is gone");
}

/// Covers: 7.14-4
async fn batches_have_ids_and_ascending_times(encoding: Encoding) {
    let server = shared();
    let (pair, _a) = waiting(&server, encoding, 12).await;
    let mut b = pair.b.login(&server, encoding).await;
    b.send_empty(PacketType::OfflineMsg).await;
    let mut ids = Vec::new();
    let mut times = Vec::new();
    loop {
        let received = b.next().await;
        if received.kind == PacketType::OfflineMsgEnd {
            break;
        }
        let list: TimMessageList = received.decode();
        ids.push(list.id.unwrap());
        times.extend(
            list.message_list
                .unwrap()
                .into_iter()
                .map(|it| it.timestamp.unwrap()),
        );
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.len() == count && count >= 2);
    assert!(times.is_sorted());
}

/// Covers: 7.14-5, 11.1-12
async fn batches_stay_below_8_kib_but_hold_at_least_one_message(encoding: Encoding) {
    let server = shared();
    let (pair, mut a) = waiting(&server, encoding, 0).await;
    let sizes = [3_000, 3_000, 3_000, 20_000, 100, 100];
    for size in sizes {
        a.chat(&pair.b.node, &"y".repeat(size)).await;
    }
    let mut b = pair.b.login(&server, encoding).await;
    b.send_empty(PacketType::OfflineMsg).await;
    let mut all: Vec<TimMessage> = Vec::new();
    loop {
        let received = b.next().await;
        if received.kind == PacketType::OfflineMsgEnd {
            break;
        }
        let list = received.list();
        let bytes = received.payload.len() + 5;
        assert!(
            bytes <= 8 * 1024 || list.len() == 1,
            "{bytes} bytes in {} messages",
            list.len()
        );
        all.extend(list);
    }
    let lengths: Vec<usize> = all.iter().map(|it| words(it).len()).collect();
    assert_eq!(lengths, sizes);
}

/// Covers: 7.14-8, W-43
async fn the_end_marker_comes_only_after_the_last_acknowledgement(encoding: Encoding) {
    let server = shared();
    let (pair, _a) = waiting(&server, encoding, 25).await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    b.send_empty(PacketType::OfflineMsg).await;
    let mut batches: Vec<Received> = Vec::new();
    while batches.iter().map(|batch| batch.list().len()).sum::<usize>() < 25 {
        batches.push(b.expect(PacketType::OfflineMsg).await);
    }
    b.expect_silence().await;
    let (last, others) = batches.split_last().unwrap();
    // In any order.
    for batch in others.iter().rev() {
        b.acknowledge(batch.send_id.unwrap()).await;
    }
    b.expect_silence().await;
    b.acknowledge(last.send_id.unwrap()).await;
    b.expect(PacketType::OfflineMsgEnd).await;
}

/// Covers: 7.14-6
async fn unacknowledged_batches_stay_in_the_queue(encoding: Encoding) {
    let server = shared();
    let (pair, _a) = waiting(&server, encoding, 30).await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    b.send_empty(PacketType::OfflineMsg).await;
    let first = b.expect(PacketType::OfflineMsg).await;
    b.acknowledge(first.send_id.unwrap()).await;
    b.drain().await;
    b.close().await;
    let taken = first.list().len();
    let mut b = pair.b.login(&server, encoding).await;
    assert_eq!(all_words(&b.offline().await.concat()), expected(taken + 1..=30));
}

/// Covers: 7.14-7
async fn a_batch_is_repeated_and_then_the_queue_stops_until_asked_again(encoding: Encoding) {
    let server = Server::options().set("delivery.ack_timeout", "\"200ms\"").start();
    let (pair, _a) = waiting(&server, encoding, 3).await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    b.send_empty(PacketType::OfflineMsg).await;
    let mut tries = Vec::new();
    for _ in 0..3 {
        tries.push(b.expect(PacketType::OfflineMsg).await);
    }
    assert!(tries.iter().all(|it| it.payload == tries[0].payload));
    assert!(tries[0].send_id != tries[1].send_id && tries[1].send_id != tries[2].send_id);
    tokio::time::sleep(Duration::from_millis(450)).await;
    b.expect_silence().await;
    b.acknowledges = true;
    assert_eq!(all_words(&b.offline().await.concat()), expected(1..=3));
}

/// Covers: 7.14-10
async fn asking_again_while_batches_are_under_way_duplicates_nothing(encoding: Encoding) {
    let server = shared();
    let (pair, _a) = waiting(&server, encoding, 40).await;
    let mut b = pair.b.login(&server, encoding).await;
    for _ in 0..3 {
        b.send_empty(PacketType::OfflineMsg).await;
    }
    let mut all = Vec::new();
    let mut ends = 0;
    while ends == 0 || all.len() < 40 {
        let received = b.next().await;
        match received.kind {
            PacketType::OfflineMsg => all.extend(received.list()),
            PacketType::OfflineMsgEnd => ends += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(all_words(&all), expected(1..=40));
    b.drain().await;
}

/// As a client for the original does, which gets one batch per request (wire-protocol 11.2).
/// Covers: 7.14-10
async fn a_client_that_asks_after_every_batch_gets_everything_too(encoding: Encoding) {
    let server = shared();
    let (pair, _a) = waiting(&server, encoding, 33).await;
    let mut b = pair.b.login(&server, encoding).await;
    let mut all: Vec<TimMessage> = Vec::new();
    b.send_empty(PacketType::OfflineMsg).await;
    loop {
        let received = b.next().await;
        match received.kind {
            PacketType::OfflineMsg => {
                all.extend(received.list());
                b.send_empty(PacketType::OfflineMsg).await;
            }
            PacketType::OfflineMsgEnd => break,
            other => panic!("{other:?}"),
        }
    }
    all.dedup_by_key(|message| message.mid);
    assert_eq!(all_words(&all), expected(1..=33));
}

/// Covers: 7.14-11
async fn live_messages_during_the_drain_come_after_what_waited(encoding: Encoding) {
    let server = shared();
    let (pair, mut a) = waiting(&server, encoding, 30).await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    // Before the request nothing may overtake the queue either.
    a.chat(&pair.b.node, "number 31").await;
    b.expect_silence().await;
    b.send_empty(PacketType::OfflineMsg).await;
    let first = b.expect(PacketType::OfflineMsg).await;
    a.chat(&pair.b.node, "number 32").await;
    b.acknowledges = true;
    b.acknowledge(first.send_id.unwrap()).await;
    let mut mids: Vec<i64> = first.list().iter().map(|it| it.mid.unwrap()).collect();
    while mids.len() < 32 {
        let received = b.next().await;
        if let Some(send_id) = received.send_id {
            // Those that arrived before acknowledging was switched on.
            b.acknowledge(send_id).await;
        }
        match received.kind {
            PacketType::OfflineMsg => mids.extend(received.list().iter().map(|it| it.mid.unwrap())),
            PacketType::Message => mids.push(received.message().mid.unwrap()),
            PacketType::OfflineMsgEnd => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        mids,
        (1..=32).collect::<Vec<_>>(),
        "every conversation in mid order"
    );
}

/// Covers: 7.14-13
async fn a_client_that_does_not_ask_gets_its_backlog_after_the_grace_time(encoding: Encoding) {
    let server = Server::options()
        .set("delivery.backlog_grace", "\"300ms\"")
        .start();
    let (pair, mut a) = waiting(&server, encoding, 12).await;
    let mut b = pair.b.login(&server, encoding).await;
    b.expect_silence().await;
    a.chat(&pair.b.node, "number 13").await;
    let mut all = Vec::new();
    for _ in 1..=13 {
        all.push(b.delivery().await);
    }
    assert_eq!(all_words(&all), expected(1..=13));
    assert!(
        all.iter().all(|it| it.is_offline.is_none()),
        "ordinary deliveries"
    );
    b.expect_silence().await;
    assert_eq!(b.offline().await.concat(), []);
}

/// Covers: 7.14-12
async fn two_devices_may_drain_at_the_same_time(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, phone) = friends(&server, encoding).await;
    let mut web = pair.b.login_on(&server, encoding, "web").await;
    web.offline().await;
    web.close().await;
    phone.close().await;
    for number in 1..=25 {
        a.chat(&pair.b.node, &format!("number {number}")).await;
    }
    let mut phone = pair.b.login(&server, encoding).await;
    let mut web = pair.b.login_on(&server, encoding, "web").await;
    let (one, two) = tokio::join!(phone.offline(), web.offline());
    assert_eq!(all_words(&one.concat()), expected(1..=25));
    assert_eq!(all_words(&two.concat()), expected(1..=25));
}

/// Covers: 7.14-11
async fn several_conversations_each_arrive_in_order(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let (other, mut c, d) = friends(&server, encoding).await;
    d.close().await;
    tim_tests::people::befriend(&mut c, &mut b).await;
    b.close().await;
    for number in 1..=15 {
        a.chat(&pair.b.node, &format!("a {number}")).await;
        c.chat(&pair.b.node, &format!("c {number}")).await;
    }
    let mut b = pair.b.login(&server, encoding).await;
    let all = b.offline().await.concat();
    assert_eq!(all.len(), 30);
    for (author, letter) in [(&pair.a, 'a'), (&other.a, 'c')] {
        let own: Vec<_> = all
            .iter()
            .filter(|it| it.from_tid == Some(tid(&author.node)))
            .cloned()
            .collect();
        let expected: Vec<String> = (1..=15).map(|number| format!("{letter} {number}")).collect();
        assert_eq!(all_words(&own), expected);
    }
}

/// Covers: 7.14-15
async fn the_queue_survives_a_stop_and_kill_9(encoding: Encoding) {
    let server = Server::start();
    let (pair, a) = waiting(&server, encoding, 25).await;
    a.close().await;
    server.kill();
    server.run();
    server.stop();
    server.run();
    let mut b = pair.b.login(&server, encoding).await;
    let all = b.offline().await.concat();
    // A position that was not written before the kill repeats the last notice; clients drop it by its id.
    let chat: Vec<TimMessage> = all.into_iter().filter(|it| it.od_type == 1).collect();
    assert_eq!(all_words(&chat), expected(1..=25));
}

#[tokio::test]
async fn a_batch_is_encoded_in_the_encoding_of_the_session() {
    let server = shared();
    let (pair, _a) = waiting(&server, Encoding::Compact, 2).await;
    let mut b = pair.b.login_mute(&server, Encoding::Json, "phone").await;
    b.send_empty(PacketType::OfflineMsg).await;
    let batch = b.expect(PacketType::OfflineMsg).await;
    assert_eq!(batch.payload[0], b'{');
    assert!(TimMessageList::decode(&batch.payload, Encoding::Json).is_ok());
}

in_both_encodings!(
    an_empty_queue_is_only_the_end_marker,
    batches_hold_at_most_ten_in_order_and_the_end_marker_follows,
    batches_have_ids_and_ascending_times,
    batches_stay_below_8_kib_but_hold_at_least_one_message,
    the_end_marker_comes_only_after_the_last_acknowledgement,
    unacknowledged_batches_stay_in_the_queue,
    a_batch_is_repeated_and_then_the_queue_stops_until_asked_again,
    asking_again_while_batches_are_under_way_duplicates_nothing,
    a_client_that_asks_after_every_batch_gets_everything_too,
    live_messages_during_the_drain_come_after_what_waited,
    a_client_that_does_not_ask_gets_its_backlog_after_the_grace_time,
    two_devices_may_drain_at_the_same_time,
    several_conversations_each_arrive_in_order,
    the_queue_survives_a_stop_and_kill_9,
);
