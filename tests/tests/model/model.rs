//! What a server has to do, in as few words as possible: relations, rooms, histories, and what every device
//! has to see. Written from the protocol and from what the project says of it, and never from the server's code.

use std::collections::{BTreeMap, BTreeSet};

use tim_tests::ErrorCode;

use crate::script::{Address, Device, FriendDeed, ROOMS, RoomDeed, Script, Step};

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
            Step::Recall { .. } | Step::LogOff(_) | Step::Restart | Step::Look => true,
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
            Step::LogOff(_) | Step::LogOn(_) | Step::Restart | Step::Look => {
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
            Step::LogOff(_) | Step::LogOn(_) | Step::Restart | Step::Look => Ok(Answer::Nothing),
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

    fn friend(&mut self, me: usize, deed: FriendDeed, other: usize) -> Result<Answer, ErrorCode> {
        let (own, peer) = (self.relations[me][other], self.relations[other][me]);
        match deed {
            FriendDeed::Add if peer == Side::Blocks => Err(ErrorCode::Block),
            FriendDeed::Add if self.are_friends(me, other) => Err(ErrorCode::Repeat),
            FriendDeed::Add => {
                self.relations[me][other] = Side::Accepts;
                if peer == Side::Accepts {
                    self.notify(other, 5, Some(me), None, false);
                    Ok(Answer::Friends)
                } else {
                    self.notify(other, 4, Some(me), None, true);
                    Ok(Answer::Nothing)
                }
            }
            FriendDeed::Remove if (own, peer) == (Side::Nothing, Side::Nothing) => Err(ErrorCode::Params),
            FriendDeed::Remove => {
                self.relations[me][other] = Side::Nothing;
                if peer != Side::Blocks {
                    self.relations[other][me] = Side::Nothing;
                    self.notify(other, 6, Some(me), None, false);
                }
                Ok(Answer::Done)
            }
            FriendDeed::Block => {
                if self.mistake != Mistake::BlockedStayFriends {
                    self.relations[me][other] = Side::Blocks;
                }
                if own != Side::Blocks && peer != Side::Blocks {
                    self.notify(other, 7, Some(me), None, false);
                }
                Ok(Answer::Done)
            }
        }
    }

    fn room(&mut self, me: usize, deed: &RoomDeed, at: usize) -> Result<Answer, ErrorCode> {
        if let RoomDeed::Create { private } = deed {
            let mut sides = vec![(Side::Nothing, Side::Nothing); self.users()];
            sides[me] = MEMBER;
            self.rooms[at] = Some(Room {
                private: *private,
                founder: me,
                managers: BTreeSet::new(),
                dissolved: false,
                sides,
            });
            return Ok(Answer::Done);
        }
        let whom = match deed {
            RoomDeed::Pull(whom) | RoomDeed::Kick(whom) | RoomDeed::BlockMember(whom) if *whom == me => {
                return Err(ErrorCode::PermDenied);
            }
            RoomDeed::Pull(whom)
            | RoomDeed::Reject(whom)
            | RoomDeed::Kick(whom)
            | RoomDeed::BlockMember(whom) => *whom,
            _ => me,
        };
        let room = self.live(at).ok_or(ErrorCode::Cancel)?.clone();
        let (mine, its) = (rank(&room, me), rank(&room, whom));
        let (room_side, user_side) = room.sides[whom];
        let is_member = room.sides[whom] == MEMBER;
        let is_asking = room.sides[whom] == (Side::Nothing, Side::Accepts);
        match deed {
            RoomDeed::Join => {
                require(room_side != Side::Blocks, ErrorCode::Block)?;
                require(!is_member, ErrorCode::HasExist)?;
                if room.private {
                    self.set(at, me, (Side::Nothing, Side::Accepts));
                    for staff in room.managers.iter().copied().chain([room.founder]) {
                        self.notify(staff, 9, Some(me), Some(at), true);
                    }
                } else {
                    self.set(at, me, MEMBER);
                    self.notify(me, 10, None, Some(at), false);
                }
                return Ok(Answer::Nothing);
            }
            RoomDeed::Pull(_) => {
                // Members of an open room may add others, but only staff whom the room blocks.
                let least = if room.private || room_side == Side::Blocks {
                    Rank::Manager
                } else {
                    Rank::Member
                };
                require(mine >= least, ErrorCode::PermDenied)?;
                require(user_side != Side::Blocks, ErrorCode::Block)?;
                require(!is_member, ErrorCode::HasExist)?;
                // Nobody is added by somebody it blocks, except on its own request.
                let refuses = self.relations[whom][me] == Side::Blocks;
                require(!refuses || is_asking, ErrorCode::Block)?;
                self.set(at, whom, MEMBER);
                let kind = if is_asking { 10 } else { 12 };
                self.notify(whom, kind, Some(me), Some(at), false);
            }
            RoomDeed::Reject(_) => {
                require(mine >= Rank::Manager, ErrorCode::PermDenied)?;
                let is_related = room.sides[whom] != (Side::Nothing, Side::Nothing);
                require(is_related, ErrorCode::NoExist)?;
                require(is_asking, ErrorCode::ExpireOp)?;
                self.set(at, whom, (Side::Nothing, Side::Nothing));
                self.notify(whom, 11, Some(me), Some(at), true);
            }
            RoomDeed::Kick(_) => {
                require(mine >= Rank::Manager && mine > its, ErrorCode::PermDenied)?;
                let is_related = room_side != Side::Nothing || user_side == Side::Accepts;
                require(is_related, ErrorCode::NoExist)?;
                if self.mistake != Mistake::KickedStay {
                    self.set(at, whom, (Side::Nothing, only_block(user_side)));
                }
                if user_side != Side::Blocks {
                    self.notify(whom, 13, Some(me), Some(at), false);
                }
            }
            RoomDeed::BlockMember(_) => {
                require(mine >= Rank::Manager && mine > its, ErrorCode::PermDenied)?;
                self.set(at, whom, (Side::Blocks, only_block(user_side)));
            }
            RoomDeed::Leave => {
                require(me != room.founder, ErrorCode::PermDenied)?;
                require(user_side != Side::Nothing, ErrorCode::NoExist)?;
                self.set(at, me, (only_block(room_side), Side::Nothing));
            }
            RoomDeed::Block => {
                require(me != room.founder, ErrorCode::PermDenied)?;
                self.set(at, me, (only_block(room_side), Side::Blocks));
            }
            RoomDeed::Dissolve => {
                let is_alone = self.members(at) == [me];
                require(me == room.founder && is_alone, ErrorCode::PermDenied)?;
                self.set(at, me, (Side::Nothing, Side::Nothing));
                if let Some(room) = &mut self.rooms[at] {
                    room.dissolved = true;
                }
            }
            RoomDeed::Appoint(named) => {
                require(me == room.founder, ErrorCode::PermDenied)?;
                let is_fit = |user: &usize| *user != room.founder && room.sides[*user] == MEMBER;
                let managers = named.iter().copied().filter(is_fit).collect();
                if let Some(room) = &mut self.rooms[at] {
                    room.managers = managers;
                }
            }
            RoomDeed::Create { .. } => {}
        }
        Ok(Answer::Done)
    }

    fn set(&mut self, at: usize, user: usize, sides: (Side, Side)) {
        let Some(room) = &mut self.rooms[at] else { return };
        room.sides[user] = sides;
        if sides != MEMBER {
            room.managers.remove(&user);
            // Nothing of the room reaches who is no member, not even what waits for it.
            for due in &mut self.due[user] {
                due.retain(|sight| !is_of_room(sight, at));
            }
        }
    }

    fn may_write(&self, me: usize, to: Address) -> Result<(), ErrorCode> {
        let is_permitted = match to {
            Address::User(other) => self.are_friends(me, other),
            Address::Room(room) | Address::Fellow { room, .. } if self.is_dissolved(room) => {
                return Err(ErrorCode::Cancel);
            }
            Address::Room(room) => self.is_member(room, me),
            Address::Fellow { user, room } => {
                self.is_member(room, me) && self.is_member(room, user) && !self.is_blocked(me, user)
            }
        };
        require(is_permitted, ErrorCode::PermDenied)
    }

    fn say(&mut self, by: Device, to: Address, numbers: std::ops::Range<usize>) -> Result<Answer, ErrorCode> {
        self.may_write(by.user, to)?;
        let (place, within) = place(by.user, to);
        for number in numbers {
            let history = self.histories.entry(place).or_default();
            history.push(Stored {
                from: by.user,
                number,
                within,
                is_recalled: false,
            });
            let mid = history.len();
            let sent = Sent { by: by.user, to, mid };
            self.sent.insert(number, sent);
            let message = Sight::Message {
                place,
                mid,
                from: by.user,
                number,
                within,
            };
            for user in self.readers(place) {
                self.show(user, &message);
            }
        }
        Ok(Answer::Nothing)
    }

    fn readers(&self, place: Conversation) -> Vec<usize> {
        match place {
            Conversation::Pair(a, b) => vec![a, b],
            Conversation::Room(room) => self.members(room),
        }
    }

    /// The sending session, and nobody else, gets the stored message once more.
    fn repeat(&mut self, by: Device, number: usize, sent: Sent) -> Result<Answer, ErrorCode> {
        self.may_write(by.user, sent.to)?;
        let (place, within) = place(by.user, sent.to);
        let stored = &self.histories[&place][sent.mid - 1];
        require(!stored.is_recalled, ErrorCode::Params)?;
        self.due[by.user][by.number].push(Sight::Message {
            place,
            mid: sent.mid,
            from: by.user,
            number,
            within,
        });
        Ok(Answer::Nothing)
    }

    fn recall(&mut self, me: usize, sent: Sent) -> Result<Answer, ErrorCode> {
        self.may_write(me, recall_address(me, sent))?;
        let (place, _) = place(sent.by, sent.to);
        let mid = sent.mid;
        let stored = self
            .histories
            .get_mut(&place)
            .and_then(|all| all.get_mut(mid - 1));
        let stored = stored.ok_or(ErrorCode::Params)?;
        require(!stored.is_recalled, ErrorCode::Params)?;
        require(stored.from == me, ErrorCode::PermDenied)?;
        stored.is_recalled = true;
        let recall = Sight::Recall { place, mid, from: me };
        for user in self.readers(place) {
            if self.mistake != Mistake::RecalledWait {
                for due in &mut self.due[user] {
                    due.retain(|sight| !is_message(sight, place, mid));
                }
            }
            self.show(user, &recall);
        }
        if let Conversation::Room(room) = place {
            let confirmed = Sight::Recalled { room, mid };
            for (due, is_online) in self.due[me].iter_mut().zip(&self.online[me]) {
                if *is_online {
                    due.push(confirmed.clone());
                }
            }
        }
        Ok(Answer::Nothing)
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

fn place(from: usize, to: Address) -> (Conversation, Option<usize>) {
    match to {
        Address::User(user) => (Conversation::of(from, user), None),
        Address::Fellow { user, room } => (Conversation::of(from, user), Some(room)),
        Address::Room(room) => (Conversation::Room(room), None),
    }
}

fn is_message(sight: &Sight, at: Conversation, number: usize) -> bool {
    matches!(sight, Sight::Message { place, mid, .. } if *place == at && *mid == number)
}

fn is_of_room(sight: &Sight, at: usize) -> bool {
    match sight {
        Sight::Message { place, .. } | Sight::Recall { place, .. } => *place == Conversation::Room(at),
        Sight::Notice { .. } | Sight::Recalled { .. } => false,
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

fn only_block(side: Side) -> Side {
    match side {
        Side::Blocks => Side::Blocks,
        Side::Nothing | Side::Accepts => Side::Nothing,
    }
}

fn require(is_so: bool, else_refuse: ErrorCode) -> Result<(), ErrorCode> {
    is_so.then_some(()).ok_or(else_refuse)
}
