//! Messages, history, recall, burn, kinds that are not stored.

use tim_client::{
    Conversation, ErrorCode, Event, HistoryStart, Incoming, MessageKind, Mid, Outgoing, RequestError,
    SendError,
};
use tim_tests::{Encoding, in_both_encodings, secrets, shared};

use crate::session::{Session, friends, words};

fn mid(number: i64) -> Mid {
    Mid::new(number).unwrap()
}

fn all_words(page: &[Incoming]) -> Vec<String> {
    page.iter().map(words).collect()
}

async fn a_message_is_confirmed_and_arrives(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let sent = a.say(b.node(), "hello").await;
    assert_eq!(sent.mid, Some(mid(1)));
    let got = b.message().await;
    assert_eq!(
        (words(&got).as_str(), got.mid, got.id),
        ("hello", sent.mid, sent.id)
    );
    assert_eq!(Some(got.timestamp), sent.timestamp);
    assert_eq!(got.conversation, Conversation::Peer(a.node().clone()));
    assert_eq!(got.from.as_ref(), Some(a.node()));
    assert!(!got.outgoing && !got.offline && got.kind == MessageKind::Chat);
    assert_eq!(got.device.unwrap().resource.as_deref(), Some("phone"));
    a.expect_silence().await;
    b.expect_silence().await;
}

async fn application_fields_arrive_and_stay_in_the_history(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let message = Outgoing::text(secrets::text("rich"))
        .with_binary(&b"\0\xff"[..])
        .with_content_type(7)
        .with_display(-1)
        .with_field("k", "v")
        .with_binary_field("b", &b"\x83"[..]);
    a.client.send(b.node(), message).await.unwrap();
    let got = b.message().await;
    let stored = b
        .client
        .history(a.node(), HistoryStart::Newest, 1)
        .await
        .unwrap()
        .remove(0);
    for message in [got, stored] {
        assert_eq!(message.binary.as_deref(), Some(&b"\0\xff"[..]));
        assert_eq!((message.content_type, message.display), (Some(7), Some(-1)));
        assert_eq!(message.extend["k"], "v");
        assert_eq!(message.extra["b"][..], b"\x83"[..]);
    }
}

async fn many_messages_under_way_are_confirmed_and_arrive_in_order(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let mut under_way = Vec::new();
    for number in 0..500 {
        let text = Outgoing::text(secrets::text(&format!("number {number}")));
        under_way.push(a.client.submit(b.node(), text).await.unwrap());
    }
    for (number, confirmation) in (1..).zip(under_way) {
        assert_eq!(confirmation.await.unwrap().mid, Some(mid(number)));
    }
    for number in 0..500 {
        assert_eq!(b.words().await, format!("number {number}"));
    }
    b.expect_silence().await;
}

async fn a_refused_message_fails_alone(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let stranger = Session::register(&server, encoding).await;
    let mut under_way = Vec::new();
    for number in 0..30 {
        let peer = if number % 3 == 0 {
            stranger.node()
        } else {
            b.node()
        };
        let text = Outgoing::text(secrets::text(&format!("number {number}")));
        under_way.push(a.client.submit(peer, text).await.unwrap());
    }
    for (number, confirmation) in (0..).zip(under_way) {
        match confirmation.await {
            Ok(_) => assert_ne!(number % 3, 0),
            Err(SendError::Refused(refusal)) => {
                assert_eq!(number % 3, 0);
                assert!(refusal.is(ErrorCode::PermDenied));
            }
            Err(other) => panic!("{other}"),
        }
    }
    for number in (0..30).filter(|number| number % 3 != 0) {
        assert_eq!(b.words().await, format!("number {number}"));
    }
    stranger.expect_silence().await;
}

async fn own_messages_reach_the_other_devices(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let web = Session::open(&server, encoding, &a.person, "web").await;
    let sent = a.say(b.node(), "from the phone").await;
    let copy = web.message().await;
    assert!(copy.outgoing && copy.mid == sent.mid);
    assert_eq!(copy.conversation, Conversation::Peer(b.node().clone()));
    assert_eq!(words(&copy), "from the phone");
    a.expect_silence().await;
}

