//! How far one session has sent the logs it follows: the inbox of its account and the logs of its
//! rooms. Rooms that have something to read are taken in turns.

use std::collections::{HashMap, VecDeque};

use crate::engine::cursor::Cursors;
use crate::store::{ConversationId, RoomId, Seq};

/// How far sending may run ahead of the oldest entry that is not acknowledged.
pub(super) const SPREAD: i64 = 4_096;

/// A log that a session follows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The inbox of its account.
    Inbox,
    /// The log of a room.
    Room(RoomId),
}

/// The session's place in one log.
#[derive(Debug)]
pub(super) struct Track {
    /// Next number to be sent.
    pub(super) next: Seq,
    /// Newest number known to exist.
    pub(super) newest: Seq,
    /// The device's position when it was last looked at.
    pub(super) floor: Seq,
    /// Where the offline queue ends that the client asked for.
    goal: Seq,
}

impl Track {
    pub(super) fn new(position: Seq, newest: Seq) -> Self {
        Self {
            next: position.next(),
            newest,
            floor: position,
            goal: newest,
        }
    }

    fn is_behind(&self, until: Until) -> bool {
        match until {
            Until::Newest => self.next <= self.newest,
            Until::Goal => self.next <= self.goal,
        }
    }

    /// Up to where entries are sent now.
    pub(super) fn end(&self, until: Until) -> Seq {
        match until {
            Until::Newest => self.newest,
            Until::Goal => self.goal,
        }
    }

    /// Whether sending has run as far ahead of the device's position as it may.
    pub(super) fn is_stretched(&self) -> bool {
        self.next.0 - self.floor.0 > SPREAD
    }
}

/// How far logs are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// As far as they go.
    Newest,
    /// As far as they went when the client asked for its offline queue: what comes later is
    /// delivered after it, or a busy room would keep the queue from ever ending.
    Goal,
}

#[derive(Debug)]
pub(super) struct RoomTrack {
    pub(super) track: Track,
    pub(super) conversation: ConversationId,
    /// Whether the room is in `behind`.
    is_listed: bool,
}

/// The places in all logs.
#[derive(Debug)]
pub(super) struct Tracks {
    pub(super) inbox: Track,
    rooms: HashMap<RoomId, RoomTrack>,
    /// Rooms that may have something to read.
    behind: VecDeque<RoomId>,
    until: Until,
}

impl Tracks {
    pub(super) fn new(inbox: Track) -> Self {
        Self {
            inbox,
            rooms: HashMap::new(),
            behind: VecDeque::new(),
            until: Until::Newest,
        }
    }

    /// How far logs are sent now.
    pub(super) fn until(&self) -> Until {
        self.until
    }

    /// Goes on with the offline queue that was stopped.
    pub(super) fn resume(&mut self) {
        self.until = Until::Goal;
        self.list_all();
    }

    /// Sends logs as far as they go again.
    pub(super) fn go_on(&mut self) {
        self.until = Until::Newest;
        self.list_all();
    }

    fn list_all(&mut self) {
        for (room, entry) in &mut self.rooms {
            if entry.track.is_behind(self.until) && !entry.is_listed {
                entry.is_listed = true;
                self.behind.push_back(room.clone());
            }
        }
    }

    pub(super) fn get_mut(&mut self, source: &Source) -> Option<&mut Track> {
        match source {
            Source::Inbox => Some(&mut self.inbox),
            Source::Room(room) => self.rooms.get_mut(room).map(|room| &mut room.track),
        }
    }

    /// The conversation whose log a room is.
    pub(super) fn conversation(&self, room: &RoomId) -> Option<ConversationId> {
        self.rooms.get(room).map(|room| room.conversation)
    }

    /// Follows a room's log from behind `position` on.
    pub(super) fn follow(&mut self, room: RoomId, conversation: ConversationId, position: Seq, newest: Seq) {
        let track = Track::new(position, newest);
        let is_listed = self.rooms.get(&room).is_some_and(|room| room.is_listed);
        let entry = RoomTrack {
            track,
            conversation,
            is_listed,
        };
        self.rooms.insert(room.clone(), entry);
        self.list_if_behind(&room);
    }

    /// Follows a room's log no longer.
    pub(super) fn leave(&mut self, room: &RoomId) {
        self.rooms.remove(room);
        self.behind.retain(|listed| listed != room);
    }

    /// Notes a room that has something to read.
    pub(super) fn list_if_behind(&mut self, room: &RoomId) {
        if let Some(entry) = self.rooms.get_mut(room)
            && entry.track.is_behind(self.until)
            && !entry.is_listed
        {
            entry.is_listed = true;
            self.behind.push_back(room.clone());
        }
    }

    /// Whether the inbox has something that was not sent.
    pub(super) fn is_inbox_behind(&self) -> bool {
        self.inbox.is_behind(self.until)
    }

    /// Whether any log has something that was not sent.
    pub(super) fn is_behind(&mut self) -> bool {
        self.is_inbox_behind() || self.next_room().is_some()
    }

    /// The room whose turn it is to be read.
    pub(super) fn next_room(&mut self) -> Option<&RoomId> {
        while let Some(room) = self.behind.front() {
            match self.rooms.get_mut(room) {
                Some(entry) if entry.track.is_behind(self.until) => break,
                Some(entry) => entry.is_listed = false,
                None => {}
            }
            self.behind.pop_front();
        }
        self.behind.front()
    }

    /// Passes the turn on to the next room; answers how many rooms wait for theirs.
    pub(super) fn rotate(&mut self) -> usize {
        if !self.behind.is_empty() {
            self.behind.rotate_left(1);
        }
        self.behind.len()
    }

    /// Goes back to what the device has acknowledged, and sends logs as far as they go now.
    pub(super) fn rewind(&mut self, cursors: &Cursors) {
        self.until = Until::Goal;
        self.inbox.next = cursors.inbox.position().next();
        self.inbox.goal = self.inbox.newest;
        for (room, entry) in &mut self.rooms {
            if let Some(cursor) = cursors.room(room) {
                entry.track.next = cursor.position().next();
            }
            entry.track.goal = entry.track.newest;
        }
        self.list_all();
    }

    /// Offers an entry again that was given up while the offline queue is being sent.
    pub(super) fn offer_again(&mut self, source: &Source, seq: Seq) {
        if let Some(track) = self.get_mut(source) {
            track.next = track.next.min(seq);
            track.goal = track.goal.max(seq);
        }
        if let Source::Room(room) = source {
            self.list_if_behind(room);
        }
    }
}
