//! Autobahn 1 and 9.1 to 9.6: messages of every size, in every form of the length.

use crate::client::{BINARY, TEXT, answered, answered_within, binary, echo, server, text};

fn bytes(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

#[tokio::test]
async fn an_empty_text_is_echoed() {
    answered(&text(""), &[echo(TEXT, "")]).await;
}

#[tokio::test]
async fn an_empty_binary_message_is_echoed() {
    answered(&binary(""), &[echo(BINARY, "")]).await;
}

#[tokio::test]
async fn texts_of_every_form_of_the_length_are_echoed() {
    for length in [1, 124, 125, 126, 127, 128, 65_535, 65_536, 65_537] {
        let payload = "*".repeat(length);
        answered(&text(&payload), &[echo(TEXT, &payload)]).await;
    }
}

#[tokio::test]
async fn binary_messages_of_every_form_of_the_length_are_echoed() {
    for length in [1, 124, 125, 126, 127, 128, 65_535, 65_536, 65_537] {
        let payload = bytes(length);
        answered(&binary(&payload), &[echo(BINARY, &payload)]).await;
    }
}

#[tokio::test]
async fn lengths_in_a_longer_form_than_needed_are_understood() {
    let mask = [0; 4];
    let medium = [&[0x82, 0x80 | 126, 0, 2], mask.as_slice(), b"hi"].concat();
    let long = [
        &[0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 2],
        mask.as_slice(),
        b"hi",
    ]
    .concat();
    answered(
        &[medium, long].concat(),
        &[echo(BINARY, "hi"), echo(BINARY, "hi")],
    )
    .await;
}

#[tokio::test]
async fn many_messages_in_one_write_are_echoed_in_order() {
    let (mut sent, mut expected) = (Vec::new(), Vec::new());
    for length in 0..200 {
        let payload = bytes(length);
        sent.extend(binary(&payload));
        expected.push(echo(BINARY, &payload));
        let payload = "ä".repeat(length);
        sent.extend(text(&payload));
        expected.push(echo(TEXT, &payload));
    }
    answered(&sent, &expected).await;
}

#[tokio::test]
async fn messages_of_many_mebibytes_are_echoed_when_the_limit_allows() {
    use crate::client::{Chop, Client};
    let limit = 16 << 20;
    let server = server(limit);
    for chop in [Chop(4_093), Chop(usize::MAX)] {
        for length in [1 << 20, limit] {
            let payload = bytes(length);
            let mut client = Client::connect(&server).await;
            client.send(&binary(&payload), chop).await;
            assert!(client.frame().await == Some(echo(BINARY, &payload)), "{length}");
            let payload = "x".repeat(length);
            client.send(&text(&payload), chop).await;
            assert!(client.frame().await == Some(echo(TEXT, &payload)), "{length}");
        }
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_message_of_exactly_the_limit_is_echoed() {
    let payload = bytes(1_000);
    answered_within(1_000, &binary(&payload), &[echo(BINARY, &payload)]).await;
}
