//! Messages of an account to itself: notes, and what keeps its devices in step (docs/web-api.md).

use std::collections::BTreeMap;

use tim_protocol::wire::TimMessage;
use tim_tests::chat::{all_words, message, retraction, words};
use tim_tests::{Client, Encoding, ErrorCode, Person, in_both_encodings, shared};

/// What an application tells the other devices.
fn step(to: &str, read: &str) -> TimMessage {
    TimMessage {
        od_type: 40,
        data_string: None,
        extend: Some(BTreeMap::from([("tim.sync".to_owned(), read.to_owned())])),
        ..message(to, "")
    }
}

fn read(message: &TimMessage) -> &str {
    assert_eq!((message.od_type, message.mid), (40, None));
    &message.extend.as_ref().unwrap()["tim.sync"]
}

/// A new account on two devices.
async fn two_devices(encoding: Encoding) -> (Person, Client, Client) {
    let server = shared();
    let person = Person::register(&server).await;
    let phone = person.login_on(&server, encoding, "phone").await;
    let web = person.login_on(&server, encoding, "web").await;
    (person, phone, web)
}

async fn a_note_reaches_the_other_devices_once(encoding: Encoding) {
    let (person, mut phone, mut web) = two_devices(encoding).await;
    let echo = phone.chat(&person.node, "buy milk").await;
    assert_eq!((words(&echo), echo.mid), ("buy milk", Some(1)));
    let delivered = web.delivery().await;
    assert_eq!((words(&delivered), delivered.mid), ("buy milk", Some(1)));
    assert_eq!(delivered.from_tid.unwrap().node, person.node);
    assert_eq!(delivered.to_tid.unwrap().node, person.node);
    assert_eq!(web.chat(&person.node, "and bread").await.mid, Some(2));
    assert_eq!(words(&phone.delivery().await), "and bread");
    phone.expect_silence().await;
    web.expect_silence().await;
    for client in [&mut phone, &mut web] {
        let history = client.whole_history(&person.node).await;
        assert_eq!(all_words(&history), ["buy milk", "and bread"]);
    }
}

async fn a_note_waits_for_devices_that_are_away(encoding: Encoding) {
    let server = shared();
    let (person, mut phone, web) = two_devices(encoding).await;
    web.close().await;
    phone.chat(&person.node, "one").await;
    phone.chat(&person.node, "two").await;
    let mut web = person.login_on(&server, encoding, "web").await;
    assert_eq!(all_words(&web.offline().await.concat()), ["one", "two"]);
    // The device that wrote them has nothing to catch up with.
    phone.close().await;
    let mut phone = person.login_on(&server, encoding, "phone").await;
    assert!(phone.offline().await.is_empty());
    phone.expect_silence().await;
}

async fn notes_of_a_single_device_are_kept_too(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let mut only = person.login_on(&server, encoding, "only").await;
    assert_eq!(only.chat(&person.node, "one").await.mid, Some(1));
    only.send_message(&step(&person.node, "nobody")).await;
    only.expect_silence().await;
    only.close().await;
    let mut only = person.login_on(&server, encoding, "only").await;
    assert!(only.offline().await.is_empty());
    assert_eq!(all_words(&only.whole_history(&person.node).await), ["one"]);
    let mut second = person.login_on(&server, encoding, "second").await;
    assert_eq!(all_words(&second.whole_history(&person.node).await), ["one"]);
}

async fn a_note_can_be_recalled(encoding: Encoding) {
    let (person, mut phone, mut web) = two_devices(encoding).await;
    let mid = phone.chat(&person.node, "wrong").await.mid.unwrap();
    web.delivery().await;
    phone.send_message(&retraction(2, &person.node, mid)).await;
    for client in [&mut phone, &mut web] {
        let notice = client.delivery().await;
        assert_eq!((notice.od_type, notice.mid), (2, Some(mid)));
        client.expect_silence().await;
    }
    assert!(phone.whole_history(&person.node).await.is_empty());
}

async fn devices_are_kept_in_step(encoding: Encoding) {
    let server = shared();
    let (person, mut phone, mut web) = two_devices(encoding).await;
    phone.send_message(&step(&person.node, "5")).await;
    assert_eq!(read(&web.delivery().await), "5");
    phone.expect_silence().await;
    web.close().await;
    phone.send_message(&step(&person.node, "6")).await;
    // Nothing answers it; what comes after it is stored after it.
    phone.chat(&person.node, "stored").await;
    let mut web = person.login_on(&server, encoding, "web").await;
    let waiting = web.offline().await.concat();
    assert_eq!(read(&waiting[0]), "6");
    assert_eq!(all_words(&waiting[1..]), ["stored"]);
    web.expect_silence().await;
    phone.close().await;
    let mut phone = person.login_on(&server, encoding, "phone").await;
    assert!(phone.offline().await.is_empty(), "it sent them itself");
    let history = phone.whole_history(&person.node).await;
    assert_eq!(all_words(&history), ["stored"], "they are no messages");
}

async fn nobody_else_is_written_to_by_it(encoding: Encoding) {
    let server = shared();
    let (person, mut phone, _web) = two_devices(encoding).await;
    let other = Person::register(&server).await;
    let mut stranger = other.login(&server, encoding).await;
    phone.chat(&person.node, "private").await;
    stranger.expect_silence().await;
    assert!(stranger.whole_history(&person.node).await.is_empty());
    stranger
        .refused_message(&message(&person.node, "hello"), ErrorCode::PermDenied)
        .await;
    phone
        .refused_message(&message(&other.node, "hello"), ErrorCode::PermDenied)
        .await;
    let stream = TimMessage {
        od_type: 5,
        ..message(&person.node, "live")
    };
    phone.send_message(&stream).await;
    stranger.expect_silence().await;
}

in_both_encodings!(
    a_note_reaches_the_other_devices_once,
    a_note_waits_for_devices_that_are_away,
    notes_of_a_single_device_are_kept_too,
    a_note_can_be_recalled,
    devices_are_kept_in_step,
    nobody_else_is_written_to_by_it,
);
