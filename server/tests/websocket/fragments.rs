//! Autobahn 5: messages in fragments, and control frames between them.

use crate::client::{
    BINARY, CONTINUATION, FINAL, PONG, TEXT, answered, binary, echo, frame, ping, pong, refused, text,
};

/// A message cut into pieces of a size, with something behind every piece but the last.
fn pieces(opcode: u8, payload: &[u8], size: usize, between: &[u8]) -> Vec<u8> {
    let count = payload.len().div_ceil(size);
    let mut out = Vec::new();
    for (index, piece) in payload.chunks(size).enumerate() {
        let kind = if index == 0 { opcode } else { CONTINUATION };
        if index + 1 == count {
            out.extend(frame(FINAL | kind, piece));
        } else {
            out.extend(frame(kind, piece));
            out.extend_from_slice(between);
        }
    }
    out
}

#[tokio::test]
async fn messages_in_any_number_of_pieces_become_one() {
    let payload = "A message that is neither short nor long, but äöü.".as_bytes();
    for size in [1, 2, 7, 26, 49, 50] {
        answered(&pieces(TEXT, payload, size, &[]), &[echo(TEXT, payload)]).await;
        answered(&pieces(BINARY, payload, size, &[]), &[echo(BINARY, payload)]).await;
    }
}

#[tokio::test]
async fn a_large_message_in_pieces_of_every_form_of_the_length_becomes_one() {
    let payload: Vec<u8> = (0..=250).cycle().take(200_000).collect();
    for size in [64, 125, 126, 1_300, 65_535, 65_536] {
        answered(&pieces(BINARY, &payload, size, &[]), &[echo(BINARY, &payload)]).await;
    }
}

#[tokio::test]
async fn empty_pieces_add_nothing() {
    let sent = [
        frame(TEXT, ""),
        frame(CONTINUATION, ""),
        frame(CONTINUATION, "middle"),
        frame(CONTINUATION, ""),
        frame(FINAL | CONTINUATION, ""),
    ];
    answered(&sent.concat(), &[echo(TEXT, "middle")]).await;
    let nothing = [frame(TEXT, ""), frame(FINAL | CONTINUATION, "")];
    answered(&nothing.concat(), &[echo(TEXT, "")]).await;
}

#[tokio::test]
async fn pings_between_the_pieces_are_answered_before_the_message_is_complete() {
    let sent = pieces(TEXT, b"fragment1fragment2fragment3", 9, &ping("ping payload"));
    answered(
        &sent,
        &[
            echo(PONG, "ping payload"),
            echo(PONG, "ping payload"),
            echo(TEXT, "fragment1fragment2fragment3"),
        ],
    )
    .await;
}

#[tokio::test]
async fn pongs_between_the_pieces_are_ignored() {
    let sent = pieces(BINARY, b"fragment1fragment2", 9, &pong("nobody asked"));
    answered(&sent, &[echo(BINARY, "fragment1fragment2")]).await;
}

#[tokio::test]
async fn one_message_in_pieces_may_follow_another() {
    let sent = [
        pieces(TEXT, b"first text", 3, &ping("a")),
        pieces(BINARY, b"then binary", 4, &[]),
        text("then whole"),
    ];
    let mut expected = vec![echo(PONG, "a"); 3];
    expected.extend([
        echo(TEXT, "first text"),
        echo(BINARY, "then binary"),
        echo(TEXT, "then whole"),
    ]);
    answered(&sent.concat(), &expected).await;
}

#[tokio::test]
async fn a_continuation_of_nothing_is_refused() {
    for first in [CONTINUATION, FINAL | CONTINUATION] {
        refused(&[frame(first, "nothing"), text("good")].concat(), &[], 1002).await;
        refused(
            &[text("good"), frame(first, "nothing"), text("never")].concat(),
            &[echo(TEXT, "good")],
            1002,
        )
        .await;
    }
}

#[tokio::test]
async fn a_continuation_behind_the_last_piece_is_refused() {
    let sent = [
        pieces(TEXT, b"whole message", 6, &[]),
        frame(FINAL | CONTINUATION, "more"),
    ];
    refused(&sent.concat(), &[echo(TEXT, "whole message")], 1002).await;
}

#[tokio::test]
async fn a_message_inside_a_message_is_refused() {
    for opcode in [TEXT, BINARY] {
        for inside in [text("inside"), binary("inside"), frame(TEXT, "inside")] {
            refused(&[frame(opcode, "outside"), inside].concat(), &[], 1002).await;
        }
    }
}
