//! One conversation: its lines in order and what was read.
//!
//! Lines with a number are in the order of their numbers. Lines without one stand after the line that was the newest
//! when they came; own messages that are not confirmed yet stand at the end, in the order in which they were written.

use std::rc::Rc;

use super::Trouble;
use super::message::{Arrived, Body, Content, Delivery, Happening, Message, Removed, RowId, Sending};

/// How much of the past is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Past {
    /// There may be more.
    #[default]
    More,
    /// More is being fetched.
    Fetching,
    /// Fetching failed. It can be tried again.
    Failed(Trouble),
    /// The first message is there.
    Complete,
}

/// Where a line stands: after which number, and in which order behind it.
type Place = (i64, RowId);

/// One conversation.
#[derive(Clone, Debug, Default)]
pub struct Chat {
    lines: Vec<(Place, Rc<Message>)>,
    revision: u64,
    past: Past,
    /// The newest page of history has arrived.
    is_current: bool,
    read: Option<i64>,
    first_live: Option<i64>,
    unread: u64,
    delivered: i64,
    divider: Option<i64>,
    pub(super) pinned: bool,
}

impl Chat {
    /// The lines, oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Rc<Message>> + ExactSizeIterator {
        self.lines.iter().map(|(_, message)| message)
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line at that position, from the oldest.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&Rc<Message>> {
        self.lines.get(index).map(|(_, message)| message)
    }

    /// The line with that name.
    #[must_use]
    pub fn row(&self, row: RowId) -> Option<&Rc<Message>> {
        self.messages().rev().find(|message| message.row == row)
    }

    /// The message with that number.
    #[must_use]
    pub fn by_mid(&self, mid: i64) -> Option<&Rc<Message>> {
        self.position(mid).and_then(|index| self.at(index))
    }

    /// Where the message with that number stands.
    #[must_use]
    pub fn position(&self, mid: i64) -> Option<usize> {
        self.lines
            .binary_search_by(|(place, _)| place.cmp(&(mid, 0)))
            .ok()
    }

