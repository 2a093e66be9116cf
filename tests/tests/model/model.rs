//! What a server has to do, in as few words as possible: relations, rooms, histories, and what every device
//! has to see. It shares no code with the server.

mod rules;

use std::collections::{BTreeMap, BTreeSet};

use tim_tests::ErrorCode;

use crate::script::{Address, ROOMS, RoomDeed, Script, Step};

/// What one side of a relation says to it (wire-protocol 10.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Side {
    #[default]
    Nothing,
    Accepts,
    Blocks,
}

/// Where a message is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Conversation {
    /// Of two users, the smaller number first.
    Pair(usize, usize),
    Room(usize),
}

impl Conversation {
    pub(crate) fn of(a: usize, b: usize) -> Self {
        Self::Pair(a.min(b), a.max(b))
    }
}

/// Something that a device gets to see.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sight {
    Message {
        place: Conversation,
        mid: usize,
        from: usize,
        number: usize,
        /// The room within which a private message was written.
        within: Option<usize>,
    },
    Recall {
        place: Conversation,
        mid: usize,
        from: usize,
    },
    Notice {
        kind: i32,
        from: Option<usize>,
        room: Option<usize>,
        has_text: bool,
    },
    /// The answer to a recall in a room, which all sessions of its author get.
    Recalled { room: usize, mid: usize },
}

/// What an operation that is not refused is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing, or only what the device gets to see.
    Nothing,
    /// The operation, with its objects.
    Done,
    /// "You are friends now."
    Friends,
}

/// What becomes of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The step has lost its meaning.
    Skip,
    Answer(Answer),
    Refused(ErrorCode),
}

/// A stored message.
#[derive(Clone, Debug)]
struct Stored {
    from: usize,
    number: usize,
    within: Option<usize>,
    is_recalled: bool,
}

#[derive(Clone, Debug)]
struct Room {
    private: bool,
    founder: usize,
    managers: BTreeSet<usize>,
    dissolved: bool,
    /// Of every user: what the room says, what the user says.
    sides: Vec<(Side, Side)>,
}

const MEMBER: (Side, Side) = (Side::Accepts, Side::Accepts);

/// A mistake to be made on purpose, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    None,
    /// Who is kicked stays a manager or member for the model.
    KickedStay,
    /// A recalled message stays in the queues of those offline.
    RecalledWait,
    /// A block does not end a friendship.
    BlockedStayFriends,
}

/// A message that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) by: usize,
    pub(crate) to: Address,
    mid: usize,
}

/// The model.
pub(crate) struct Model {
    mistake: Mistake,
    /// `relations[a][b]`: what `a` says to `b`.
    relations: Vec<Vec<Side>>,
    rooms: Vec<Option<Room>>,
    histories: BTreeMap<Conversation, Vec<Stored>>,
    sent: BTreeMap<usize, Sent>,
    /// Whether each device of each user is online.
    pub(crate) online: Vec<Vec<bool>>,
    /// What each device has to see that it has not been compared for.
    pub(crate) due: Vec<Vec<Vec<Sight>>>,
}

impl Model {
    pub(crate) fn new(script: &Script, mistake: Mistake) -> Self {
        let users = script.devices.len();
        Self {
            mistake,
            relations: vec![vec![Side::Nothing; users]; users],
            rooms: vec![None; ROOMS],
            histories: BTreeMap::new(),
            sent: BTreeMap::new(),
            online: script.devices.iter().map(|&count| vec![true; count]).collect(),
            due: script
                .devices
                .iter()
                .map(|&count| vec![Vec::new(); count])
                .collect(),
        }
    }

    pub(crate) fn users(&self) -> usize {
        self.relations.len()
    }

    fn are_friends(&self, a: usize, b: usize) -> bool {
        self.relations[a][b] == Side::Accepts && self.relations[b][a] == Side::Accepts
    }

    fn is_blocked(&self, a: usize, b: usize) -> bool {
        self.relations[a][b] == Side::Blocks || self.relations[b][a] == Side::Blocks
    }

    pub(crate) fn friends(&self, user: usize) -> Vec<usize> {
        (0..self.users())
            .filter(|&other| self.are_friends(user, other))
            .collect()
    }

    pub(crate) fn blocked(&self, user: usize) -> Vec<usize> {
        let says = &self.relations[user];
        (0..self.users())
            .filter(|&other| says[other] == Side::Blocks)
            .collect()
    }

    fn live(&self, room: usize) -> Option<&Room> {
        self.rooms[room].as_ref().filter(|room| !room.dissolved)
    }

    pub(crate) fn exists(&self, room: usize) -> bool {
        self.rooms[room].is_some()
    }

    pub(crate) fn is_dissolved(&self, room: usize) -> bool {
        self.rooms[room].as_ref().is_some_and(|room| room.dissolved)
    }

    pub(crate) fn is_member(&self, room: usize, user: usize) -> bool {
        self.live(room).is_some_and(|room| room.sides[user] == MEMBER)
    }

    pub(crate) fn members(&self, room: usize) -> Vec<usize> {
        (0..self.users())
            .filter(|&user| self.is_member(room, user))
            .collect()
    }

    pub(crate) fn rooms_of(&self, user: usize) -> Vec<usize> {
        (0..ROOMS).filter(|&room| self.is_member(room, user)).collect()
    }

    pub(crate) fn rooms_blocked_by(&self, user: usize) -> Vec<usize> {
        let blocks = |room: &Room| room.sides[user].1 == Side::Blocks;
        (0..ROOMS)
            .filter(|&room| self.live(room).is_some_and(blocks))
            .collect()
    }

