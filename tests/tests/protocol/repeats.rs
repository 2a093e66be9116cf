//! Repeats of a message with the same `id`: one message, the same echo (delivery contract, item 3).

use tim_protocol::wire::TimMessage;
use tim_tests::chat::{all_words, message, words};
use tim_tests::{Client, Encoding, Server, friends, in_both_encodings, shared};

/// Covers: 7.6-28
async fn a_repeat_with_the_same_id_gets_the_same_echo_and_is_delivered_once(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let once = TimMessage {
        id: Some(42),
        ..message(&pair.b.node, "once")
    };
    let first = a_sends(&mut a, &once).await;
    b.delivery().await;
    for _ in 0..3 {
        let again = a_sends(&mut a, &once).await;
        assert_eq!(
            (again.mid, again.timestamp, again.id),
            (first.mid, first.timestamp, first.id)
        );
        assert_eq!(again.data_string, first.data_string);
    }
    // Other words under the same id are the same message.
    let changed = TimMessage {
        id: Some(42),
        ..message(&pair.b.node, "twice")
    };
    assert_eq!(words(&a_sends(&mut a, &changed).await), "once");
    b.expect_silence().await;
    assert_eq!(all_words(&b.history(&pair.a.node, 0, 10).await), ["once"]);
    // The same number of another sender, or in another conversation, is another message.
    let other = TimMessage {
        id: Some(42),
        ..message(&pair.a.node, "of b")
    };
    b.send_message(&other).await;
    assert_eq!(words(&b.echo().await), "of b");
}

async fn a_sends(a: &mut Client, message: &TimMessage) -> TimMessage {
    a.send_message(message).await;
    a.echo().await
}

async fn repeats_sent_without_waiting_are_one_message(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let once = TimMessage {
        id: Some(7),
        ..message(&pair.b.node, "once")
    };
    for _ in 0..10 {
        a.send_message(&once).await;
    }
    for _ in 0..10 {
        assert_eq!(a.echo().await.mid, Some(1));
    }
    b.delivery().await;
    b.expect_silence().await;
}

/// Covers: 7.6-28, W-18
async fn a_repeat_after_reconnecting_or_from_another_device_is_recognised(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let once = TimMessage {
        id: Some(7),
        ..message(&pair.b.node, "once")
    };
    let first = a_sends(&mut a, &once).await;
    b.delivery().await;
    a.abandon().await;
    let mut a = pair.a.login(&server, encoding).await;
    assert_eq!(a_sends(&mut a, &once).await.mid, first.mid);
    let mut web = pair.a.login_on(&server, encoding, "web").await;
    web.offline().await;
    assert_eq!(a_sends(&mut web, &once).await.mid, first.mid);
    b.expect_silence().await;
}

async fn a_repeat_after_kill_9_is_recognised(encoding: Encoding) {
    let server = Server::start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let once = TimMessage {
        id: Some(7),
        ..message(&pair.b.node, "once")
    };
    let first = a_sends(&mut a, &once).await;
    b.delivery().await;
    server.kill();
    server.run();
    let mut a = pair.a.login(&server, encoding).await;
    let again = a_sends(&mut a, &once).await;
    assert_eq!(
        (again.mid, again.timestamp, again.id),
        (first.mid, first.timestamp, first.id)
    );
    assert_eq!(words(&again), "once");
    assert_eq!(a.history(&pair.b.node, 0, 10).await.len(), 1);
}

in_both_encodings!(
    a_repeat_with_the_same_id_gets_the_same_echo_and_is_delivered_once,
    repeats_sent_without_waiting_are_one_message,
    a_repeat_after_reconnecting_or_from_another_device_is_recognised,
    a_repeat_after_kill_9_is_recognised,
);
