//! Statements on logs of conversations and the positions of devices in logs of rooms.

use super::rooms::{ASKED, NOTHING, change, new_room};
use super::{Subject, account_id, advance, conversation, device, message, packet, reopen, room_id};
use crate::store::ids::{Mid, Seq, Timestamp};
use crate::store::record::{
    Append, Appended, InboxCopy, Membership, Retract, Retracted, RoomAdvance, UpperBound,
};
use crate::store::{MAX_DEVICES, Store};

/// Recalls a message of `a`, with a packet in the log.
async fn recall(store: &dyn Store, number: u8, mid: i64, packet: &str) -> Option<Seq> {
    let retract = Retract {
        conversation: conversation(number),
        mid: Mid(mid),
        author: account_id("a"),
        notices: Vec::new(),
        log: Some(packet.to_owned().into()),
    };
    match store.retract(retract).await.unwrap() {
        Retracted::Done { position, .. } => position,
        other => panic!("{other:?}"),
    }
}

async fn say(store: &dyn Store, number: u8, text: &str) -> (Mid, Seq) {
    match store.append(vec![message(number, None, text)]).await.unwrap()[0] {
        Appended::Stored { mid, position, .. } => (mid, position),
        Appended::Duplicate(_) | Appended::FileRefused => panic!("not stored"),
    }
}

async fn log(store: &dyn Store, number: u8, after: i64) -> Vec<InboxCopy> {
    store
        .read_log(&conversation(number), Seq(after), 1000, usize::MAX)
        .await
        .unwrap()
}

fn spoken(seq: i64, mid: i64, text: &'static str) -> InboxCopy {
    InboxCopy {
        seq: Seq(seq),
        mid: Some(Mid(mid)),
        client_id: None,
        body: Some(text.into()),
    }
}

fn gone(seq: i64, mid: i64) -> InboxCopy {
    InboxCopy {
        seq: Seq(seq),
        mid: Some(Mid(mid)),
        client_id: None,
        body: None,
    }
}

fn logged(seq: i64, text: &'static str) -> InboxCopy {
    InboxCopy {
        seq: Seq(seq),
        mid: None,
        client_id: None,
        body: Some(text.into()),
    }
}

/// One, two, recall of one, three, recall of two, recall of three, four.
async fn mixed(store: &dyn Store) -> Vec<InboxCopy> {
    assert_eq!(say(store, 1, "one").await, (Mid(1), Seq(1)));
    assert_eq!(say(store, 1, "two").await, (Mid(2), Seq(2)));
    assert_eq!(recall(store, 1, 1, "no one").await, Some(Seq(3)));
    assert_eq!(say(store, 1, "three").await, (Mid(3), Seq(4)));
    assert_eq!(recall(store, 1, 2, "no two").await, Some(Seq(5)));
    assert_eq!(recall(store, 1, 3, "no three").await, Some(Seq(6)));
    assert_eq!(say(store, 1, "four").await, (Mid(4), Seq(7)));
    vec![
        gone(1, 1),
        gone(2, 2),
        logged(3, "no one"),
        gone(4, 3),
        logged(5, "no two"),
        logged(6, "no three"),
        spoken(7, 4, "four"),
    ]
}

pub async fn a_log_holds_messages_and_packets_in_order(subject: &dyn Subject) {
    let store = subject.open();
    let expected = mixed(&*store).await;
    assert_eq!(log(&*store, 1, 0).await, expected);
    let store = reopen(subject, store).await;
    assert_eq!(log(&*store, 1, 0).await, expected);
    assert_eq!(say(&*store, 1, "five").await, (Mid(5), Seq(8)));
    assert_eq!(recall(&*store, 1, 4, "no four").await, Some(Seq(9)));
    assert_eq!(
        log(&*store, 1, 7).await,
        [spoken(8, 5, "five"), logged(9, "no four")]
    );
    assert_eq!(log(&*store, 2, 0).await, []);
}

pub async fn packets_go_into_a_log_on_their_own(subject: &dyn Subject) {
    let store = subject.open();
    say(&*store, 1, "one").await;
    let packets = [(1, "first"), (2, "elsewhere"), (1, "second")];
    let packets = packets.map(|(number, text)| (conversation(number), text.into()));
    let numbers = store.append_log(packets.to_vec()).await.unwrap();
    assert_eq!(numbers, [Seq(2), Seq(1), Seq(3)]);
    assert_eq!(say(&*store, 1, "two").await, (Mid(2), Seq(4)));
    let store = reopen(subject, store).await;
    let expected = [
        spoken(1, 1, "one"),
        logged(2, "first"),
        logged(3, "second"),
        spoken(4, 2, "two"),
    ];
    assert_eq!(log(&*store, 1, 0).await, expected);
    assert_eq!(log(&*store, 2, 0).await, [logged(1, "elsewhere")]);
    assert_eq!(store.append_log(Vec::new()).await.unwrap(), []);
}

