//! Autobahn 9 and 10: the limit of the size of messages, and arrival in the smallest pieces.

use crate::client::{
    BINARY, CHOPS, CONTINUATION, Chop, Client, FINAL, TEXT, binary, closed, echo, frame, head, ping,
    refused_within, server, text,
};

#[tokio::test]
async fn a_message_above_the_limit_is_refused() {
    refused_within(1_000, &binary([7; 1_001]), &[], 1009).await;
    refused_within(1_000, &text("x".repeat(1_001)), &[], 1009).await;
    refused_within(
        1_000,
        &[text("good"), binary(vec![7; 100_000])].concat(),
        &[echo(TEXT, "good")],
        1009,
    )
    .await;
}

#[tokio::test]
async fn the_announcement_of_too_much_is_enough() {
    let server = server(1_000);
    for length in [1_001, 65_536, 1 << 40, u64::MAX >> 1, u64::MAX] {
        for first in [FINAL | BINARY, TEXT] {
            for chop in CHOPS {
                let mut client = Client::connect(&server).await;
                client
                    .send(&[head(first, length), vec![0; 4]].concat(), chop)
                    .await;
                assert_eq!(client.rest().await, [closed(1009)], "{length}");
            }
        }
    }
    server.shutdown().await;
}

#[tokio::test]
async fn fragments_that_add_up_to_too_much_are_refused() {
    let mut sent = frame(BINARY, [7; 100]);
    for _ in 0..9 {
        sent.extend(frame(CONTINUATION, [7; 100]));
    }
    refused_within(
        1_000,
        &[sent.clone(), frame(FINAL | CONTINUATION, "x")].concat(),
        &[],
        1009,
    )
    .await;
    let server = server(1_000);
    let mut client = Client::connect(&server).await;
    client
        .send(
            &[sent, frame(FINAL | CONTINUATION, "")].concat(),
            Chop(usize::MAX),
        )
        .await;
    assert_eq!(
        client.frame().await,
        Some(echo(BINARY, [7; 1_000])),
        "exactly the limit"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn control_frames_do_not_count_as_part_of_a_message() {
    let server = server(100);
    let mut client = Client::connect(&server).await;
    let sent = [
        frame(BINARY, [1; 60]),
        ping([2; 125]),
        frame(FINAL | CONTINUATION, [1; 40]),
    ];
    client.send(&sent.concat(), Chop(1)).await;
    assert_eq!(client.frame().await, Some(echo(10, [2; 125])));
    assert_eq!(client.frame().await, Some(echo(BINARY, [1; 100])));
    server.shutdown().await;
}

#[tokio::test]
async fn empty_fragments_without_end_are_refused() {
    let server = server(1_000);
    let mut client = Client::connect(&server).await;
    let sent = [frame(TEXT, ""), frame(CONTINUATION, "").repeat(5_000)].concat();
    client.send(&sent, Chop(usize::MAX)).await;
    assert_eq!(client.rest().await, [closed(1008)]);
    server.shutdown().await;
}

#[tokio::test]
async fn a_message_may_arrive_in_the_smallest_pieces() {
    let server = server(100_000);
    let payload = "*".repeat(20_000);
    for size in [1, 64, 128, 1_300] {
        let mut client = Client::connect(&server).await;
        client.send(&text(&payload), Chop(size)).await;
        assert_eq!(client.frame().await, Some(echo(TEXT, &payload)), "{size}");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_client_that_reads_late_gets_every_echo() {
    let server = server(100_000);
    let mut client = Client::connect(&server).await;
    let payload = vec![7; 50_000];
    // Less than the server and both operating systems hold, so that sending does not wait for reading.
    for _ in 0..20 {
        client.send(&binary(&payload), Chop(usize::MAX)).await;
    }
    for _ in 0..20 {
        assert!(client.frame().await == Some(echo(BINARY, &payload)));
    }
    server.shutdown().await;
}
