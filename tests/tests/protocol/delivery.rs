//! Synchronous delivery: send ids, acknowledgements, repeats, windows, several devices (wire-protocol 4;
//! behaviour W-08, W-17).

use std::time::{Duration, Instant};

use tim_protocol::packet;
use tim_tests::chat::{all_words, message, words};
use tim_tests::{Client, Encoding, PacketType, Received, Server, friends, in_both_encodings, shared};

/// Sends a text and answers the mid of the echo.
async fn say(a: &mut Client, to: &str, text: &str) -> i64 {
    a.chat(to, text).await.mid.unwrap()
}

/// Covers: 3-2, 4-2
async fn send_ids_are_different_and_the_payload_follows_them(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let mut send_ids = Vec::new();
    for number in 0..5 {
        say(&mut a, &pair.b.node, &format!("number {number}")).await;
        let received = b.expect(PacketType::Message).await;
        send_ids.push(received.send_id.unwrap());
        assert_eq!(words(&received.message()), format!("number {number}"));
    }
    send_ids.sort_unstable();
    send_ids.dedup();
    assert_eq!(send_ids.len(), 5);
}

/// Covers: 4-12
async fn what_was_acknowledged_is_not_sent_again(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    say(&mut a, &pair.b.node, "taken").await;
    b.delivery().await;
    b.close().await;
    let mut b = pair.b.login(&server, encoding).await;
    assert_eq!(b.offline().await.concat(), []);
}

/// Covers: 4-7
async fn what_was_not_acknowledged_waits_in_the_inbox(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    say(&mut a, &pair.b.node, "not taken").await;
    b.delivery().await;
    b.close().await;
    let mut b = pair.b.login(&server, encoding).await;
    let waiting = b.offline().await.concat();
    assert_eq!(all_words(&waiting), ["not taken"]);
    assert_eq!(waiting[0].is_offline, Some(true));
}

/// Covers: 4-4, 4-5
async fn an_unacknowledged_packet_is_sent_three_times_with_new_send_ids(encoding: Encoding) {
    let server = Server::options().set("delivery.ack_timeout", "\"800ms\"").start();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    say(&mut a, &pair.b.node, "again and again").await;
    let mut tries = Vec::new();
    let start = Instant::now();
    for _ in 0..3 {
        tries.push(b.expect(PacketType::Message).await);
    }
    assert!(start.elapsed() >= Duration::from_millis(1_590), "two waits");
    let [first, second, third] = [&tries[0], &tries[1], &tries[2]].map(|it| it.send_id.unwrap());
    assert!(first != second && second != third && first != third);
    assert!(
        tries.iter().all(|it| it.payload == tries[0].payload),
        "the same payload"
    );
    // There is no fourth; it stays in the inbox for the next offline request.
    tokio::time::sleep(Duration::from_millis(1_900)).await;
    b.expect_silence().await;
    b.acknowledges = true;
    assert_eq!(all_words(&b.offline().await.concat()), ["again and again"]);
    b.close().await;
    let mut b = pair.b.login(&server, encoding).await;
    assert_eq!(b.offline().await.concat(), []);
}

/// One message that is never acknowledged does not stop the others.
/// Covers: 4-5
async fn after_three_tries_newer_messages_go_on(encoding: Encoding) {
    let server = Server::options().set("delivery.ack_timeout", "\"300ms\"").start();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    say(&mut a, &pair.b.node, "older").await;
    for _ in 0..3 {
        assert_eq!(words(&b.expect(PacketType::Message).await.message()), "older");
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    b.expect_silence().await;
    b.acknowledges = true;
    say(&mut a, &pair.b.node, "newer").await;
    assert_eq!(words(&b.delivery().await), "newer");
    assert_eq!(all_words(&b.offline().await.concat()), ["older"]);
}

/// A client that was only slow is not made to take everything twice.
/// Covers: 4-6
async fn a_late_acknowledgement_of_any_try_counts(encoding: Encoding) {
    let server = Server::options().set("delivery.ack_timeout", "\"200ms\"").start();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    say(&mut a, &pair.b.node, "slowly").await;
    let first = b.expect(PacketType::Message).await;
    b.expect(PacketType::Message).await;
    b.acknowledge(first.send_id.unwrap()).await;
    b.expect_silence().await;
    b.close().await;
    let mut b = pair.b.login(&server, encoding).await;
    assert_eq!(b.offline().await.concat(), []);
}

/// Covers: 4-6
async fn acknowledging_a_repeat_is_enough(encoding: Encoding) {
    let server = Server::options().set("delivery.ack_timeout", "\"200ms\"").start();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    say(&mut a, &pair.b.node, "slowly").await;
    b.expect(PacketType::Message).await;
    let repeat = b.expect(PacketType::Message).await;
    b.acknowledge(repeat.send_id.unwrap()).await;
    tokio::time::sleep(Duration::from_millis(450)).await;
    b.expect_silence().await;
    b.close().await;
    let mut b = pair.b.login(&server, encoding).await;
    assert_eq!(b.offline().await.concat(), []);
}

/// Covers: 4-12, W-41
async fn an_acknowledged_packet_is_never_repeated(encoding: Encoding) {
    let server = Server::options().set("delivery.ack_timeout", "\"150ms\"").start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for _ in 0..20 {
        say(&mut a, &pair.b.node, "prompt").await;
        b.delivery().await;
    }
    tokio::time::sleep(Duration::from_millis(350)).await;
    b.expect_silence().await;
}

/// W-08.
/// Covers: 4-8, 11.3-4, W-08
async fn acknowledgements_of_other_connections_count_for_nothing(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, b) = friends(&server, encoding).await;
    let (_others, mut attacker, _friend) = friends(&server, encoding).await;
    b.close().await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    let mut second = pair.b.login_on(&server, encoding, "second").await;
    second.offline().await;
    second.acknowledges = false;
    say(&mut a, &pair.b.node, "precious").await;
    let send_id = b.expect(PacketType::Message).await.send_id.unwrap();
    for guess in (send_id - 50..send_id + 50).chain([0, -1, i32::MIN, i32::MAX]) {
        attacker.acknowledge(guess).await;
        a.acknowledge(guess).await;
    }
    attacker.expect_silence().await;
    a.expect_silence().await;
    // Another device of the same account speaks only for itself.
    let other_id = second.take(PacketType::Message).await.send_id.unwrap();
    second.acknowledge(other_id).await;
    second.expect_silence().await;
    b.close().await;
    let mut b = pair.b.login(&server, encoding).await;
    assert_eq!(all_words(&b.offline().await.concat()), ["precious"]);
}

