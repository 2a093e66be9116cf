//! Packets in both directions over an upgraded connection.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::script::{LIMIT_AFTER, LIMIT_BEFORE, Note, options, start};
use super::wire::{CLOSE, Client, PING, PONG, frame};

#[tokio::test]
async fn fragments_become_one_packet_and_pings_between_them_are_answered() {
    let running = start(options(), None);
    let mut client = Client::websocket(running.address).await;
    client.frame(0x02, b"Eone ").await;
    client.frame(0x80 | PING, b"you?").await;
    client.frame(0x00, b"packet ").await;
    client.frame(0x80, b"of three").await;
    assert_eq!(client.next_frame().await.unwrap(), (PONG, b"you?".to_vec()));
    assert_eq!(client.expect_packet().await, b"one packet of three");
}

#[tokio::test]
async fn text_is_treated_like_binary_but_must_be_utf8() {
    let running = start(options(), None);
    let mut client = Client::websocket(running.address).await;
    client.text("Eäöü".as_bytes()).await;
    assert_eq!(client.expect_packet().await, "äöü".as_bytes());
    client.text(b"E\xff").await;
    assert_eq!(client.expect_close().await, 1007);
    client.expect_end().await;
}

#[tokio::test]
async fn the_size_limit_is_small_before_login_and_large_after() {
    let mut running = start(options(), None);
    let mut client = Client::websocket(running.address).await;
    client.packet(&[b'x'; LIMIT_BEFORE + 1]).await;
    assert_eq!(client.expect_close().await, 1009);
    running.dropped().await;

    let mut client = Client::logged_in(running.address).await;
    let mut large = vec![b'x'; LIMIT_AFTER];
    large[0] = b'E';
    client.packet(&large).await;
    assert_eq!(client.expect_packet().await, &large[1..]);
    client.send(&frame(0x82, &[b'x'; LIMIT_AFTER + 1])[..20]).await;
    assert_eq!(client.expect_close().await, 1009, "the header alone is enough");
}

#[tokio::test]
async fn frames_that_break_the_protocol_end_the_connection_and_the_session() {
    for bytes in [
        vec![0x82, 0x01, b'E'],
        frame(0x80, b"nothing to continue"),
        frame(0xa2, b"reserved bit"),
        frame(0x83, b"reserved opcode"),
    ] {
        let mut running = start(options(), None);
        let mut client = Client::websocket(running.address).await;
        client.send(&bytes).await;
        assert_eq!(client.expect_close().await, 1002);
        running.dropped().await;
        client.expect_end().await;
    }
}

#[tokio::test]
async fn a_session_that_ends_sends_its_last_packets_first() {
    let mut running = start(options(), None);
    let mut client = Client::websocket(running.address).await;
    client.packet(b"C").await;
    assert_eq!(client.expect_packet().await, b"last");
    assert_eq!(client.expect_close().await, 1000);
    running.dropped().await;
    client.frame(0x80 | CLOSE, &1000u16.to_be_bytes()).await;
    client.expect_end().await;
}

#[tokio::test]
async fn the_close_of_a_client_is_answered_with_its_code() {
    let mut running = start(options(), None);
    let mut client = Client::websocket(running.address).await;
    client.frame(0x80 | CLOSE, &4_000u16.to_be_bytes()).await;
    assert_eq!(client.expect_close().await, 4_000);
    running.dropped().await;
    client.expect_end().await;
}

#[tokio::test]
async fn what_was_asked_before_the_close_of_a_client_is_finished() {
    let mut running = start(options(), None);
    let mut client = Client::websocket(running.address).await;
    let mut bytes = frame(0x82, b"H");
    bytes.extend(frame(0x80 | CLOSE, &4_000u16.to_be_bytes()));
    client.send(bytes).await;
    while running.note().await != Note::Received(b"H".as_slice().into()) {}
    // The next connection is served after the close frame was seen.
    let mut other = Client::logged_in(running.address).await;
    other.packet(b"Estill here").await;
    assert_eq!(other.expect_packet().await, b"still here");
    while let Ok(note) = running.notes.try_recv() {
        assert_ne!(note, Note::Dropped, "a session with work goes on");
    }
    running.release.open();
    assert_eq!(
        client.expect_close().await,
        4_000,
        "the answer is not sent any more"
    );
    running.dropped().await;
    client.expect_end().await;
}

