//! All conversations.

use std::collections::HashMap;

use tim_client::Node;

use super::chat::{Chat, Past};
use super::message::{Arrived, Content, Happening, Removed, RowId};
use super::{ChatId, Trouble};

/// All conversations. Every friend and every room has one, and everybody one has written with.
#[derive(Clone, Debug, Default)]
pub struct Chats {
    chats: HashMap<ChatId, Chat>,
    next_row: RowId,
    revision: u64,
}

impl Chats {
    /// Messages asked for at a time when scrolling into the past.
    pub const PAGE: u16 = 50;
    /// Messages asked for of every conversation at the start.
    pub const FIRST_PAGE: u16 = 20;

    /// Grows with every change of any conversation.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// That conversation.
    #[must_use]
    pub fn get(&self, id: &ChatId) -> Option<&Chat> {
        self.chats.get(id)
    }

    /// All, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&ChatId, &Chat)> {
        self.chats.iter()
    }

    /// Unread messages of all conversations.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.chats.values().map(Chat::unread).sum()
    }

    /// Makes sure that there is such a conversation.
    pub fn ensure(&mut self, id: &ChatId) {
        self.chat(id);
    }

    /// It is over: the friendship ended, or one is no longer in the room.
    pub fn drop_chat(&mut self, id: &ChatId) {
        self.revision += 1;
        self.chats.remove(id);
    }

    /// A message came in. `false`: it was there already.
    pub fn arrive(&mut self, id: &ChatId, arrived: Arrived) -> bool {
        let row = self.row();
        self.chat(id).arrive(arrived, row)
    }

    /// A page of history came, newest first, asked for with `limit`, up to `start` (`None`: the newest).
    pub fn add_past(&mut self, id: &ChatId, page: Vec<Arrived>, start: Option<i64>, limit: u16) {
        // A server may send fewer than it was asked for: only a page that does not go on is the last.
        let oldest = page.iter().filter_map(|arrived| arrived.mid).min();
        let is_last =
            page.is_empty() || oldest == Some(1) || (oldest.is_none() && page.len() < usize::from(limit));
        let mut next_row = self.next_row;
        let chat = self.chat(id);
        // A newest page that does not touch what is there would hide a hole: what is older is fetched again.
        chat.add_past(page, start.is_none(), is_last, &mut next_row);
        self.next_row = next_row;
    }

    /// More of the past is being fetched, or that failed.
    pub fn set_past(&mut self, id: &ChatId, past: Past) {
        self.chat(id).set_past(past);
    }

    /// After a long time without connection: the newest page of every conversation has to be fetched again.
    pub fn forget_current(&mut self) {
        self.revision += 1;
        self.chats.values_mut().for_each(Chat::forget_current);
    }

    /// An own message was written. The name of its line.
    pub fn queue(&mut self, id: &ChatId, from: Option<Node>, content: Content, now: i64) -> RowId {
        let row = self.row();
        self.chat(id).queue(from, content, now, row);
        row
    }

    /// The server has stored an own message.
    pub fn confirm(&mut self, id: &ChatId, row: RowId, mid: Option<i64>, time: Option<i64>) {
        self.chat(id).confirm(row, mid, time);
    }

    /// An own message could not be sent.
    pub fn fail(&mut self, id: &ChatId, row: RowId, trouble: Trouble) {
        self.chat(id).fail(row, trouble);
    }

    /// An own message is tried again: the new name of its line, and what to send. `None`: it had not failed.
    pub fn retry(&mut self, id: &ChatId, row: RowId, now: i64) -> Option<(RowId, Content)> {
        let new_row = self.row();
        let content = self.chat(id).retry(row, new_row, now)?;
        Some((new_row, content))
    }

    /// An own message that could not be sent is given up.
    pub fn discard(&mut self, id: &ChatId, row: RowId) -> bool {
        self.chat(id).discard(row)
    }

    /// A message was taken away.
    pub fn remove(&mut self, id: &ChatId, mid: i64, removed: Removed) {
        self.chat(id).remove(mid, removed);
    }

    /// Something happened that nobody wrote.
    pub fn happen(&mut self, id: &ChatId, happening: Happening, now: i64) {
        let row = self.row();
        self.chat(id).happen(happening, now, row);
    }

    /// Everything up to that number was read. `false`: that was known.
    pub fn mark_read(&mut self, id: &ChatId, mid: i64) -> bool {
        self.chat(id).mark_read(mid)
    }

    /// Everything up to that number has reached the other side.
    pub fn mark_delivered(&mut self, id: &ChatId, mid: i64) {
        self.chat(id).mark_delivered(mid);
    }

    /// The chat was opened.
    pub fn open(&mut self, id: &ChatId) {
        self.chat(id).open();
    }

    /// The chat was closed.
    pub fn close(&mut self, id: &ChatId) {
        if let Some(chat) = self.chats.get_mut(id) {
            self.revision += 1;
            chat.close();
        }
    }

    /// Whether it is kept at the top of the list.
    pub fn set_pinned(&mut self, id: &ChatId, pinned: bool) {
        self.chat(id).pinned = pinned;
    }

    fn row(&mut self) -> RowId {
        self.next_row += 1;
        self.next_row
    }

    fn chat(&mut self, id: &ChatId) -> &mut Chat {
        self.revision += 1;
        self.chats.entry(id.clone()).or_default()
    }
}
