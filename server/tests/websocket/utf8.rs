//! Autobahn 6: text must be UTF-8, and what cannot become UTF-8 fails at once.

use crate::client::{
    BINARY, CHOPS, CONTINUATION, Client, FINAL, TEXT, answered, binary, closed, echo, frame, head, ping,
    refused, server, text,
};

const VALID: &[&str] = &[
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "\u{0}",
    "\u{7f}\u{80}\u{7ff}\u{800}",
    "\u{d7ff}\u{e000}\u{fffd}\u{fffe}\u{ffff}",
    "\u{10000}\u{10ffff}",
    "\u{1f600}\u{200d}\u{feff}",
];

const INVALID: &[&[u8]] = &[
    // A surrogate, alone and as a pair.
    &[0xed, 0xa0, 0x80],
    &[0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80],
    // Continuation bytes without a first one.
    &[0x80],
    &[0xbf, 0x80],
    // First bytes without the rest.
    &[0xc2, 0x20],
    &[0xe2, 0x82, 0x20],
    &[0xf0, 0x9f, 0x98, 0x20],
    // Overlong forms.
    &[0xc0, 0xaf],
    &[0xe0, 0x80, 0xaf],
    &[0xf0, 0x80, 0x80, 0xaf],
    // Above U+10FFFF, and bytes that never occur.
    &[0xf4, 0x90, 0x80, 0x80],
    &[0xf8, 0x88, 0x80, 0x80, 0x80],
    &[0xfc, 0x84, 0x80, 0x80, 0x80, 0x80],
    &[0xfe],
    &[0xff],
];

/// Characters that end too early.
const CUT: &[&[u8]] = &[&[0xce], &[0xe2, 0x82], &[0xf0, 0x9f, 0x98]];

#[tokio::test]
async fn valid_text_is_echoed() {
    for valid in VALID {
        answered(&text(valid), &[echo(TEXT, valid)]).await;
    }
}

#[tokio::test]
async fn valid_text_may_be_cut_anywhere_into_fragments() {
    for valid in VALID {
        let mut sent = frame(TEXT, "");
        for byte in valid.as_bytes() {
            sent.extend(frame(CONTINUATION, [*byte]));
        }
        sent.extend(frame(FINAL | CONTINUATION, ""));
        answered(&sent, &[echo(TEXT, valid)]).await;
    }
    let whole = "κόσμε-😀";
    for at in 0..=whole.len() {
        let (left, right) = whole.as_bytes().split_at(at);
        let sent = [frame(TEXT, left), ping(""), frame(FINAL | CONTINUATION, right)];
        answered(&sent.concat(), &[echo(10, ""), echo(TEXT, whole)]).await;
    }
}

#[tokio::test]
async fn invalid_text_is_refused() {
    for invalid in INVALID.iter().chain(CUT) {
        refused(&text(invalid), &[], 1007).await;
        refused(&text([b"before ", *invalid].concat()), &[], 1007).await;
    }
    for invalid in INVALID {
        refused(&text([b"before ", *invalid, b" after"].concat()), &[], 1007).await;
    }
}

#[tokio::test]
async fn invalid_text_in_fragments_is_refused() {
    for invalid in INVALID.iter().chain(CUT) {
        for at in 0..invalid.len() {
            let (left, right) = invalid.split_at(at);
            let sent = [
                frame(TEXT, [b"before ", left].concat()),
                frame(FINAL | CONTINUATION, right),
            ];
            refused(&sent.concat(), &[], 1007).await;
        }
    }
}

#[tokio::test]
async fn text_that_cannot_become_valid_is_refused_before_its_message_ends() {
    let server = server(1_000);
    for invalid in INVALID {
        for sent in [
            // A fragment that is not the last, whole.
            frame(TEXT, [b"before ".as_slice(), invalid].concat()),
            // The beginning of a frame that announces more.
            [
                head(FINAL | TEXT, 100),
                vec![0; 4],
                b"before ".to_vec(),
                invalid.to_vec(),
            ]
            .concat(),
        ] {
            for chop in CHOPS {
                let mut client = Client::connect(&server).await;
                client.send(&sent, chop).await;
                assert_eq!(client.rest().await, [closed(1007)], "{invalid:x?}");
            }
        }
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_character_that_may_still_be_completed_is_waited_for() {
    for cut in CUT {
        let sent = [
            frame(TEXT, cut),
            ping("still here?"),
            frame(FINAL | CONTINUATION, [0x80; 3]),
        ];
        // The pong proves that the first fragment was accepted.
        let server = server(1_000);
        for chop in CHOPS {
            let mut client = Client::connect(&server).await;
            client.send(&sent[..2].concat(), chop).await;
            assert_eq!(client.frame().await, Some(echo(10, "still here?")));
            client.send(&sent[2], chop).await;
            assert_eq!(client.rest().await, [closed(1007)]);
        }
        server.shutdown().await;
    }
}

#[tokio::test]
async fn each_message_is_checked_by_itself() {
    let cut = [0xce].as_slice();
    refused(&[text(cut), text([0xba])].concat(), &[], 1007).await;
    let sent = [
        frame(TEXT, cut),
        frame(FINAL | CONTINUATION, [0xba]),
        text("next"),
    ];
    answered(&sent.concat(), &[echo(TEXT, "κ"), echo(TEXT, "next")]).await;
}

#[tokio::test]
async fn binary_messages_may_hold_anything() {
    for invalid in INVALID.iter().chain(CUT) {
        answered(&binary(invalid), &[echo(BINARY, invalid)]).await;
    }
}
