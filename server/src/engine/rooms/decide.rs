//! Rooms as a state machine (wire-protocol 7.10 and 10.7): who may do what, what it makes of a
//! membership, and who is told. Pure: it decides, `change.rs` carries out.

use tim_protocol::error_code::ErrorCode;

use crate::store::ContactState::{Blocks, None as Nothing, Wants};
use crate::store::{AccountId, Membership, Room, RoomKind};

/// Managers of one room at most.
pub const MANAGERS: usize = 200;

/// What an account is in a room, ascending in rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Not a member.
    Stranger,
    /// A member.
    Member,
    /// A member with special rights.
    Manager,
    /// Who created the room.
    Founder,
}

impl Role {
    /// The role of an account with that membership.
    #[must_use]
    pub fn of(room: &Room, account: &AccountId, membership: Membership) -> Self {
        if room.founder == *account {
            Self::Founder
        } else if !membership.is_member() {
            Self::Stranger
        } else if room.managers.binary_search(account).is_ok() {
            Self::Manager
        } else {
            Self::Member
        }
    }

    /// Founder or manager.
    #[must_use]
    pub fn is_staff(self) -> bool {
        self >= Self::Manager
    }
}

/// Codes of business notices about rooms (`bnType`, wire-protocol 8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// To founder and managers: somebody asks to join.
    Requested = 9,
    /// To the applicant: you are in.
    Admitted = 10,
    /// To the applicant: the request was refused.
    Refused = 11,
    /// To the account: you were added.
    Added = 12,
    /// To the account: you were removed.
    Removed = 13,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The membership afterwards.
    pub becomes: Membership,
    /// Who is told what.
    pub notice: Option<Notice>,
}

/// Asks to join, and joins when the room is open. Lifts an own block.
///
/// # Errors
/// `Block` when the room blocks the account, `HasExist` for members.
pub fn join(kind: RoomKind, now: Membership) -> Result<Decision, ErrorCode> {
    if now.room == Blocks {
        return Err(ErrorCode::Block);
    }
    if now.is_member() {
        return Err(ErrorCode::HasExist);
    }
    Ok(match kind {
        RoomKind::Open => Decision {
            becomes: Membership::MEMBER,
            notice: Some(Notice::Admitted),
        },
        RoomKind::Private => Decision {
            becomes: Membership {
                room: Nothing,
                account: Wants,
            },
            notice: Some(Notice::Requested),
        },
    })
}

/// Adds an account, which also approves its request. Staff lift a block of the room with it.
///
/// # Errors
/// `PermDenied` for who may not: only staff of a private room, only members of an open one, only
/// staff where the room blocks the account. `Block` when the account blocks the room, `HasExist`
/// when it is a member.
pub fn pull(actor: Role, kind: RoomKind, now: Membership) -> Result<Decision, ErrorCode> {
    let least = match kind {
        RoomKind::Open if now.room != Blocks => Role::Member,
        RoomKind::Open | RoomKind::Private => Role::Manager,
    };
    if actor < least {
        return Err(ErrorCode::PermDenied);
    }
    if now.account == Blocks {
        return Err(ErrorCode::Block);
    }
    if now.is_member() {
        return Err(ErrorCode::HasExist);
    }
    let notice = if now.is_pending() {
        Notice::Admitted
    } else {
        Notice::Added
    };
    Ok(Decision {
        becomes: Membership::MEMBER,
        notice: Some(notice),
    })
}

/// Refuses a request to join.
///
/// # Errors
/// `PermDenied` for others than staff, `NoExist` when the two have nothing to do with each other,
/// `ExpireOp` when no request is pending.
pub fn refuse(actor: Role, now: Membership) -> Result<Decision, ErrorCode> {
    if !actor.is_staff() {
        return Err(ErrorCode::PermDenied);
    }
    if now == Membership::default() {
        return Err(ErrorCode::NoExist);
    }
    if !now.is_pending() {
        return Err(ErrorCode::ExpireOp);
    }
    Ok(Decision {
        becomes: Membership::default(),
        notice: Some(Notice::Refused),
    })
}

