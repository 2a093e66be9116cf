//! What people can rely on in conversations, whatever order things happen in.

use proptest::prelude::*;
use tim_client::Node;

use super::*;

fn chat() -> ChatId {
    ChatId::parse("u:anna").unwrap()
}

fn arrived(mid: i64, mine: bool) -> Arrived {
    Arrived {
        mid: Some(mid),
        from: Node::new(if mine { "me" } else { "anna" }).ok(),
        mine,
        time: mid * 1000,
        content: Content::text(format!("message {mid}")),
    }
}

fn mids(model: &Model) -> Vec<Option<i64>> {
    model
        .chats
        .get(&chat())
        .unwrap()
        .messages()
        .map(|message| message.mid)
        .collect()
}

fn texts(model: &Model) -> Vec<String> {
    let chat = model.chats.get(&chat()).unwrap();
    chat.messages()
        .filter_map(|message| message.content().map(|content| content.text.clone()))
        .collect()
}

/// The page that a server with the messages 1 to `newest` would send.
fn page(newest: i64, start: Option<i64>, limit: u16) -> Vec<Arrived> {
    let start = start.unwrap_or(newest).min(newest);
    (1..=start)
        .rev()
        .take(usize::from(limit))
        .map(|mid| arrived(mid, mid % 3 == 0))
        .collect()
}

#[test]
fn pending_messages_stand_at_the_end_in_the_order_of_writing() {
    let mut model = Model::default();
    let first = model.chats.queue(&chat(), None, Content::text("first"), 1);
    let second = model.chats.queue(&chat(), None, Content::text("second"), 2);
    model.chats.arrive(&chat(), arrived(1, false));
    assert_eq!(texts(&model), ["message 1", "first", "second"]);
    // Confirmed the other way round: the order of the server counts.
    model.chats.confirm(&chat(), second, Some(2), None);
    model.chats.arrive(&chat(), arrived(3, false));
    assert_eq!(texts(&model), ["message 1", "second", "message 3", "first"]);
    model.chats.confirm(&chat(), first, Some(4), None);
    assert_eq!(mids(&model), [Some(1), Some(2), Some(3), Some(4)]);
}

#[test]
fn a_line_keeps_its_name_when_it_is_confirmed_even_if_history_was_faster() {
    let mut model = Model::default();
    let row = model.chats.queue(&chat(), None, Content::text("hello"), 1);
    model.chats.add_past(&chat(), vec![arrived(1, true)], None, 20);
    model.chats.confirm(&chat(), row, Some(1), Some(5));
    let chat = model.chats.get(&chat()).unwrap();
    assert_eq!(chat.len(), 1);
    assert_eq!((chat.at(0).unwrap().row, chat.at(0).unwrap().time), (row, 5));
}

#[test]
fn a_failed_message_can_be_tried_again_or_given_up_but_not_a_sent_one() {
    let mut model = Model::default();
    let row = model.chats.queue(&chat(), None, Content::text("hello"), 1);
    assert!(model.chats.retry(&chat(), row, 2).is_none());
    model.chats.fail(&chat(), row, Trouble::TimedOut);
    let message = model.chats.get(&chat()).unwrap().row(row).unwrap().clone();
    assert_eq!(
        model.chats.get(&chat()).unwrap().delivery(&message),
        Some(Delivery::Failed(Trouble::TimedOut))
    );
    let (again, content) = model.chats.retry(&chat(), row, 2).unwrap();
    assert_eq!(content.text, "hello");
    assert!(!model.chats.discard(&chat(), again), "it is on its way");
    model.chats.fail(&chat(), again, Trouble::Offline);
    assert!(model.chats.discard(&chat(), again));
    assert!(model.chats.get(&chat()).unwrap().is_empty());
}

#[test]
fn delivered_goes_up_and_never_back() {
    let mut model = Model::default();
    for mid in 1..=3 {
        model.chats.arrive(&chat(), arrived(mid, true));
    }
    assert!(model.chats.get(&chat()).unwrap().awaits_delivery());
    model.chats.mark_delivered(&chat(), 3);
    model.chats.mark_delivered(&chat(), 2);
    let chat = model.chats.get(&chat()).unwrap();
    assert!(!chat.awaits_delivery());
    for message in chat.messages() {
        assert_eq!(chat.delivery(message), Some(Delivery::Delivered));
    }
}

#[test]
fn a_recalled_message_leaves_a_line_and_no_text() {
    let mut model = Model::default();
    model.chats.arrive(&chat(), arrived(1, false));
    model.chats.arrive(&chat(), arrived(2, false));
    model.chats.mark_read(&chat(), 0);
    model.chats.remove(&chat(), 1, Removed::Recalled);
    assert_eq!(texts(&model), ["message 2"]);
    assert_eq!(mids(&model), [Some(1), Some(2)]);
    let chat = model.chats.get(&chat()).unwrap();
    assert_eq!(chat.unread(), 1);
}