    /// Whom a room blocks, as far as `user` may see it.
    pub(crate) fn blocked_in(&self, room: usize, user: usize) -> Vec<usize> {
        match self.live(room) {
            Some(room) if rank(room, user) >= Rank::Manager => (0..self.users())
                .filter(|&user| room.sides[user].0 == Side::Blocks)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The messages of a conversation that are still there, oldest first.
    pub(crate) fn history(&self, place: Conversation) -> Vec<Sight> {
        let all = self.histories.get(&place).into_iter().flatten();
        let shown = |(at, stored): (usize, &Stored)| {
            (!stored.is_recalled).then_some(Sight::Message {
                place,
                mid: at + 1,
                from: stored.from,
                number: stored.number,
                within: stored.within,
            })
        };
        all.enumerate().filter_map(shown).collect()
    }

    /// Whether a device that has seen this may see it again when its acknowledgement was lost in a crash.
    pub(crate) fn may_repeat(&self, user: usize, sight: &Sight) -> bool {
        let is_readable = |place: &Conversation| match place {
            Conversation::Pair(..) => true,
            Conversation::Room(room) => self.is_member(*room, user),
        };
        match sight {
            Sight::Message { place, .. } => is_readable(place) && self.history(*place).contains(sight),
            Sight::Recall { place, .. } => is_readable(place),
            Sight::Notice { .. } => true,
            Sight::Recalled { .. } => false,
        }
    }

    pub(crate) fn sent(&self, message: usize) -> Option<Sent> {
        self.sent.get(&message).copied()
    }

    /// Whether the step takes something away from somebody, so that it matters who has read what before it.
    pub(crate) fn unsettles(step: &Step) -> bool {
        match step {
            Step::Room { deed, .. } => !matches!(
                deed,
                RoomDeed::Create { .. } | RoomDeed::Join | RoomDeed::Pull(_) | RoomDeed::Appoint(_)
            ),
            Step::Friend { .. } | Step::Say { .. } | Step::Repeat { .. } | Step::LogOn(_) => false,
            Step::Recall { .. } | Step::LogOff(_) | Step::Restart | Step::Crash | Step::Look => true,
        }
    }

    /// Does a step.
    pub(crate) fn apply(&mut self, step: &Step) -> Verdict {
        let by = match step {
            Step::Friend { by, .. }
            | Step::Room { by, .. }
            | Step::Say { by, .. }
            | Step::Repeat { by, .. }
            | Step::Recall { by, .. } => *by,
            Step::LogOff(_) | Step::LogOn(_) | Step::Restart | Step::Crash | Step::Look => {
                return Verdict::Answer(Answer::Nothing);
            }
        };
        if !self.online[by.user][by.number] {
            return Verdict::Skip;
        }
        let result = match step {
            Step::Friend { deed, whom, .. } => self.friend(by.user, *deed, *whom),
            Step::Room { deed, room, .. } => {
                let is_new = matches!(deed, RoomDeed::Create { .. });
                if is_new == self.exists(*room) {
                    return Verdict::Skip;
                }
                self.room(by.user, deed, *room)
            }
            Step::Say { to, first, count, .. } => {
                let rooms = match to {
                    Address::User(_) => None,
                    Address::Fellow { room, .. } | Address::Room(room) => Some(*room),
                };
                if rooms.is_some_and(|room| !self.exists(room)) {
                    return Verdict::Skip;
                }
                self.say(by, *to, *first..first + count)
            }
            Step::Repeat { message, .. } => match self.sent(*message) {
                Some(sent) if sent.by == by.user => self.repeat(by, *message, sent),
                _ => return Verdict::Skip,
            },
            Step::Recall { message, .. } => match self.sent(*message) {
                Some(sent) if self.is_party(by.user, sent) => self.recall(by.user, sent),
                _ => return Verdict::Skip,
            },
            Step::LogOff(_) | Step::LogOn(_) | Step::Restart | Step::Crash | Step::Look => {
                Ok(Answer::Nothing)
            }
        };
        result.map_or_else(Verdict::Refused, Verdict::Answer)
    }

    fn is_party(&self, user: usize, sent: Sent) -> bool {
        match sent.to {
            Address::User(to) | Address::Fellow { user: to, .. } => user == sent.by || user == to,
            Address::Room(_) => true,
        }
    }

    /// To every device of a user, whether it is online or not.
    fn show(&mut self, user: usize, sight: &Sight) {
        for due in &mut self.due[user] {
            due.push(sight.clone());
        }
    }

    fn notify(&mut self, user: usize, kind: i32, from: Option<usize>, room: Option<usize>, has_text: bool) {
        let notice = Sight::Notice {
            kind,
            from,
            room,
            has_text,
        };
        self.show(user, &notice);
    }
}

/// How the recall of a message is addressed: as the message was, from whoever recalls it.
pub(crate) fn recall_address(me: usize, sent: Sent) -> Address {
    let other = |to: usize| if me == sent.by { to } else { sent.by };
    match sent.to {
        Address::User(to) => Address::User(other(to)),
        Address::Fellow { user, room } => Address::Fellow {
            user: other(user),
            room,
        },
        Address::Room(room) => Address::Room(room),
    }
}

impl Sent {
    /// The number of the message in its conversation.
    pub(crate) fn mid(self) -> usize {
        self.mid
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Nobody,
    Member,
    Manager,
    Founder,
}

fn rank(room: &Room, user: usize) -> Rank {
    if user == room.founder {
        Rank::Founder
    } else if room.sides[user] != MEMBER {
        Rank::Nobody
    } else if room.managers.contains(&user) {
        Rank::Manager
    } else {
        Rank::Member
    }
}