/// Removes an account: its membership, its request or the room's block of it. Its own block of the
/// room stays, and then it is not told.
///
/// # Errors
/// `PermDenied` for others than staff, against the founder, and against managers for anyone but the
/// founder; `NoExist` when there is nothing to remove.
pub fn kick(actor: Role, target: Role, now: Membership) -> Result<Decision, ErrorCode> {
    may_remove(actor, target)?;
    if now.room == Nothing && now.account != Wants {
        return Err(ErrorCode::NoExist);
    }
    let becomes = Membership {
        room: Nothing,
        account: only_block(now.account),
    };
    Ok(Decision {
        becomes,
        notice: (now.account != Blocks).then_some(Notice::Removed),
    })
}

/// Removes an account and keeps it from asking to join. It is not told.
///
/// # Errors
/// `PermDenied` for others than staff, against the founder, and against managers for anyone but the
/// founder.
pub fn block_member(actor: Role, target: Role, now: Membership) -> Result<Decision, ErrorCode> {
    may_remove(actor, target)?;
    let becomes = Membership {
        room: Blocks,
        account: only_block(now.account),
    };
    Ok(Decision {
        becomes,
        notice: None,
    })
}

/// Leaves the room, withdraws a request or lifts the own block. A block of the room stays.
///
/// # Errors
/// `PermDenied` for the founder, `NoExist` when there is nothing to leave.
pub fn leave(own: Role, now: Membership) -> Result<Decision, ErrorCode> {
    if own == Role::Founder {
        return Err(ErrorCode::PermDenied);
    }
    if now.account == Nothing {
        return Err(ErrorCode::NoExist);
    }
    let becomes = Membership {
        room: only_block(now.room),
        account: Nothing,
    };
    Ok(Decision {
        becomes,
        notice: None,
    })
}

/// Leaves the room and cannot be added again before the block is lifted.
///
/// # Errors
/// `PermDenied` for the founder, who would orphan the room.
pub fn block_room(own: Role, now: Membership) -> Result<Decision, ErrorCode> {
    if own == Role::Founder {
        return Err(ErrorCode::PermDenied);
    }
    let becomes = Membership {
        room: only_block(now.room),
        account: Blocks,
    };
    Ok(Decision {
        becomes,
        notice: None,
    })
}

/// The managers a founder names, sorted, each once, the founder not among them.
///
/// # Errors
/// `Params` when they are too many.
pub fn appoint(founder: &AccountId, mut named: Vec<AccountId>) -> Result<Vec<AccountId>, ErrorCode> {
    named.retain(|account| account != founder);
    named.sort_unstable();
    named.dedup();
    if named.len() > MANAGERS {
        return Err(ErrorCode::Params);
    }
    Ok(named)
}

/// Nobody removes the founder; only the founder removes managers.
fn may_remove(actor: Role, target: Role) -> Result<(), ErrorCode> {
    if actor.is_staff() && target < actor {
        Ok(())
    } else {
        Err(ErrorCode::PermDenied)
    }
}