pub async fn a_log_can_be_read_from_everywhere(subject: &dyn Subject) {
    let store = subject.open();
    let expected = mixed(&*store).await;
    for after in 0..=expected.len() {
        let rest = log(&*store, 1, after as i64).await;
        assert_eq!(rest, expected[after..], "after {after}");
        let one = store
            .read_log(&conversation(1), Seq(after as i64), 1, usize::MAX)
            .await
            .unwrap();
        assert_eq!(one, expected[after..].iter().take(1).cloned().collect::<Vec<_>>());
    }
    for after in [8, 100, i64::MAX] {
        assert_eq!(log(&*store, 1, after).await, []);
    }
    assert_eq!(log(&*store, 1, i64::MIN).await, expected);
}

pub async fn reading_a_log_is_limited_by_bytes_after_the_first(subject: &dyn Subject) {
    let store = subject.open();
    for text in ["12345", "67890", "x"] {
        say(&*store, 1, text).await;
    }
    recall(&*store, 1, 3, "123456789").await;
    let seqs = async |after, bytes| -> Vec<i64> {
        let page = store.read_log(&conversation(1), Seq(after), 1000, bytes).await;
        page.unwrap().iter().map(|copy| copy.seq.0).collect()
    };
    assert_eq!(seqs(0, 0).await, [1]);
    assert_eq!(seqs(0, 9).await, [1]);
    assert_eq!(seqs(0, 10).await, [1, 2, 3], "what is recalled takes no space");
    assert_eq!(seqs(0, 19).await, [1, 2, 3, 4]);
    assert_eq!(seqs(3, 0).await, [4]);
    let none = store.read_log(&conversation(1), Seq(0), 0, usize::MAX).await;
    assert_eq!(none.unwrap(), []);
}

pub async fn packets_in_a_log_are_not_in_the_history(subject: &dyn Subject) {
    let store = subject.open();
    mixed(&*store).await;
    let page = store
        .history(&conversation(1), UpperBound::Newest, 10, usize::MAX)
        .await
        .unwrap();
    let mids: Vec<_> = page.iter().map(|message| message.mid).collect();
    assert_eq!(mids, [Mid(4)]);
}

pub async fn a_log_tells_the_number_the_author_gave(subject: &dyn Subject) {
    let store = subject.open();
    let batch = vec![message(1, Some(77), "one"), message(1, Some(78), "two")];
    store.append(batch).await.unwrap();
    recall(&*store, 1, 2, "no two").await;
    let numbers: Vec<_> = log(&*store, 1, 0)
        .await
        .iter()
        .map(|copy| copy.client_id)
        .collect();
    assert_eq!(numbers, [Some(77), None, None]);
}

pub async fn a_repeat_takes_no_place_in_the_log(subject: &dyn Subject) {
    let store = subject.open();
    let batch = ["one", "again"].map(|text| message(1, Some(5), text));
    store.append(batch.to_vec()).await.unwrap();
    assert_eq!(say(&*store, 1, "two").await, (Mid(2), Seq(2)));
}

pub async fn a_recall_that_fails_leaves_no_packet(subject: &dyn Subject) {
    let store = subject.open();
    say(&*store, 1, "one").await;
    let retract = |mid, author| Retract {
        conversation: conversation(1),
        mid: Mid(mid),
        author: account_id(author),
        notices: vec![packet("b", "notice")],
        log: Some("packet".into()),
    };
    let outcome = store.retract(retract(1, "thief")).await.unwrap();
    assert_eq!(outcome, Retracted::OtherAuthor);
    let outcome = store.retract(retract(2, "a")).await.unwrap();
    assert_eq!(outcome, Retracted::NotFound);
    assert_eq!(log(&*store, 1, 0).await, [spoken(1, 1, "one")]);
    let outcome = store.retract(retract(1, "a")).await.unwrap();
    let done = Retracted::Done {
        seqs: vec![Seq(1)],
        position: Some(Seq(2)),
    };
    assert_eq!(outcome, done);
    let outcome = store.retract(retract(1, "a")).await.unwrap();
    assert_eq!(outcome, Retracted::NotFound);
    assert_eq!(log(&*store, 1, 0).await, [gone(1, 1), logged(2, "packet")]);
}

// ---- positions --------------------------------------------------------------------------------

/// Makes a device known.
async fn login(store: &dyn Store, owner: &str, name: &str, seen: i64) {
    store.advance(vec![advance(owner, name, 0, seen)]).await.unwrap();
}

