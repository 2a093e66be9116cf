//! Autobahn 2: pings and pongs.

use crate::client::{
    BINARY, Chop, Client, PING, PONG, TEXT, answered, binary, close, closed, echo, frame, ping, pong,
    refused, server, text,
};

#[tokio::test]
async fn a_ping_is_answered_with_its_payload() {
    for payload in [
        b"".as_slice(),
        b"Hello, world!",
        &[0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff],
        &[0xfe; 124],
        &[0xfe; 125],
    ] {
        answered(&ping(payload), &[echo(PONG, payload)]).await;
    }
}

#[tokio::test]
async fn a_ping_of_more_than_125_bytes_is_refused() {
    refused(&ping([0xfe; 126]), &[], 1002).await;
    refused(&ping([0xfe; 70_000]), &[], 1002).await;
}

#[tokio::test]
async fn a_pong_of_more_than_125_bytes_is_refused() {
    refused(&pong([0xfe; 126]), &[], 1002).await;
}

#[tokio::test]
async fn a_pong_nobody_asked_for_is_ignored() {
    let sent = [pong(""), pong("unsolicited payload"), text("next")].concat();
    answered(&sent, &[echo(TEXT, "next")]).await;
}

#[tokio::test]
async fn a_ping_behind_a_pong_nobody_asked_for_is_answered() {
    answered(
        &[pong("unsolicited"), ping("ping payload")].concat(),
        &[echo(PONG, "ping payload")],
    )
    .await;
}

#[tokio::test]
async fn every_one_of_many_pings_is_answered_in_order() {
    let payloads: Vec<String> = (0..10).map(|n| format!("payload-{n}")).collect();
    let sent: Vec<u8> = payloads.iter().flat_map(ping).collect();
    let expected: Vec<_> = payloads.iter().map(|payload| echo(PONG, payload)).collect();
    answered(&sent, &expected).await;
}

#[tokio::test]
async fn a_ping_in_fragments_is_refused() {
    refused(&[frame(PING, "frag"), frame(0x80, "ment")].concat(), &[], 1002).await;
}

#[tokio::test]
async fn a_pong_in_fragments_is_refused() {
    refused(&frame(PONG, "frag"), &[], 1002).await;
}

#[tokio::test]
async fn a_ping_between_messages_changes_neither() {
    let sent = [text("one"), ping("between"), binary("two")].concat();
    let server = server(1_000);
    for chop in crate::client::CHOPS {
        let mut client = Client::connect(&server).await;
        client.send(&sent, chop).await;
        let mut frames = Vec::new();
        for _ in 0..3 {
            frames.push(client.frame().await.unwrap());
        }
        // A pong may overtake an echo.
        let at = frames
            .iter()
            .position(|frame| *frame == echo(PONG, "between"))
            .unwrap();
        frames.remove(at);
        assert_eq!(frames, [echo(TEXT, "one"), echo(BINARY, "two")]);
        client.send(&close(1000, ""), chop).await;
        assert_eq!(client.rest().await, [closed(1000)]);
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_flood_of_pings_ends_the_connection() {
    let server = server(1_000);
    let mut client = Client::connect(&server).await;
    client.send(&ping("?").repeat(5_000), Chop(usize::MAX)).await;
    let frames = client.rest().await;
    assert_eq!(frames.last(), Some(&closed(1008)));
    assert!(frames.len() < 1_000, "{} answers", frames.len());
    server.shutdown().await;
}
