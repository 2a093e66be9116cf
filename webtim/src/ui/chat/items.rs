//! The lines of a conversation as they are drawn: with days, the mark of new messages, and lines of one author that
//! belong together.

use std::rc::Rc;

use crate::i18n::dates;
use crate::model::{Chat, Delivery, Message, RowId};

/// Lines of one author that follow each other within this time stand together, in milliseconds.
const TOGETHER: i64 = 5 * 60_000;

/// One line with what is drawn around it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub row: RowId,
    pub message: Rc<Message>,
    pub delivery: Option<Delivery>,
    /// The first of its day.
    pub day: bool,
    /// The first that had not been read when the chat was opened.
    pub new: bool,
    /// The first and the last of those that stand together.
    pub first: bool,
    pub last: bool,
}

/// All lines, oldest first.
pub(super) fn items(chat: &Chat) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::with_capacity(chat.len());
    let divider = chat.divider();
    let mut is_divided = divider.is_none();
    let mut day_before = None;
    for message in chat.messages() {
        let day = dates::day_of(message.time);
        let is_new = !is_divided
            && !message.mine
            && message.content().is_some()
            && message.mid.is_some_and(|mid| Some(mid) > divider);
        is_divided |= is_new;
        let is_day = day_before.replace(day) != Some(day);
        let joins = !is_day
            && !is_new
            && items
                .last()
                .is_some_and(|before| stand_together(&before.message, message));
        if joins && let Some(before) = items.last_mut() {
            before.last = false;
        }
        items.push(Item {
            row: message.row,
            message: Rc::clone(message),
            delivery: chat.delivery(message),
            day: is_day,
            new: is_new,
            first: !joins,
            last: true,
        });
    }
    items
}

fn stand_together(one: &Message, next: &Message) -> bool {
    one.content().is_some()
        && next.content().is_some()
        && one.mine == next.mine
        && one.from == next.from
        && next.time - one.time < TOGETHER
}

#[cfg(test)]
mod tests {
    use tim_client::Node;

    use super::*;
    use crate::model::{Arrived, ChatId, Chats, Content};

    const DAY: i64 = 86_400_000;

    fn chat(messages: &[(i64, &str, i64)], read: i64) -> Chat {
        let id = ChatId::Peer(Node::new("peer").unwrap());
        let mut chats = Chats::default();
        let page = messages
            .iter()
            .map(|(mid, from, time)| Arrived {
                mid: Some(*mid),
                from: Node::new(from).ok(),
                mine: *from == "me",
                time: *time,
                content: Content::text("text"),
            })
            .collect();
        chats.mark_read(&id, read);
        chats.add_past(&id, page, None, 50);
        chats.open(&id);
        chats.get(&id).unwrap().clone()
    }

    #[test]
    fn days_authors_and_pauses_part_the_lines() {
        let lines = items(&chat(
            &[
                (1, "a", DAY),
                (2, "a", DAY + 1000),
                (3, "b", DAY + 2000),
                (4, "b", DAY + 900_000),
                (5, "b", 2 * DAY),
            ],
            5,
        ));
        let seen: Vec<_> = lines
            .iter()
            .map(|item| (item.day, item.first, item.last))
            .collect();
        assert_eq!(
            seen,
            [
                (true, true, false),
                (false, false, true),
                (false, true, true),
                (false, true, true),
                (true, true, true)
            ]
        );
    }

    #[test]
    fn the_mark_of_new_messages_stands_before_the_first_of_others() {
        let lines = items(&chat(
            &[
                (1, "a", DAY),
                (2, "me", DAY + 1),
                (3, "a", DAY + 2),
                (4, "a", DAY + 3),
            ],
            1,
        ));
        let marked: Vec<_> = lines
            .iter()
            .filter(|item| item.new)
            .map(|item| item.message.mid)
            .collect();
        assert_eq!(marked, [Some(3)]);
    }
}