async fn history_is_paged_from_the_newest_to_the_oldest(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    assert_eq!(
        a.client
            .history(b.node(), HistoryStart::Newest, 10)
            .await
            .unwrap(),
        []
    );
    let mut times = Vec::new();
    for number in 1..=25 {
        times.push(
            a.say(b.node(), &format!("number {number}"))
                .await
                .timestamp
                .unwrap(),
        );
        b.message().await;
    }
    let newest = a.client.history(b.node(), HistoryStart::Newest, 3).await.unwrap();
    assert_eq!(all_words(&newest), ["number 25", "number 24", "number 23"]);
    let at = a
        .client
        .history(b.node(), HistoryStart::At(mid(2)), 10)
        .await
        .unwrap();
    assert_eq!(all_words(&at), ["number 2", "number 1"]);
    let by_time = b
        .client
        .history(a.node(), HistoryStart::Time(times[4]), 2)
        .await
        .unwrap();
    assert_eq!(all_words(&by_time), ["number 5", "number 4"]);
    let mut pager = b.client.history_pager(a.node(), HistoryStart::Newest, 7);
    let mut all = Vec::new();
    loop {
        let page = pager.next_page().await.unwrap();
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    let expected: Vec<String> = (1..=25).rev().map(|number| format!("number {number}")).collect();
    assert_eq!(all_words(&all), expected);
}

async fn a_recall_removes_the_message_on_both_sides(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let sent = a.say(b.node(), "regretted").await;
    b.message().await;
    let not_mine = b.client.recall(a.node(), sent.mid.unwrap()).await.unwrap_err();
    assert!(matches!(not_mine, RequestError::Refused(refusal) if refusal.is(ErrorCode::PermDenied)));
    let missing = a.client.recall(b.node(), mid(99)).await.unwrap_err();
    assert!(matches!(missing, RequestError::Refused(refusal) if refusal.is(ErrorCode::Params)));
    a.client.recall(b.node(), sent.mid.unwrap()).await.unwrap();
    for (session, peer, outgoing) in [(&a, &b, true), (&b, &a, false)] {
        let Event::Recalled(removal) = session.event().await else {
            panic!("a recall was expected");
        };
        assert_eq!(
            (Some(removal.mid), &removal.by, removal.outgoing),
            (sent.mid, a.node(), outgoing)
        );
        assert_eq!(removal.conversation, Conversation::Peer(peer.node().clone()));
        assert_eq!(
            session
                .client
                .history(peer.node(), HistoryStart::Newest, 5)
                .await
                .unwrap(),
            []
        );
    }
}

async fn a_burn_is_for_the_recipient_only(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let sent = a.say(b.node(), "for your eyes").await.mid.unwrap();
    b.message().await;
    let not_received = a.client.burn(b.node(), sent).await.unwrap_err();
    assert!(matches!(not_received, RequestError::Refused(refusal) if refusal.is(ErrorCode::PermDenied)));
    b.client.burn(a.node(), sent).await.unwrap();
    for session in [&a, &b] {
        assert!(matches!(session.event().await, Event::Burned(removal) if removal.mid == sent));
    }
}

async fn live_data_reaches_only_who_is_online(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let text = secrets::text("large");
    for (message, kind) in [
        (Outgoing::stream(&b"\x01\x02"[..]), MessageKind::Stream),
        (Outgoing::big_text(text.clone()), MessageKind::BigText),
        (Outgoing::big_binary(&b"\x83\x83"[..]), MessageKind::BigBinary),
    ] {
        a.client.send(b.node(), message).await.unwrap();
        let got = b.message().await;
        assert_eq!((got.kind, got.from.as_ref()), (kind, Some(a.node())));
    }
    b.client.close().await;
    a.client
        .send(b.node(), Outgoing::stream(&b"\x03"[..]))
        .await
        .unwrap();
    a.client
        .send(b.node(), Outgoing::application(40).with_text(text))
        .await
        .unwrap();
    // Not confirmed itself, but stored before what is sent after it.
    a.say(b.node(), "after it").await;
    let (_b, waiting) = Session::open_with_backlog(&server, encoding, &b.person, "phone").await;
    let [Event::Message(kept), Event::Message(_)] = &waiting[..] else {
        panic!("two messages were expected: {waiting:?}");
    };
    assert_eq!((kept.kind, kept.mid), (MessageKind::Application(40), None));
}

in_both_encodings!(
    a_message_is_confirmed_and_arrives,
    application_fields_arrive_and_stay_in_the_history,
    many_messages_under_way_are_confirmed_and_arrive_in_order,
    a_refused_message_fails_alone,
    own_messages_reach_the_other_devices,
    history_is_paged_from_the_newest_to_the_oldest,
    a_recall_removes_the_message_on_both_sides,
    a_burn_is_for_the_recipient_only,
    live_data_reaches_only_who_is_online,
);
