//! Stopping: what was acknowledged is kept, who is connected is told, and it ends in time.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tim_protocol::wire::TimMessage;
use tim_tests::chat::{message, words};
use tim_tests::client::Incoming;
use tim_tests::{Client, Encoding, PacketType, Server, friends, in_both_encodings, within};

/// Sends as fast as echoes come until the server goes; answers what was acknowledged, and the last number sent.
async fn send_until_closed(mut a: Client, to: String) -> (Vec<TimMessage>, i64, Option<u16>) {
    let mut echoes = Vec::new();
    let mut next = 1;
    loop {
        while next - i64::try_from(echoes.len()).unwrap() <= 32 {
            let numbered = TimMessage {
                id: Some(next),
                ..message(&to, &format!("number {next}"))
            };
            next += 1;
            let packet = tim_protocol::packet::client_packet(PacketType::Message, a.encoding, &numbered);
            if a.try_send_raw(packet).await.is_err() {
                break;
            }
        }
        match within("an echo or the end", a.incoming()).await {
            Incoming::Packet(received) => match received.kind {
                PacketType::Message => echoes.push(received.message()),
                _ => panic!("{received:?}"),
            },
            Incoming::Closed(code) => return (echoes, next - 1, code),
        }
    }
}

async fn sigterm_under_load_loses_nothing_acknowledged(encoding: Encoding) {
    let server = Server::start();
    let (pair, a, b) = friends(&server, encoding).await;
    b.close().await;
    let sending = tokio::spawn(send_until_closed(a, pair.b.node.clone()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal(Signal::TERM);
    let (echoes, last, code) = within("the end of the session", sending).await.unwrap();
    let status = server.wait();
    assert_eq!(status.code(), Some(0), "{}", server.log().text_from(0));
    assert_eq!(code, Some(1001), "going away");
    assert!(!echoes.is_empty());
    server.run();
    let mut a = pair.a.login(&server, encoding).await;
    let history = a.whole_history(&pair.b.node).await;
    for (echo, stored) in echoes.iter().zip(&history) {
        assert_eq!(
            (echo.mid, words(echo), echo.timestamp),
            (stored.mid, words(stored), stored.timestamp)
        );
    }
    assert!(
        (echoes.len()..=usize::try_from(last).unwrap()).contains(&history.len()),
        "nothing invented"
    );
    let mut b = pair.b.login(&server, encoding).await;
    let waiting = b.offline().await.concat();
    assert_eq!(waiting.iter().filter(|it| it.od_type == 1).count(), history.len());
}

#[tokio::test]
async fn everybody_is_told_that_the_server_goes_away() {
    let server = Server::start();
    let (_pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    let mut stranger = Client::connect(server.address(), Encoding::Compact).await;
    server.signal(Signal::INT);
    for client in [&mut a, &mut b, &mut stranger] {
        assert_eq!(client.expect_close().await, Some(1001));
    }
    assert_eq!(server.wait().code(), Some(0));
}

#[tokio::test]
async fn a_client_that_reads_nothing_does_not_hold_the_server_up_for_ever() {
    let server = Server::options()
        .set("process.shutdown_timeout", "\"500ms\"")
        .start();
    let (pair, mut a, b) = friends(&server, Encoding::Compact).await;
    let _deaf = b.into_stream();
    let long = "deaf ".repeat(20_000);
    for _ in 0..60 {
        a.chat(&pair.b.node, &long).await;
    }
    let start = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(10));
    server.run();
    let mut b = pair.b.login(&server, Encoding::Compact).await;
    let waiting = b.offline().await.concat();
    assert_eq!(waiting.iter().filter(|it| it.od_type == 1).count(), 60);
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let server = Server::options()
        .set("process.shutdown_timeout", "\"5m\"")
        .start();
    let (pair, mut a, b) = friends(&server, Encoding::Compact).await;
    let _deaf = b.into_stream();
    let long = "deaf ".repeat(20_000);
    for _ in 0..60 {
        a.chat(&pair.b.node, &long).await;
    }
    server.signal(Signal::TERM);
    // The session that reads is closed in an orderly way; the deaf one holds the server up.
    a.expect_close().await;
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(1));
    server.run();
    let mut b = pair.b.login(&server, Encoding::Compact).await;
    let waiting = b.offline().await.concat();
    assert_eq!(waiting.iter().filter(|it| it.od_type == 1).count(), 60);
}

in_both_encodings!(sigterm_under_load_loses_nothing_acknowledged);