#[test]
fn what_waited_is_new_in_a_browser_that_knows_nothing() {
    let mut model = Model::default();
    // Two messages waited for this device, then the newest page comes.
    model.chats.arrive(&chat(), arrived(10, false));
    model.chats.arrive(&chat(), arrived(11, false));
    model.chats.add_past(&chat(), page(11, None, 20), None, 20);
    assert_eq!(model.chats.get(&chat()).unwrap().unread(), 2);

    // Nothing waited: nothing is new.
    let mut model = Model::default();
    model.chats.add_past(&chat(), page(11, None, 20), None, 20);
    assert_eq!(model.chats.get(&chat()).unwrap().unread(), 0);
}

#[test]
fn unread_counts_what_has_not_been_fetched_yet() {
    let mut model = Model::default();
    model.chats.mark_read(&chat(), 100);
    let fresh = (181..=200).rev().map(|mid| arrived(mid, false)).collect();
    model.chats.add_past(&chat(), fresh, None, 20);
    assert_eq!(model.chats.get(&chat()).unwrap().unread(), 100);
    // Read on another device.
    assert!(model.chats.mark_read(&chat(), 195));
    assert!(
        !model.chats.mark_read(&chat(), 150),
        "an older marker changes nothing"
    );
    assert_eq!(model.chats.get(&chat()).unwrap().unread(), 5);
    assert_eq!(model.chats.unread(), 5);
}

#[test]
fn answering_reads_and_opening_marks_where_new_messages_begin() {
    let mut model = Model::default();
    model.chats.mark_read(&chat(), 1);
    for mid in 2..=4 {
        model.chats.arrive(&chat(), arrived(mid, false));
    }
    model.chats.open(&chat());
    model.chats.mark_read(&chat(), 4);
    assert_eq!(
        model.chats.get(&chat()).unwrap().divider(),
        Some(1),
        "it stays while one reads"
    );
    model.chats.close(&chat());
    model.chats.arrive(&chat(), arrived(5, false));
    assert_eq!(model.chats.get(&chat()).unwrap().unread(), 1);
    model.chats.arrive(&chat(), arrived(6, true));
    assert_eq!(model.chats.get(&chat()).unwrap().unread(), 0);
}

#[test]
fn happenings_stay_where_they_happened() {
    let mut model = Model::default();
    model.chats.arrive(&chat(), arrived(5, false));
    model.chats.happen(&chat(), Happening::FriendsNow, 5500);
    model.chats.arrive(&chat(), arrived(6, false));
    model.chats.add_past(&chat(), page(6, None, 20), None, 20);
    let all = mids(&model);
    let index = all.iter().position(Option::is_none).unwrap();
    assert_eq!((all[index - 1], all[index + 1]), (Some(5), Some(6)));
}

#[test]
fn the_beginning_is_known_only_when_it_was_reached() {
    let mut model = Model::default();
    let past = |model: &Model| model.chats.get(&chat()).unwrap().past().clone();
    model.chats.add_past(&chat(), page(60, None, 50), None, 50);
    assert_eq!(past(&model), Past::More);
    // The server may send fewer than asked.
    model.chats.add_past(&chat(), page(60, Some(10), 5), Some(10), 50);
    assert_eq!(past(&model), Past::More);
    model.chats.add_past(&chat(), page(60, Some(5), 50), Some(5), 50);
    assert_eq!(past(&model), Past::Complete);
    // The first ones were recalled: nothing comes before.
    let mut model = Model::default();
    model.chats.add_past(&chat(), vec![arrived(8, false)], None, 50);
    assert_eq!(past(&model), Past::More);
    model.chats.add_past(&chat(), vec![], Some(7), 50);
    assert_eq!(past(&model), Past::Complete);
}

#[test]
fn the_list_has_pinned_ones_first_then_the_newest_and_is_searched_by_words() {
    let mut model = Model::default();
    let id = |text: &str| ChatId::parse(text).unwrap();
    for (chat, mid) in [("u:anna", 3), ("u:bob", 9), ("r:choir", 5), ("u:zoe", 1)] {
        model.chats.arrive(&id(chat), arrived(mid, false));
    }
    model.chats.set_pinned(&id("u:zoe"), true);
    model.chats.mark_read(&id("u:bob"), 8);
    let names = |list: Vec<ChatId>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        names(model.listed(Filter::All, "")),
        ["u:zoe", "u:bob", "r:choir", "u:anna"]
    );
    assert_eq!(names(model.listed(Filter::Groups, "")), ["r:choir"]);
    assert_eq!(names(model.listed(Filter::Unread, "")), ["u:bob"]);
    assert_eq!(names(model.listed(Filter::All, "AN na")), ["u:anna"]);
    assert_eq!(names(model.listed(Filter::People, "message 9")), ["u:bob"]);
    assert!(model.listed(Filter::All, "nobody").is_empty());
}