async fn read_up_to(store: &dyn Store, owner: &str, name: &str, number: u8, position: i64) {
    let advance = RoomAdvance {
        owner: account_id(owner),
        device: device(name),
        room: room_id(number),
        position: Seq(position),
    };
    store.advance_rooms(vec![advance]).await.unwrap();
}

/// Position and head in each room.
async fn positions(store: &dyn Store, owner: &str, name: &str) -> Vec<(i64, i64)> {
    let positions = store
        .room_positions(&account_id(owner), &device(name))
        .await
        .unwrap();
    positions
        .iter()
        .map(|position| (position.position.0, position.head.0))
        .collect()
}

/// Room 1 with ten messages, the member `b` since the second, and its device `phone`.
async fn room_of_ten(store: &dyn Store) {
    store.create_room(new_room(1)).await.unwrap();
    for number in 1..=10 {
        say(store, 1, &format!("{number}")).await;
        if number == 2 {
            change(store, 1, "b", NOTHING, Membership::MEMBER).await;
        }
    }
    login(store, "b", "phone", 10).await;
}

pub async fn a_member_starts_where_it_joined(subject: &dyn Subject) {
    let store = subject.open();
    room_of_ten(&*store).await;
    for name in ["phone", "unknown"] {
        assert_eq!(positions(&*store, "b", name).await, [(2, 10)]);
    }
    recall(&*store, 1, 10, "no ten").await;
    let store = reopen(subject, store).await;
    assert_eq!(positions(&*store, "b", "phone").await, [(2, 11)]);
    assert_eq!(positions(&*store, "nobody", "phone").await, []);
}

pub async fn positions_in_rooms_only_move_forward(subject: &dyn Subject) {
    let store = subject.open();
    room_of_ten(&*store).await;
    for (position, expected) in [
        (1, 2),
        (5, 5),
        (4, 5),
        (7, 7),
        (i64::MIN, 7),
        (99, 10),
        (i64::MAX, 10),
    ] {
        read_up_to(&*store, "b", "phone", 1, position).await;
        assert_eq!(positions(&*store, "b", "phone").await, [(expected, 10)]);
    }
    let store = reopen(subject, store).await;
    assert_eq!(positions(&*store, "b", "phone").await, [(10, 10)]);
    say(&*store, 1, "later").await;
    assert_eq!(positions(&*store, "b", "phone").await, [(10, 11)]);
}

pub async fn devices_have_positions_of_their_own(subject: &dyn Subject) {
    let store = subject.open();
    room_of_ten(&*store).await;
    login(&*store, "b", "desk", 10).await;
    read_up_to(&*store, "b", "phone", 1, 6).await;
    assert_eq!(positions(&*store, "b", "phone").await, [(6, 10)]);
    assert_eq!(positions(&*store, "b", "desk").await, [(2, 10)]);
}

pub async fn a_new_device_starts_where_the_furthest_is_and_stays_there(subject: &dyn Subject) {
    let store = subject.open();
    room_of_ten(&*store).await;
    login(&*store, "b", "desk", 10).await;
    read_up_to(&*store, "b", "phone", 1, 6).await;
    read_up_to(&*store, "b", "desk", 1, 4).await;
    assert_eq!(positions(&*store, "b", "tablet").await, [(6, 10)]);
    login(&*store, "b", "tablet", 10).await;
    let store = reopen(subject, store).await;
    assert_eq!(positions(&*store, "b", "tablet").await, [(6, 10)]);
    read_up_to(&*store, "b", "phone", 1, 9).await;
    assert_eq!(positions(&*store, "b", "tablet").await, [(6, 10)]);
    assert_eq!(positions(&*store, "b", "another").await, [(9, 10)]);
}

