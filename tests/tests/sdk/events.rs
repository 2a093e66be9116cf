//! What waits for a device, and when it counts as taken.

use tim_client::{Acknowledge, Event};
use tim_tests::{Encoding, in_both_encodings, shared, within};

use crate::session::{Session, builder, credentials, friends, words};

fn texts(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| match event {
        Event::Message(message) => words(message),
        other => panic!("a message was expected: {other:?}"),
    };
    events.iter().map(text).collect()
}

fn numbers(range: std::ops::RangeInclusive<usize>) -> Vec<String> {
    range.map(|number| format!("number {number}")).collect()
}

async fn what_waited_comes_in_order_and_once(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    b.client.close().await;
    for number in 1..=60 {
        a.say(b.node(), &format!("number {number}")).await;
    }
    let (again, waiting) = Session::open_with_backlog(&server, encoding, &b.person, "phone").await;
    assert_eq!(texts(&waiting), numbers(1..=60));
    let is_offline = |event: &Event| matches!(event, Event::Message(message) if message.offline);
    assert!(waiting.iter().all(is_offline));
    again.client.close().await;
    Session::open(&server, encoding, &b.person, "phone").await;
}

async fn what_the_application_did_not_take_is_offered_again(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    b.client.close().await;
    for number in 1..=5 {
        a.say(b.node(), &format!("number {number}")).await;
    }
    let client = builder(&server, encoding, "phone")
        .connect(credentials(&b.person))
        .await
        .unwrap();
    // The connection event, and no message.
    assert!(matches!(
        within("an event", client.next_event()).await,
        Some(Event::Connected { .. })
    ));
    client.close().await;
    let (_again, waiting) = Session::open_with_backlog(&server, encoding, &b.person, "phone").await;
    assert_eq!(texts(&waiting), numbers(1..=5));
}

async fn with_late_acknowledgement_the_event_in_hand_is_not_acknowledged(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    b.client.close().await;
    let late = builder(&server, encoding, "phone").acknowledge(Acknowledge::WhenNextIsTaken);
    let client = late.connect(credentials(&b.person)).await.unwrap();
    a.say(b.node(), "number 1").await;
    loop {
        if let Some(Event::Message(message)) = within("a message", client.next_event()).await {
            assert_eq!(words(&message), "number 1");
            break;
        }
    }
    // The application dies with the message in its hands.
    drop(client);
    let (_again, waiting) = Session::open_with_backlog(&server, encoding, &b.person, "phone").await;
    assert_eq!(texts(&waiting), numbers(1..=1));
}

async fn every_device_has_its_own_inbox(encoding: Encoding) {
    let server = shared();
    let (a, phone) = friends(&server, encoding).await;
    let web = Session::open(&server, encoding, &phone.person, "web").await;
    web.client.close().await;
    for number in 1..=12 {
        a.say(phone.node(), &format!("number {number}")).await;
        phone.message().await;
    }
    let (_web, waiting) = Session::open_with_backlog(&server, encoding, &phone.person, "web").await;
    assert_eq!(texts(&waiting), numbers(1..=12));
    phone.expect_silence().await;
}

in_both_encodings!(
    what_waited_comes_in_order_and_once,
    what_the_application_did_not_take_is_offered_again,
    with_late_acknowledgement_the_event_in_hand_is_not_acknowledged,
    every_device_has_its_own_inbox,
);
