//! What each operation makes of relations, rooms and histories, who gets to see it, and when it is refused
//! (wire-protocol 7.6 to 7.10, 10.7).

use std::collections::BTreeSet;
use std::ops::Range;

use tim_tests::ErrorCode;

use super::{
    Answer, Conversation, MEMBER, Mistake, Model, Rank, Room, Sent, Side, Sight, Stored, rank, recall_address,
};
use crate::script::{Address, Device, FriendDeed, RoomDeed};

impl Model {
    pub(super) fn friend(&mut self, me: usize, deed: FriendDeed, other: usize) -> Result<Answer, ErrorCode> {
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

    pub(super) fn room(&mut self, me: usize, deed: &RoomDeed, at: usize) -> Result<Answer, ErrorCode> {
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

    pub(super) fn say(
        &mut self,
        by: Device,
        to: Address,
        numbers: Range<usize>,
    ) -> Result<Answer, ErrorCode> {
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
    pub(super) fn repeat(&mut self, by: Device, number: usize, sent: Sent) -> Result<Answer, ErrorCode> {
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

    pub(super) fn recall(&mut self, me: usize, sent: Sent) -> Result<Answer, ErrorCode> {
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

fn only_block(side: Side) -> Side {
    match side {
        Side::Blocks => Side::Blocks,
        Side::Nothing | Side::Accepts => Side::Nothing,
    }
}

fn require(is_so: bool, else_refuse: ErrorCode) -> Result<(), ErrorCode> {
    is_so.then_some(()).ok_or(else_refuse)
}