pub async fn a_device_starts_in_a_new_room_where_its_owner_joined(subject: &dyn Subject) {
    let store = subject.open();
    room_of_ten(&*store).await;
    read_up_to(&*store, "b", "phone", 1, 10).await;
    store.create_room(new_room(2)).await.unwrap();
    say(&*store, 2, "before").await;
    change(&*store, 2, "b", NOTHING, Membership::MEMBER).await;
    say(&*store, 2, "after").await;
    let mut found = store
        .room_positions(&account_id("b"), &device("phone"))
        .await
        .unwrap();
    let expected = [room_id(1), room_id(2)];
    assert!(found.is_sorted_by_key(|position| position.room.clone()));
    found.sort_by_key(|position| position.conversation);
    assert_eq!(
        found
            .iter()
            .map(|position| position.room.clone())
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(found[1].conversation, conversation(2));
    assert_eq!((found[1].position, found[1].head), (Seq(1), Seq(2)));
}

pub async fn only_members_have_positions(subject: &dyn Subject) {
    let store = subject.open();
    room_of_ten(&*store).await;
    change(&*store, 1, "asked", NOTHING, ASKED).await;
    for name in ["asked", "stranger"] {
        login(&*store, name, "phone", 10).await;
        read_up_to(&*store, name, "phone", 1, 5).await;
        assert_eq!(positions(&*store, name, "phone").await, []);
    }
    read_up_to(&*store, "b", "phone", 9, 5).await;
    assert_eq!(positions(&*store, "b", "phone").await, [(2, 10)], "no such room");
    change(&*store, 1, "asked", ASKED, Membership::MEMBER).await;
    assert_eq!(positions(&*store, "asked", "phone").await, [(10, 10)]);
}

pub async fn unknown_devices_get_no_positions(subject: &dyn Subject) {
    let store = subject.open();
    room_of_ten(&*store).await;
    read_up_to(&*store, "b", "unknown", 1, 9).await;
    assert_eq!(positions(&*store, "b", "unknown").await, [(2, 10)]);
    login(&*store, "b", "unknown", 10).await;
    assert_eq!(positions(&*store, "b", "unknown").await, [(2, 10)]);
}

pub async fn whoever_leaves_a_room_loses_its_positions(subject: &dyn Subject) {
    let store = subject.open();
    room_of_ten(&*store).await;
    read_up_to(&*store, "b", "phone", 1, 10).await;
    change(&*store, 1, "b", Membership::MEMBER, NOTHING).await;
    assert_eq!(positions(&*store, "b", "phone").await, []);
    say(&*store, 1, "unheard").await;
    change(&*store, 1, "b", NOTHING, Membership::MEMBER).await;
    say(&*store, 1, "heard").await;
    for name in ["phone", "unknown"] {
        assert_eq!(positions(&*store, "b", name).await, [(11, 12)], "{name}");
    }
}

pub async fn a_forgotten_device_never_moves_a_new_one_back(subject: &dyn Subject) {
    let store = subject.open();
    room_of_ten(&*store).await;
    login(&*store, "b", "desk", 90).await;
    read_up_to(&*store, "b", "phone", 1, 8).await;
    read_up_to(&*store, "b", "desk", 1, 5).await;
    assert_eq!(store.forget_devices(Timestamp(50)).await.unwrap(), 1);
    let store = reopen(subject, store).await;
    assert_eq!(positions(&*store, "b", "desk").await, [(5, 10)]);
    for name in ["phone", "unknown"] {
        assert_eq!(positions(&*store, "b", name).await, [(8, 10)], "{name}");
    }
    read_up_to(&*store, "b", "phone", 1, 10).await;
    assert_eq!(
        positions(&*store, "b", "phone").await,
        [(8, 10)],
        "it is unknown now"
    );
    login(&*store, "b", "phone", 91).await;
    assert_eq!(positions(&*store, "b", "phone").await, [(8, 10)]);
    assert_eq!(store.forget_devices(Timestamp(100)).await.unwrap(), 2);
    assert_eq!(positions(&*store, "b", "unknown").await, [(8, 10)]);
}

pub async fn a_device_that_made_room_never_moves_a_new_one_back(subject: &dyn Subject) {
    let store = subject.open();
    room_of_ten(&*store).await;
    read_up_to(&*store, "b", "phone", 1, 7).await;
    for number in 0..MAX_DEVICES {
        login(&*store, "b", &format!("{number}"), 20 + number as i64).await;
    }
    let devices = store.inbox_state(&account_id("b")).await.unwrap().devices;
    assert!(!devices.iter().any(|(known, _)| *known == device("phone")));
    assert_eq!(positions(&*store, "b", "phone").await, [(7, 10)]);
    read_up_to(&*store, "b", "0", 1, 9).await;
    assert_eq!(positions(&*store, "b", "phone").await, [(9, 10)]);
}

pub async fn many_positions_are_moved_at_once(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    for number in 0..10 {
        say(&*store, 1, &format!("{number}")).await;
    }
    let names: Vec<String> = (0..50).map(|number| format!("member {number}")).collect();
    let mut advances = Vec::new();
    let founder = ["founder".to_owned()];
    for name in names.iter().chain(&founder) {
        if name != "founder" {
            change(&*store, 1, name, NOTHING, Membership::MEMBER).await;
        }
        login(&*store, name, "phone", 1).await;
        for position in [11, 13] {
            advances.push(RoomAdvance {
                owner: account_id(name),
                device: device("phone"),
                room: room_id(1),
                position: Seq(position),
            });
        }
    }
    let batch: Vec<Append> = (0..4).map(|_| message(1, None, "new")).collect();
    store.append(batch).await.unwrap();
    store.advance_rooms(advances).await.unwrap();
    store.advance_rooms(Vec::new()).await.unwrap();
    for name in names.iter().chain(&founder) {
        assert_eq!(positions(&*store, name, "phone").await, [(13, 14)], "{name}");
    }
}