/// Something that can happen to a conversation.
#[derive(Clone, Debug)]
enum Step {
    Live,
    LiveOwn,
    Again(i64),
    Past,
    Newest,
    Write,
    Confirm,
    Fail,
    Read(i64),
    Remove(i64),
    Happen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Live),
        1 => Just(Step::LiveOwn),
        1 => (1i64..60).prop_map(Step::Again),
        2 => Just(Step::Past),
        1 => Just(Step::Newest),
        2 => Just(Step::Write),
        2 => Just(Step::Confirm),
        1 => Just(Step::Fail),
        1 => (1i64..60).prop_map(Step::Read),
        1 => (1i64..60).prop_map(Step::Remove),
        1 => Just(Step::Happen),
    ];
    proptest::collection::vec(step, 0..80)
}

proptest! {
    #[test]
    fn lines_are_in_order_once_and_the_unread_count_is_right(steps in steps(), start in 0i64..40) {
        let mut model = Model::default();
        let id = chat();
        model.chats.ensure(&id);
        // What the server has: whether each message is an own one.
        let mut stored: Vec<bool> = (1..=start).map(|mid| mid % 3 == 0).collect();
        let mut pending: Vec<RowId> = Vec::new();
        let mut removed = std::collections::BTreeSet::new();
        let newest = |stored: &Vec<bool>| i64::try_from(stored.len()).unwrap();
        for step in steps {
            match step {
                Step::Live | Step::LiveOwn => {
                    stored.push(matches!(step, Step::LiveOwn));
                    model.chats.arrive(&id, arrived(newest(&stored), matches!(step, Step::LiveOwn)));
                }
                Step::Again(mid) if mid <= newest(&stored) => {
                    let known = model.chats.get(&id).unwrap().by_mid(mid).is_some();
                    let mine = stored[usize::try_from(mid).unwrap() - 1];
                    // A delivery that waited: all after it are known already or come as well.
                    if known {
                        prop_assert!(!model.chats.arrive(&id, arrived(mid, mine)));
                    }
                }
                Step::Past | Step::Newest => {
                    let oldest = model.chats.get(&id).unwrap().oldest();
                    let from = if matches!(step, Step::Newest) { None } else { oldest.map(|mid| mid - 1) };
                    if from == Some(0) {
                        continue;
                    }
                    let page: Vec<_> = page(newest(&stored), from, 7)
                        .into_iter()
                        .map(|message| arrived(message.mid.unwrap(), stored[usize::try_from(message.mid.unwrap()).unwrap() - 1]))
                        .filter(|message| !removed.contains(&message.mid.unwrap()))
                        .collect();
                    model.chats.add_past(&id, page, from, 7);
                }
                Step::Write => pending.push(model.chats.queue(&id, None, Content::text("own"), 1)),
                Step::Confirm if !pending.is_empty() => {
                    let row = pending.remove(0);
                    stored.push(true);
                    model.chats.confirm(&id, row, Some(newest(&stored)), None);
                }
                Step::Fail if !pending.is_empty() => {
                    model.chats.fail(&id, pending.remove(0), Trouble::Offline);
                }
                Step::Read(mid) => {
                    model.chats.mark_read(&id, mid.min(newest(&stored)));
                }
                Step::Remove(mid) if mid <= newest(&stored) => {
                    removed.insert(mid);
                    model.chats.remove(&id, mid, Removed::Recalled);
                }
                Step::Happen => model.chats.happen(&id, Happening::FriendsNow, 1),
                _ => {}
            }

            let chat = model.chats.get(&id).unwrap();
            let numbers: Vec<i64> = chat.messages().filter_map(|message| message.mid).collect();
            prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
            let rows: std::collections::HashSet<_> = chat.messages().map(|message| message.row).collect();
            prop_assert_eq!(rows.len(), chat.len(), "every line has a name of its own");
            let first_unsent = chat.messages().position(|message| message.sending != Sending::Stored);
            if let Some(first) = first_unsent {
                prop_assert!(chat.messages().skip(first).all(|message| message.mid.is_none()));
            }
            for mid in &numbers {
                prop_assert_eq!(chat.position(*mid).and_then(|index| chat.at(index)).and_then(|message| message.mid), Some(*mid));
            }
            if let (Some(read), Past::Complete) = (chat.read(), chat.past()) {
                let expected = chat
                    .messages()
                    .filter(|message| message.mid > Some(read) && !message.mine && message.content().is_some())
                    .count();
                prop_assert_eq!(chat.unread(), u64::try_from(expected).unwrap());
            }
        }
    }
}
