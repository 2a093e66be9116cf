//! Who may write to whom (wire-protocol 7.6). Pure: what it decides on is read elsewhere.

use tim_protocol::error_code::ErrorCode;

use super::draft::{Draft, Target};
use super::relations::Relation;
use super::rooms::Standing;
use crate::store::{AccountId, ContactState, ConversationId, Membership, RoomId};

/// What permission depends on. `None`: it is not named, or does not exist.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// The sender and the user.
    pub relation: Option<Relation>,
    /// The sender and the room.
    pub standing: Option<Standing>,
    /// The user and the room, when both are named.
    pub peer: Option<Membership>,
}

/// Where a permitted message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To a user.
    User(AccountId, ConversationId),
    /// To everybody in a room.
    Room(RoomId, ConversationId),
}

/// Decides where a message goes.
///
/// # Errors
/// `Params` for an unknown `msType`, `Account` when nobody it names exists, `Cancel` for a dissolved
/// room, `PermDenied` when the sender may not write there.
pub fn route(draft: &Draft, facts: &Facts, require_friendship: bool) -> Result<Route, ErrorCode> {
    if facts.relation.is_none() && facts.standing.is_none() {
        return Err(ErrorCode::Account);
    }
    match draft.target {
        Target::Unknown => Err(ErrorCode::Params),
        Target::Room => {
            let room = draft.room.clone().ok_or(ErrorCode::PermDenied)?;
            let standing = facts.standing.ok_or(ErrorCode::PermDenied)?;
            may_speak_in(&standing)?;
            Ok(Route::Room(room, standing.conversation))
        }
        Target::User => {
            let to = draft.to.clone().ok_or(ErrorCode::PermDenied)?;
            let relation = facts.relation.ok_or(ErrorCode::Account)?;
            if draft.room.is_some() {
                may_speak_in(&facts.standing.ok_or(ErrorCode::PermDenied)?)?;
                let is_permitted = facts.peer.is_some_and(Membership::is_member) && !relation.is_blocked();
                is_permitted.then_some(()).ok_or(ErrorCode::PermDenied)?;
            } else {
                may_write(relation, require_friendship)?;
            }
            Ok(Route::User(to, relation.conversation))
        }
    }
}

/// Where a message goes for whose sender permission is not asked.
///
/// # Errors
/// `Params` for an unknown `msType`, `Account` when nobody it is for exists, `Cancel` for a dissolved room.
pub fn route_unasked(draft: &Draft, facts: &Facts) -> Result<Route, ErrorCode> {
    match draft.target {
        Target::Unknown => Err(ErrorCode::Params),
        Target::Room => {
            let (room, standing) = draft.room.clone().zip(facts.standing).ok_or(ErrorCode::Account)?;
            if standing.is_dissolved {
                return Err(ErrorCode::Cancel);
            }
            Ok(Route::Room(room, standing.conversation))
        }
        Target::User => {
            let (to, relation) = draft.to.clone().zip(facts.relation).ok_or(ErrorCode::Account)?;
            Ok(Route::User(to, relation.conversation))
        }
    }
}

fn may_speak_in(standing: &Standing) -> Result<(), ErrorCode> {
    if standing.is_dissolved {
        Err(ErrorCode::Cancel)
    } else if standing.membership.is_member() {
        Ok(())
    } else {
        Err(ErrorCode::PermDenied)
    }
}

/// Whether the sender may write to the user directly.
///
/// # Errors
/// `PermDenied`.
pub fn may_write(relation: Relation, require_friendship: bool) -> Result<(), ErrorCode> {
    let is_permitted = if require_friendship {
        relation.contacts.are_friends()
    } else {
        !relation.is_blocked()
    };
    is_permitted.then_some(()).ok_or(ErrorCode::PermDenied)
}

