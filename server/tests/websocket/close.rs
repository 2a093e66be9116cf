//! Autobahn 7: the close handshake.

use crate::client::{
    CHOPS, CLOSE, CONTINUATION, Client, FINAL, TEXT, close, closed, echo, frame, ping, refused, server, text,
};

/// Sends bytes that hold a good close frame; this answer to it, and the end, must follow.
async fn parted(bytes: &[u8], answer: crate::client::Frame) {
    let server = server(1_000_000);
    for chop in CHOPS {
        let mut client = Client::connect(&server).await;
        client.send(bytes, chop).await;
        let frames = client.rest().await;
        assert_eq!(frames.last(), Some(&answer), "cut by {chop:?}");
        assert!(
            frames.iter().filter(|frame| frame.opcode == CLOSE).count() == 1,
            "cut by {chop:?}: {frames:?}"
        );
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_close_without_a_code_is_answered_without_one() {
    parted(&frame(FINAL | CLOSE, ""), echo(CLOSE, "")).await;
}

#[tokio::test]
async fn valid_codes_are_sent_back() {
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
    ] {
        parted(&close(code, ""), closed(code)).await;
    }
}

#[tokio::test]
async fn invalid_codes_are_refused() {
    for code in [
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        refused(&close(code, ""), &[], 1002).await;
        refused(&close(code, "reason"), &[], 1002).await;
    }
}

#[tokio::test]
async fn a_payload_of_one_byte_is_refused() {
    refused(&frame(FINAL | CLOSE, "x"), &[], 1002).await;
}

#[tokio::test]
async fn reasons_up_to_123_bytes_are_accepted() {
    parted(&close(1000, "Hello World!"), closed(1000)).await;
    parted(&close(1000, "*".repeat(123)), closed(1000)).await;
}

#[tokio::test]
async fn a_payload_of_more_than_125_bytes_is_refused() {
    refused(&close(1000, "*".repeat(124)), &[], 1002).await;
}

#[tokio::test]
async fn a_reason_that_is_not_utf8_is_refused() {
    refused(
        &close(1000, [b"reason ".as_slice(), &[0xed, 0xa0, 0x80]].concat()),
        &[],
        1007,
    )
    .await;
    refused(&close(1000, [0xce]), &[], 1007).await;
}

#[tokio::test]
async fn a_close_in_fragments_is_refused() {
    refused(&frame(CLOSE, 1000u16.to_be_bytes()), &[], 1002).await;
}

#[tokio::test]
async fn a_second_close_is_ignored() {
    parted(&[close(1000, ""), close(4_000, "again")].concat(), closed(1000)).await;
}

#[tokio::test]
async fn nothing_behind_the_close_is_answered_and_it_still_arrives() {
    parted(&[close(1000, ""), ping("late")].concat(), closed(1000)).await;
    parted(&[close(1000, ""), text("late")].concat(), closed(1000)).await;
    // More than fits into the buffers of the operating system for one read.
    parted(
        &[close(1000, ""), text("x".repeat(100_000))].concat(),
        closed(1000),
    )
    .await;
    // Not even a violation.
    parted(&[close(1000, ""), vec![0xff; 100]].concat(), closed(1000)).await;
}

#[tokio::test]
async fn a_close_in_the_middle_of_a_message_ends_it() {
    let sent = [
        frame(TEXT, "fragment1"),
        close(1000, ""),
        frame(FINAL | CONTINUATION, "fragment2"),
    ];
    parted(&sent.concat(), closed(1000)).await;
}

#[tokio::test]
async fn a_close_right_behind_a_large_message_is_answered() {
    parted(
        &[text("BAsd7&jh23".repeat(26_000)), close(1000, ""), ping("")].concat(),
        closed(1000),
    )
    .await;
}
