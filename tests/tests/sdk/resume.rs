//! Lost connections and servers that go away: nothing is lost, nothing comes twice.

use tim_client::{Event, HistoryStart, Outgoing};
use tim_tests::{Encoding, Server, in_both_encodings, secrets, within};

use crate::session::{friends, words};

async fn a_message_sent_while_the_server_is_away_arrives_once_when_it_is_back(encoding: Encoding) {
    let server = Server::start();
    let (a, b) = friends(&server, encoding).await;
    server.kill();
    let mut under_way = Vec::new();
    for number in 0..20 {
        let text = Outgoing::text(secrets::text(&format!("number {number}")));
        under_way.push(a.client.submit(b.node(), text).await.unwrap());
    }
    server.run();
    for (number, confirmation) in (1..).zip(under_way) {
        let sent = within("a confirmation", confirmation).await.unwrap();
        assert_eq!(sent.mid.map(tim_client::Mid::get), Some(number));
    }
    for number in 0..20 {
        assert_eq!(b.words().await, format!("number {number}"));
    }
    b.expect_silence().await;
    assert_eq!(
        a.client
            .history(b.node(), HistoryStart::Newest, 100)
            .await
            .unwrap()
            .len(),
        20
    );
}

async fn connections_are_reported_lost_and_back(encoding: Encoding) {
    let server = Server::start();
    let (a, _b) = friends(&server, encoding).await;
    server.kill();
    assert!(matches!(
        within("an event", a.client.next_event()).await,
        Some(Event::Disconnected { .. })
    ));
    assert!(!a.client.is_online());
    server.run();
    loop {
        match within("an event", a.client.next_event()).await.unwrap() {
            Event::Connected { node, again } => {
                assert!(again && node == *a.node());
                break;
            }
            Event::Disconnected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(a.client.friends().await.unwrap().len(), 1);
}

async fn an_orderly_stop_of_the_server_is_survived_too(encoding: Encoding) {
    let server = Server::start();
    let (a, b) = friends(&server, encoding).await;
    for round in 0..3 {
        a.say(b.node(), &format!("round {round}")).await;
        assert_eq!(b.words().await, format!("round {round}"));
        assert!(server.stop().success());
        server.run();
    }
    a.say(b.node(), "the end").await;
    assert_eq!(words(&b.message().await), "the end");
}

in_both_encodings!(
    a_message_sent_while_the_server_is_away_arrives_once_when_it_is_back,
    connections_are_reported_lost_and_back,
    an_orderly_stop_of_the_server_is_survived_too,
);
