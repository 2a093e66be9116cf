//! Large texts and binaries, in one piece and in several.

use tim_client::{ErrorCode, Event, MessageKind, Outgoing, SendError};
use tim_tests::{Encoding, in_both_encodings, secrets, shared};

use crate::session::{Session, friends};

async fn large_data_arrives_whole_and_other_packets_after_it(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let text = format!("|{}", secrets::text(&"ü".repeat(700_000)));
    assert!(text.len() > 1 << 20, "larger than a packet may be");
    a.client
        .send(b.node(), Outgoing::big_text(text.clone()))
        .await
        .unwrap();
    let binary: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    a.client
        .send(b.node(), Outgoing::big_binary(binary.clone()))
        .await
        .unwrap();
    a.say(b.node(), "after it").await;
    let got = b.message().await;
    assert_eq!(
        (got.kind, got.from.as_ref()),
        (MessageKind::BigText, Some(a.node()))
    );
    assert!(got.text.as_deref() == Some(&text[..]));
    let got = b.message().await;
    assert_eq!(got.kind, MessageKind::BigBinary);
    assert!(got.binary.as_deref() == Some(&binary[..]));
    assert_eq!(b.words().await, "after it");
}

async fn large_data_for_strangers_is_refused(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let stranger = Session::register(&server, encoding).await;
    for (message, kind) in [(Outgoing::big_text("x"), 95), (Outgoing::big_binary(vec![1]), 96)] {
        a.client.send(stranger.node(), message).await.unwrap();
        match a.event().await {
            Event::ServerError {
                packet_type, refusal, ..
            } => {
                assert_eq!(packet_type, kind);
                assert!(refusal.is(ErrorCode::PermDenied));
            }
            other => panic!("a refusal was expected: {other:?}"),
        }
    }
    stranger.expect_silence().await;
}

async fn data_above_the_limit_is_refused_before_it_is_sent(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let error = a
        .client
        .send(b.node(), Outgoing::big_binary(vec![0; 8 << 20]))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::TooLarge { limit, .. } if limit == 8 << 20));
    // The largest that fits does.
    let bytes = (8 << 20) - 5 - b.node().as_str().len() - 1;
    a.client
        .send(b.node(), Outgoing::big_binary(vec![0; bytes]))
        .await
        .unwrap();
    assert_eq!(b.message().await.binary.map(|data| data.len()), Some(bytes));
}

in_both_encodings!(
    large_data_arrives_whole_and_other_packets_after_it,
    large_data_for_strangers_is_refused,
    data_above_the_limit_is_refused_before_it_is_sent,
);