    /// Grows with every change of the lines. Cheap to select instead of the lines themselves.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How much of the past is there.
    #[must_use]
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// Whether the newest messages are there.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.is_current
    }

    /// The smallest number that is there.
    #[must_use]
    pub fn oldest(&self) -> Option<i64> {
        self.messages().find_map(|message| message.mid)
    }

    /// The largest number that is there.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        self.messages().rev().find_map(|message| message.mid)
    }

    /// The last line, for the list of conversations.
    #[must_use]
    pub fn last(&self) -> Option<&Rc<Message>> {
        self.lines.last().map(|(_, message)| message)
    }

    /// How many messages of others have not been read.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// The number of the newest message that was read.
    #[must_use]
    pub fn read(&self) -> Option<i64> {
        self.read
    }

    /// Up to which number everything had been read when the chat was opened: new messages begin after it.
    #[must_use]
    pub fn divider(&self) -> Option<i64> {
        self.divider
    }

    /// Whether it is kept at the top of the list.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// How far an own message has come. `None` for messages of others.
    #[must_use]
    pub fn delivery(&self, message: &Message) -> Option<Delivery> {
        if !message.mine || message.content().is_none() {
            return None;
        }
        Some(match &message.sending {
            Sending::Pending => Delivery::Sending,
            Sending::Failed(trouble) => Delivery::Failed(trouble.clone()),
            Sending::Stored if message.mid.is_some_and(|mid| mid <= self.delivered) => Delivery::Delivered,
            Sending::Stored => Delivery::Sent,
        })
    }

    /// Whether the newest own message has been stored but not been delivered, as far as is known.
    #[must_use]
    pub fn awaits_delivery(&self) -> bool {
        self.messages()
            .rev()
            .find(|message| message.mine && message.mid.is_some() && message.content().is_some())
            .is_some_and(|message| self.delivery(message) == Some(Delivery::Sent))
    }

    /// A message came in, live or after a time without connection. `false`: it was there already.
    pub(super) fn arrive(&mut self, arrived: Arrived, row: RowId) -> bool {
        if let Some(mid) = arrived.mid.filter(|_| !arrived.mine) {
            self.first_live = Some(self.first_live.map_or(mid, |first| first.min(mid)));
        }
        let (mid, mine) = (arrived.mid, arrived.mine);
        let is_new = self.insert(arrived, row);
        if is_new
            && mine
            && let Some(mid) = mid
        {
            // Who answers has read what was there.
            self.read = self.read.max(Some(mid));
        }
        self.changed();
        is_new
    }

    /// A page of history arrived. With fewer messages than `asked` the beginning has been reached.
    pub(super) fn add_past(
        &mut self,
        page: Vec<Arrived>,
        is_newest: bool,
        is_last: bool,
        next_row: &mut RowId,
    ) {
        for arrived in page {
            *next_row += 1;
            self.insert(arrived, *next_row);
        }
        self.past = if is_last { Past::Complete } else { Past::More };
        if is_newest {
            self.is_current = true;
            if self.read.is_none() {
                // Nothing is known about what was read elsewhere: what waited for this device is new.
                let newest = self.newest().unwrap_or(0);
                self.read = Some(self.first_live.map_or(newest, |first| first.saturating_sub(1)));
            }
        }
        self.changed();
    }

    pub(super) fn set_past(&mut self, past: Past) {
        self.past = past;
        self.changed();
    }

    /// The connection was lost for so long that messages may be missing between what is there and what comes now.
    pub(super) fn forget_current(&mut self) {
        self.is_current = false;
    }

    /// An own message was written.
    pub(super) fn queue(&mut self, from: Option<tim_client::Node>, content: Content, time: i64, row: RowId) {
        let message = Message {
            row,
            mid: None,
            from,
            mine: true,
            time,
            body: Body::Content(content),
            sending: Sending::Pending,
        };
        self.lines.push(((i64::MAX, row), Rc::new(message)));
        if let Some(newest) = self.newest() {
            self.read = self.read.max(Some(newest));
        }
        self.changed();
    }

    /// The server has stored an own message.
    pub(super) fn confirm(&mut self, row: RowId, mid: Option<i64>, time: Option<i64>) {
        let Some(index) = self.index_of(row) else {
            return;
        };
        let (_, message) = self.lines.remove(index);
        let mut message = Rc::unwrap_or_clone(message);
        message.sending = Sending::Stored;
        message.mid = mid;
        message.time = time.unwrap_or(message.time);
        match mid {
            Some(mid) => {
                // A page of history may have brought it first. The line that is on the screen stays.
                if let Some(twin) = self.position(mid) {
                    let (_, twin) = self.lines.remove(twin);
                    message.body = twin.body.clone();
                }
                self.put((mid, 0), message);
                self.read = self.read.max(Some(mid));
            }
            None => self.put((self.newest().unwrap_or(0), row), message),
        }
        self.changed();
    }

    /// An own message could not be sent.
    pub(super) fn fail(&mut self, row: RowId, trouble: Trouble) {
        self.edit(row, |message| message.sending = Sending::Failed(trouble));
    }

    /// An own message is tried again: it moves to the end.
    pub(super) fn retry(&mut self, row: RowId, new_row: RowId, now: i64) -> Option<Content> {
        let index = self.index_of(row)?;
        let message = &self.lines.get(index)?.1;
        if !matches!(message.sending, Sending::Failed(_)) {
            return None;
        }
        let (from, content) = (message.from.clone(), message.content()?.clone());
        self.lines.remove(index);
        self.queue(from, content.clone(), now, new_row);
        Some(content)
    }

    /// An own message that could not be sent is given up.
    pub(super) fn discard(&mut self, row: RowId) -> bool {
        let Some(index) = self.index_of(row) else {
            return false;
        };
        let is_failed = self
            .at(index)
            .is_some_and(|message| matches!(message.sending, Sending::Failed(_)));
        if is_failed {
            self.lines.remove(index);
            self.changed();
        }
        is_failed
    }

    /// A message was taken away. Its line stays and says so.
    pub(super) fn remove(&mut self, mid: i64, removed: Removed) {
        if let Some(row) = self.by_mid(mid).map(|message| message.row) {
            self.edit(row, |message| message.body = Body::Removed(removed));
        }
    }

    /// Something happened that nobody wrote.
    pub(super) fn happen(&mut self, happening: Happening, time: i64, row: RowId) {
        let message = Message {
            row,
            mid: None,
            from: None,
            mine: false,
            time,
            body: Body::Happening(happening),
            sending: Sending::Stored,
        };
        self.put((self.newest().unwrap_or(0), row), message);
        self.changed();
    }

    /// Everything up to that number was read, here or elsewhere. `false`: that was known.
    pub(super) fn mark_read(&mut self, mid: i64) -> bool {
        if self.read.is_some_and(|read| read >= mid) {
            return false;
        }
        self.read = Some(mid);
        self.changed();
        true
    }

    /// Everything up to that number has reached the other side.
    pub(super) fn mark_delivered(&mut self, mid: i64) {
        if mid > self.delivered {
            self.delivered = mid;
            self.changed();
        }
    }

    /// The chat was opened: what is unread now stays marked until it is closed.
    pub(super) fn open(&mut self) {
        self.divider = if self.unread > 0 {
            self.read.or(Some(0))
        } else {
            None
        };
        self.revision += 1;
    }

    /// The chat was closed.
    pub(super) fn close(&mut self) {
        self.divider = None;
        self.revision += 1;
    }

    fn insert(&mut self, arrived: Arrived, row: RowId) -> bool {
        let place = match arrived.mid {
            Some(mid) if self.position(mid).is_some() => return false,
            Some(mid) => (mid, 0),
            None => (self.newest().unwrap_or(0), row),
        };
        let message = Message {
            row,
            mid: arrived.mid,
            from: arrived.from,
            mine: arrived.mine,
            time: arrived.time,
            body: Body::Content(arrived.content),
            sending: Sending::Stored,
        };
        self.put(place, message);
        true
    }

    fn put(&mut self, place: Place, message: Message) {
        let index = self.lines.partition_point(|(other, _)| *other < place);
        self.lines.insert(index, (place, Rc::new(message)));
    }

    fn edit(&mut self, row: RowId, change: impl FnOnce(&mut Message)) {
        if let Some(index) = self.index_of(row)
            && let Some((_, message)) = self.lines.get_mut(index)
        {
            change(Rc::make_mut(message));
            self.changed();
        }
    }

    fn index_of(&self, row: RowId) -> Option<usize> {
        self.lines.iter().rposition(|(_, message)| message.row == row)
    }

    fn changed(&mut self) {
        self.revision += 1;
        self.unread = self.count_unread();
    }

    fn count_unread(&self) -> u64 {
        let Some(read) = self.read else {
            // Before the first page of history only what came in live is known to be new.
            return 0;
        };
        let is_unread = |message: &&Rc<Message>| !message.mine && message.content().is_some();
        let known = self
            .messages()
            .rev()
            .filter(|message| message.mid.is_some())
            .take_while(|message| message.mid > Some(read))
            .filter(is_unread)
            .count();
        // Numbers are dense, so what has not been fetched can be counted.
        let before = match self.oldest() {
            Some(oldest) if self.past != Past::Complete => (oldest - 1).saturating_sub(read).max(0),
            _ => 0,
        };
        u64::try_from(known).unwrap_or(u64::MAX) + u64::try_from(before).unwrap_or(0)
    }
}