impl Relation {
    /// Whether one of the two blocks the other.
    #[must_use]
    pub fn is_blocked(self) -> bool {
        self.contacts.own == ContactState::Blocks || self.contacts.peer == ContactState::Blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::draft::Purpose;
    use crate::engine::identity::{Identity, parse_room};
    use crate::store::Contacts;

    const PAIR: ConversationId = ConversationId([1; 16]);
    const ROOM: ConversationId = ConversationId([2; 16]);

    fn user() -> AccountId {
        Identity::new([1; 32]).account("", "bob")
    }

    fn room() -> RoomId {
        parse_room(Identity::new([1; 32]).account("", "room").as_str()).unwrap()
    }

    fn draft(target: Target, has_user: bool, has_room: bool) -> Draft {
        Draft {
            to: has_user.then(user),
            room: has_room.then(room),
            target,
            purpose: Purpose::Chat,
        }
    }

    fn relation(own: ContactState, peer: ContactState) -> Option<Relation> {
        Some(Relation {
            conversation: PAIR,
            contacts: Contacts { own, peer },
        })
    }

    fn standing(membership: Membership) -> Option<Standing> {
        Some(Standing {
            conversation: ROOM,
            membership,
            is_dissolved: false,
        })
    }

    #[test]
    fn friends_may_write_and_strangers_may_not() {
        use ContactState::{Blocks, None, Wants};
        let draft = draft(Target::User, true, false);
        for own in [None, Wants, Blocks] {
            for peer in [None, Wants, Blocks] {
                let facts = Facts {
                    relation: relation(own, peer),
                    ..Facts::default()
                };
                let friends = own == Wants && peer == Wants;
                assert_eq!(route(&draft, &facts, true).is_ok(), friends, "{own:?} {peer:?}");
                let blocked = own == Blocks || peer == Blocks;
                assert_eq!(route(&draft, &facts, false).is_ok(), !blocked, "{own:?} {peer:?}");
            }
        }
    }

    #[test]
    fn members_may_write_to_their_room_and_nobody_else() {
        let to_room = draft(Target::Room, false, true);
        let mut facts = Facts {
            standing: standing(Membership::MEMBER),
            ..Facts::default()
        };
        assert_eq!(route(&to_room, &facts, true), Ok(Route::Room(room(), ROOM)));
        for outsider in [
            Membership::default(),
            Membership {
                account: ContactState::Wants,
                ..Membership::default()
            },
        ] {
            facts.standing = standing(outsider);
            assert_eq!(route(&to_room, &facts, true), Err(ErrorCode::PermDenied));
        }
        facts.standing = facts.standing.map(|standing| Standing {
            is_dissolved: true,
            ..standing
        });
        assert_eq!(route(&to_room, &facts, true), Err(ErrorCode::Cancel));
    }

    #[test]
    fn members_of_one_room_may_write_to_each_other_in_it_unless_one_blocks_the_other() {
        let in_room = draft(Target::User, true, true);
        let facts = |own, peer_membership| Facts {
            relation: relation(own, ContactState::None),
            standing: standing(Membership::MEMBER),
            peer: Some(peer_membership),
        };
        let permitted = route(&in_room, &facts(ContactState::None, Membership::MEMBER), true);
        assert_eq!(permitted, Ok(Route::User(user(), PAIR)));
        let blocked = facts(ContactState::Blocks, Membership::MEMBER);
        assert_eq!(route(&in_room, &blocked, true), Err(ErrorCode::PermDenied));
        let outsider = facts(ContactState::None, Membership::default());
        assert_eq!(route(&in_room, &outsider, true), Err(ErrorCode::PermDenied));
    }

    #[test]
    fn addressing_that_does_not_fit_is_refused() {
        let nobody = Facts::default();
        let friends = Facts {
            relation: relation(ContactState::Wants, ContactState::Wants),
            ..Facts::default()
        };
        let member = Facts {
            standing: standing(Membership::MEMBER),
            ..Facts::default()
        };
        let refused =
            |target, user, room, facts: &Facts| route(&draft(target, user, room), facts, true).unwrap_err();
        assert_eq!(refused(Target::User, true, false, &nobody), ErrorCode::Account);
        assert_eq!(refused(Target::Room, false, true, &nobody), ErrorCode::Account);
        assert_eq!(refused(Target::Unknown, true, false, &friends), ErrorCode::Params);
        assert_eq!(refused(Target::User, false, true, &member), ErrorCode::PermDenied);
        assert_eq!(
            refused(Target::Room, true, false, &friends),
            ErrorCode::PermDenied
        );
    }
}