/// Covers: 4-9
async fn malformed_and_unknown_acknowledgements_are_ignored(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for ack in [
        &[12_u8][..],
        &[12, 0],
        &[12, 0, 0, 0],
        &[0x8c, 0xff, 0xff, 0xff, 0xff, 1, 2, 3],
    ] {
        b.send_raw(ack.to_vec()).await;
    }
    b.expect_silence().await;
    say(&mut a, &pair.b.node, "still here").await;
    b.delivery().await;
}

/// Covers: 4-3, 11.1-15
async fn both_forms_of_acknowledgement_count_in_both_encodings(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    for form in [Encoding::Compact, Encoding::Json] {
        say(&mut a, &pair.b.node, "to be taken").await;
        let send_id = b.expect(PacketType::Message).await.send_id.unwrap();
        b.send_raw(packet::delivery_ack(send_id, form)).await;
    }
    b.expect_silence().await;
    b.close().await;
    let mut b = pair.b.login(&server, encoding).await;
    assert_eq!(b.offline().await.concat(), []);
}

/// W-17.
/// Covers: 4-7, 6.6-7, W-17
async fn every_device_of_the_recipient_gets_every_message(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut phone) = friends(&server, encoding).await;
    let mut web = pair.b.login_on(&server, encoding, "web").await;
    web.offline().await;
    for number in 0..20 {
        say(&mut a, &pair.b.node, &format!("number {number}")).await;
    }
    for device in [&mut phone, &mut web] {
        for number in 0..20 {
            let delivered = device.delivery().await;
            assert_eq!(words(&delivered), format!("number {number}"));
        }
        device.expect_silence().await;
    }
}

/// Covers: 4-7, 7.6-17, W-17
async fn a_device_that_is_offline_gets_everything_later(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut phone) = friends(&server, encoding).await;
    let mut web = pair.b.login_on(&server, encoding, "web").await;
    web.offline().await;
    web.close().await;
    for number in 0..3 {
        say(&mut a, &pair.b.node, &format!("number {number}")).await;
        phone.delivery().await;
    }
    let mut web = pair.b.login_on(&server, encoding, "web").await;
    assert_eq!(
        all_words(&web.offline().await.concat()),
        ["number 0", "number 1", "number 2"]
    );
    phone.expect_silence().await;
}

/// Covers: 7.6-16
async fn other_devices_of_the_sender_learn_of_its_messages_later(encoding: Encoding) {
    let server = shared();
    let (pair, mut phone, mut b) = friends(&server, encoding).await;
    let mut web = pair.a.login_on(&server, encoding, "web").await;
    web.offline().await;
    web.close().await;
    say(&mut phone, &pair.b.node, "from the phone").await;
    b.delivery().await;
    let mut web = pair.a.login_on(&server, encoding, "web").await;
    let waiting = web.offline().await.concat();
    assert_eq!(all_words(&waiting), ["from the phone"]);
    assert_eq!(
        waiting[0].from_tid.as_ref().map(|from| &from.node),
        Some(&pair.a.node)
    );
    // The phone does not get its own message back.
    phone.close().await;
    let mut phone = pair.a.login(&server, encoding).await;
    assert_eq!(phone.offline().await.concat(), []);
}