fn only_block(state: crate::store::ContactState) -> crate::store::ContactState {
    if state == Blocks { Blocks } else { Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::identity::Identity;
    use crate::store::{ContactState, ConversationId, RoomId, Timestamp};

    const STATES: [ContactState; 3] = [Nothing, Wants, Blocks];
    const ROLES: [Role; 4] = [Role::Stranger, Role::Member, Role::Manager, Role::Founder];
    const KINDS: [RoomKind; 2] = [RoomKind::Open, RoomKind::Private];

    fn membership(room: ContactState, account: ContactState) -> Membership {
        Membership { room, account }
    }

    fn every() -> impl Iterator<Item = Membership> {
        STATES
            .into_iter()
            .flat_map(|room| STATES.into_iter().map(move |account| membership(room, account)))
    }

    fn decided(becomes: Membership, notice: Option<Notice>) -> Result<Decision, ErrorCode> {
        Ok(Decision { becomes, notice })
    }

    /// A decision never makes anything that only the other side may make.
    #[test]
    fn no_side_decides_for_the_other() {
        for now in every() {
            for actor in ROLES {
                if let Ok(left) = leave(actor, now) {
                    assert_eq!(left.becomes.room == Blocks, now.room == Blocks);
                }
                if let Ok(blocked) = block_room(actor, now) {
                    assert_eq!(blocked.becomes.room == Blocks, now.room == Blocks);
                }
                for target in ROLES {
                    for result in [kick(actor, target, now), block_member(actor, target, now)] {
                        let Ok(decision) = result else { continue };
                        assert_eq!(decision.becomes.account == Blocks, now.account == Blocks);
                        assert_ne!(decision.becomes.account, Wants);
                    }
                }
                if let Ok(refused) = refuse(actor, now) {
                    assert_eq!(refused.becomes, Membership::default());
                }
            }
        }
    }

    #[test]
    fn joining_an_open_room_is_immediate_and_a_private_one_is_asked() {
        for now in every() {
            for kind in KINDS {
                let result = join(kind, now);
                if now.room == Blocks {
                    assert_eq!(result, Err(ErrorCode::Block));
                } else if now == Membership::MEMBER {
                    assert_eq!(result, Err(ErrorCode::HasExist));
                } else if kind == RoomKind::Open {
                    assert_eq!(result, decided(Membership::MEMBER, Some(Notice::Admitted)));
                } else {
                    let pending = membership(Nothing, Wants);
                    assert_eq!(result, decided(pending, Some(Notice::Requested)));
                }
            }
        }
    }

    #[test]
    fn pulling_needs_a_member_of_an_open_room_and_staff_of_a_private_one() {
        for now in every() {
            for actor in ROLES {
                for kind in KINDS {
                    let result = pull(actor, kind, now);
                    let may = match (kind, now.room) {
                        (RoomKind::Open, Nothing | Wants) => actor != Role::Stranger,
                        _ => matches!(actor, Role::Manager | Role::Founder),
                    };
                    if !may {
                        assert_eq!(result, Err(ErrorCode::PermDenied));
                    } else if now.account == Blocks {
                        assert_eq!(result, Err(ErrorCode::Block));
                    } else if now == Membership::MEMBER {
                        assert_eq!(result, Err(ErrorCode::HasExist));
                    } else if now == membership(Nothing, Wants) {
                        assert_eq!(result, decided(Membership::MEMBER, Some(Notice::Admitted)));
                    } else {
                        assert_eq!(result, decided(Membership::MEMBER, Some(Notice::Added)));
                    }
                }
            }
        }
    }

    #[test]
    fn only_staff_refuse_and_only_what_is_pending() {
        for now in every() {
            for actor in ROLES {
                let result = refuse(actor, now);
                if !matches!(actor, Role::Manager | Role::Founder) {
                    assert_eq!(result, Err(ErrorCode::PermDenied));
                } else if now == Membership::default() {
                    assert_eq!(result, Err(ErrorCode::NoExist));
                } else if now == membership(Nothing, Wants) {
                    assert_eq!(result, decided(Membership::default(), Some(Notice::Refused)));
                } else {
                    assert_eq!(result, Err(ErrorCode::ExpireOp));
                }
            }
        }
    }

    #[test]
    fn the_founder_is_protected_and_managers_are_from_each_other() {
        for now in every() {
            for actor in ROLES {
                for target in ROLES {
                    let may = match actor {
                        Role::Founder => target != Role::Founder,
                        Role::Manager => matches!(target, Role::Stranger | Role::Member),
                        Role::Stranger | Role::Member => false,
                    };
                    let kicked = kick(actor, target, now);
                    let blocked = block_member(actor, target, now);
                    if may {
                        assert_ne!(kicked, Err(ErrorCode::PermDenied));
                        assert_eq!(blocked.unwrap().becomes.room, Blocks);
                        assert_eq!(blocked.unwrap().notice, None);
                    } else {
                        assert_eq!(kicked, Err(ErrorCode::PermDenied));
                        assert_eq!(blocked, Err(ErrorCode::PermDenied));
                    }
                }
            }
        }
    }

    #[test]
    fn a_kick_removes_whatever_the_room_has_to_do_with_the_account() {
        for now in every() {
            let result = kick(Role::Manager, Role::Stranger, now);
            if now.room == Nothing && now.account != Wants {
                assert_eq!(result, Err(ErrorCode::NoExist));
            } else if now.account == Blocks {
                assert_eq!(result, decided(membership(Nothing, Blocks), None));
            } else {
                assert_eq!(result, decided(Membership::default(), Some(Notice::Removed)));
            }
        }
    }

    #[test]
    fn leaving_removes_the_own_side_and_keeps_a_block_of_the_room() {
        for now in every() {
            for own in ROLES {
                let result = leave(own, now);
                if own == Role::Founder {
                    assert_eq!(result, Err(ErrorCode::PermDenied));
                } else if now.account == Nothing {
                    assert_eq!(result, Err(ErrorCode::NoExist));
                } else if now.room == Blocks {
                    assert_eq!(result, decided(membership(Blocks, Nothing), None));
                } else {
                    assert_eq!(result, decided(Membership::default(), None));
                }
            }
        }
    }

    #[test]
    fn blocking_a_room_leaves_it_and_only_the_founder_may_not() {
        for now in every() {
            for own in ROLES {
                let result = block_room(own, now);
                if own == Role::Founder {
                    assert_eq!(result, Err(ErrorCode::PermDenied));
                } else {
                    let room = if now.room == Blocks { Blocks } else { Nothing };
                    assert_eq!(result, decided(membership(room, Blocks), None));
                }
            }
        }
    }

    #[test]
    fn nobody_can_be_added_between_two_blocks() {
        let both = block_room(Role::Stranger, membership(Blocks, Nothing)).unwrap();
        assert_eq!(both.becomes, membership(Blocks, Blocks));
        let lifted = kick(Role::Founder, Role::Stranger, both.becomes).unwrap();
        assert_eq!(
            pull(Role::Founder, RoomKind::Open, lifted.becomes),
            Err(ErrorCode::Block)
        );
        let lifted = leave(Role::Stranger, both.becomes).unwrap();
        assert_eq!(join(RoomKind::Open, lifted.becomes), Err(ErrorCode::Block));
    }

    #[test]
    fn roles_need_a_membership_except_the_founders() {
        let identity = Identity::new([7; 32]);
        let [founder, manager, member] = ["f", "m", "a"].map(|name| identity.account("", name));
        let id = RoomId::new(tim_protocol::node::wide_node_from_random([3; 15]));
        let room = Room {
            id,
            conversation: ConversationId([0; 16]),
            domain: String::new(),
            kind: RoomKind::Open,
            founder: founder.clone(),
            managers: vec![manager.clone()],
            created: Timestamp(1),
            dissolved: false,
            profile: bytes::Bytes::new(),
            version: 1,
        };
        let nobody = Membership::default();
        assert_eq!(Role::of(&room, &founder, Membership::MEMBER), Role::Founder);
        assert_eq!(Role::of(&room, &manager, Membership::MEMBER), Role::Manager);
        assert_eq!(Role::of(&room, &manager, nobody), Role::Stranger);
        assert_eq!(Role::of(&room, &member, Membership::MEMBER), Role::Member);
        assert_eq!(
            Role::of(&room, &member, membership(Nothing, Wants)),
            Role::Stranger
        );
    }

    #[test]
    fn appointed_managers_are_unique_bounded_and_without_the_founder() {
        let identity = Identity::new([7; 32]);
        let account = |number: usize| identity.account("", &number.to_string());
        let founder = account(0);
        let named = vec![account(2), account(0), account(1), account(2)];
        let mut expected = vec![account(1), account(2)];
        expected.sort_unstable();
        assert_eq!(appoint(&founder, named), Ok(expected));
        let as_many_as_allowed = (0..=MANAGERS).map(account).collect();
        assert_eq!(appoint(&founder, as_many_as_allowed).unwrap().len(), MANAGERS);
        let one_too_many = (0..=MANAGERS + 1).map(account).collect();
        assert_eq!(appoint(&founder, one_too_many), Err(ErrorCode::Params));
    }
}