#[tokio::test]
async fn work_that_does_not_end_does_not_keep_a_closed_connection() {
    let mut running = start(options(), None);
    let mut client = Client::websocket(running.address).await;
    client.packet(b"H").await;
    client.frame(0x80 | CLOSE, &4_000u16.to_be_bytes()).await;
    assert_eq!(client.expect_close().await, 4_000);
    running.dropped().await;
    client.expect_end().await;
}

#[tokio::test]
async fn a_session_that_is_over_does_not_wait_for_a_client_that_does_not_read() {
    let mut running = start(
        crate::gateway::Options {
            write_timeout: super::SECONDS,
            ..options()
        },
        None,
    );
    let mut client = Client::logged_in(running.address).await;
    client.packet(b"F").await;
    client.packet(b"D").await;
    while running.note().await != Note::Received(b"D".as_slice().into()) {}
    let before = running.visits.load(Ordering::Relaxed);
    running.dropped().await;
    let visits = running.visits.load(Ordering::Relaxed) - before;
    assert!(visits < 200, "it sleeps meanwhile: {visits} visits");
    drop(client);
}

#[tokio::test]
async fn a_session_whose_time_has_passed_does_not_keep_a_processor_busy() {
    let mut running = start(options(), None);
    let mut client = Client::logged_in(running.address).await;
    client.packet(b"S").await;
    while running.note().await != Note::Received(b"S".as_slice().into()) {}
    let before = running.visits.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let visits = running.visits.load(Ordering::Relaxed) - before;
    assert!(visits < 20, "{visits} visits");
    client.packet(b"Eready").await;
    assert_eq!(client.expect_packet().await, b"ready");
}

#[tokio::test]
async fn a_client_that_vanishes_inside_a_packet_ends_its_session_only() {
    let mut running = start(options(), None);
    let mut other = Client::logged_in(running.address).await;
    let mut client = Client::websocket(running.address).await;
    client.send(&frame(0x82, &[b'x'; 500])[..100]).await;
    drop(client);
    running.dropped().await;
    other.packet(b"Estill here").await;
    assert_eq!(other.expect_packet().await, b"still here");
}

#[tokio::test]
async fn the_deadline_of_a_session_is_kept() {
    let running = start(options(), None);
    let mut client = Client::websocket(running.address).await;
    client.packet(b"D").await;
    assert_eq!(client.expect_close().await, 1008);
}

#[tokio::test]
async fn large_and_small_packets_keep_their_order() {
    let running = start(options(), None);
    let mut client = Client::logged_in(running.address).await;
    let mut bytes = Vec::new();
    for packet in [b"Eone".as_slice(), b"B", b"Etwo", b"B", b"Ethree"] {
        bytes.extend(frame(0x82, packet));
    }
    client.send(&bytes).await;
    for expected in [b"one".as_slice(), &[7; 100_000], b"two", &[7; 100_000], b"three"] {
        assert!(client.expect_packet().await == expected);
    }
}

#[tokio::test]
async fn what_a_client_sends_is_taken_although_it_reads_nothing() {
    let mut running = start(
        crate::gateway::Options {
            write_timeout: super::SECONDS,
            ..options()
        },
        None,
    );
    let mut client = Client::logged_in(running.address).await;
    client.packet(b"F").await;
    // Far more than the flood leaves room for in the buffers of the operating system.
    for _ in 0..200 {
        client.packet(&[b'x'; 10_000]).await;
    }
    let mut received = 0;
    while received < 200 {
        if let Note::Received(packet) = running.note().await {
            received += usize::from(packet.len() == 10_000);
        }
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_for_too_long_is_disconnected() {
    let mut running = start(options(), None);
    let mut client = Client::logged_in(running.address).await;
    client.packet(b"F").await;
    running.dropped().await;
    let mut other = Client::logged_in(running.address).await;
    other.packet(b"Ewell").await;
    assert_eq!(other.expect_packet().await, b"well");
    drop(client);
}

#[tokio::test]
async fn a_client_that_never_stops_reading_does_not_starve_others() {
    let running = start(options(), None);
    let mut greedy = Client::logged_in(running.address).await;
    greedy.packet(b"F").await;
    let reader = tokio::spawn(async move {
        let mut read = 0;
        while read < 64 << 20 {
            read += greedy.expect_packet().await.len();
        }
    });
    for _ in 0..50 {
        let mut other = Client::logged_in(running.address).await;
        other.packet(b"Eok").await;
        assert_eq!(other.expect_packet().await, b"ok");
    }
    reader.await.unwrap();
}