/// Another device of the sender has to acknowledge its copy like any other delivery.
#[tokio::test]
async fn a_copy_of_an_own_message_that_was_lost_on_its_way_to_another_device_comes_later() {
    let server = shared();
    let (pair, mut phone, mut b) = friends(&server, Encoding::Compact).await;
    let mut web = pair.a.login_on(&server, Encoding::Compact, "web").await;
    web.offline().await;
    let lost = web.into_stream();
    // With nothing read and this option the connection ends with a reset, as after a lost network.
    lost.set_zero_linger().unwrap();
    say(&mut phone, &pair.b.node, "from the phone").await;
    b.delivery().await;
    phone.expect_silence().await;
    drop(lost);
    let mut web = pair.a.login_on(&server, Encoding::Compact, "web").await;
    assert_eq!(all_words(&web.offline().await.concat()), ["from the phone"]);
}

/// Covers: 4-10
async fn a_mute_device_delays_no_other_and_gets_only_its_window(encoding: Encoding) {
    let server = Server::options()
        .set("delivery.window", "4")
        .set("delivery.ack_timeout", "\"10m\"")
        .start();
    let (pair, mut a, mut phone) = friends(&server, encoding).await;
    let mut mute = pair.b.login_mute(&server, encoding, "mute").await;
    mute.acknowledges = true;
    mute.offline().await;
    mute.acknowledges = false;
    for number in 0..40 {
        say(&mut a, &pair.b.node, &format!("number {number}")).await;
        assert_eq!(words(&phone.delivery().await), format!("number {number}"));
    }
    let mut in_flight: Vec<Received> = mute.drain().await;
    assert_eq!(in_flight.len(), 4, "the window");
    // Every acknowledgement makes room for the next.
    for number in 0..40 {
        if in_flight.is_empty() {
            in_flight.push(mute.expect(PacketType::Message).await);
        }
        let next = in_flight.remove(0);
        assert_eq!(words(&next.message()), format!("number {number}"), "in order");
        mute.acknowledge(next.send_id.unwrap()).await;
    }
    mute.expect_silence().await;
}

async fn a_window_of_bytes_always_lets_one_message_through(encoding: Encoding) {
    let server = Server::options().set("delivery.window_bytes", "\"1KiB\"").start();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    let mut b = pair.b.login_mute(&server, encoding, "phone").await;
    let long = "long ".repeat(1_000);
    say(&mut a, &pair.b.node, &long).await;
    say(&mut a, &pair.b.node, &long).await;
    let first = b.expect(PacketType::Message).await;
    b.expect_silence().await;
    b.acknowledge(first.send_id.unwrap()).await;
    b.expect(PacketType::Message).await;
}

async fn a_session_that_reads_nothing_loses_nothing(encoding: Encoding) {
    let server = Server::options()
        .set("delivery.outlet_packets", "8")
        .set("limits.outgoing_bytes", "\"4KiB\"")
        .start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    // B neither reads nor acknowledges while A sends; its mailbox overflows.
    for number in 0..300 {
        a.send_message(&message(&pair.b.node, &format!("number {number}")))
            .await;
    }
    for number in 0..300 {
        assert_eq!(words(&a.echo().await), format!("number {number}"));
    }
    for number in 0..300 {
        assert_eq!(words(&b.delivery().await), format!("number {number}"));
    }
    b.expect_silence().await;
}

async fn one_account_twice_on_one_device_shares_what_was_acknowledged(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut first) = friends(&server, encoding).await;
    let mut twin = pair.b.login_on(&server, encoding, "phone").await;
    say(&mut a, &pair.b.node, "to both connections").await;
    first.delivery().await;
    twin.delivery().await;
    first.close().await;
    twin.close().await;
    let mut again = pair.b.login(&server, encoding).await;
    assert_eq!(again.offline().await.concat(), []);
}

in_both_encodings!(
    send_ids_are_different_and_the_payload_follows_them,
    what_was_acknowledged_is_not_sent_again,
    what_was_not_acknowledged_waits_in_the_inbox,
    an_unacknowledged_packet_is_sent_three_times_with_new_send_ids,
    after_three_tries_newer_messages_go_on,
    a_late_acknowledgement_of_any_try_counts,
    acknowledging_a_repeat_is_enough,
    an_acknowledged_packet_is_never_repeated,
    acknowledgements_of_other_connections_count_for_nothing,
    malformed_and_unknown_acknowledgements_are_ignored,
    both_forms_of_acknowledgement_count_in_both_encodings,
    every_device_of_the_recipient_gets_every_message,
    a_device_that_is_offline_gets_everything_later,
    other_devices_of_the_sender_learn_of_its_messages_later,
    a_mute_device_delays_no_other_and_gets_only_its_window,
    a_window_of_bytes_always_lets_one_message_through,
    a_session_that_reads_nothing_loses_nothing,
    one_account_twice_on_one_device_shares_what_was_acknowledged,
);
