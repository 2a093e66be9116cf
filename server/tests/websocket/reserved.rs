//! Autobahn 3 and 4: reserved bits and opcodes, and frames that are not masked.

use crate::client::{BINARY, FINAL, TEXT, echo, frame, ping, refused, text};

#[tokio::test]
async fn each_reserved_bit_is_refused_in_every_kind_of_frame() {
    for bits in [0x40, 0x20, 0x10, 0x60, 0x70] {
        for opcode in [1, 2, 8, 9, 10] {
            refused(&frame(FINAL | bits | opcode, "x"), &[], 1002).await;
        }
    }
}

#[tokio::test]
async fn a_reserved_bit_between_good_messages_is_refused() {
    let sent = [text("good"), frame(FINAL | 0x20 | TEXT, "bad"), ping("never")].concat();
    refused(&sent, &[echo(TEXT, "good")], 1002).await;
}

#[tokio::test]
async fn reserved_opcodes_of_messages_are_refused() {
    for opcode in 3..=7 {
        refused(&frame(FINAL | opcode, ""), &[], 1002).await;
        refused(&frame(FINAL | opcode, "payload"), &[], 1002).await;
    }
}

#[tokio::test]
async fn reserved_opcodes_of_control_frames_are_refused() {
    for opcode in 11..=15 {
        refused(&frame(FINAL | opcode, ""), &[], 1002).await;
        refused(&frame(FINAL | opcode, "payload"), &[], 1002).await;
    }
}

#[tokio::test]
async fn a_reserved_opcode_between_good_messages_is_refused() {
    let sent = [text("good"), frame(FINAL | 5, "bad"), ping("never")].concat();
    refused(&sent, &[echo(TEXT, "good")], 1002).await;
}

#[tokio::test]
async fn frames_that_are_not_masked_are_refused() {
    for bytes in [
        [FINAL | BINARY, 1, b'x'].as_slice(),
        &[FINAL | TEXT, 0],
        &[FINAL | 9, 0],
        &[FINAL | 8, 2, 3, 232],
    ] {
        refused(bytes, &[], 1002).await;
    }
}
