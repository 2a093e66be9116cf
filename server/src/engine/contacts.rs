//! The relation of two accounts as a state machine (wire-protocol 7.8 and 10.7). Pure: it decides,
//! `roster.rs` carries out.

use tim_protocol::error_code::ErrorCode;

use crate::store::{ContactState, Contacts};

/// Codes of business notices (`bnType`, wire-protocol 8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A request to become friends.
    Request = 4,
    /// You are friends now.
    Friends = 5,
    /// The other removed you.
    Removed = 6,
    /// The other blocked you.
    Blocked = 7,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The relation afterwards.
    pub becomes: Contacts,
    /// What the other account is told.
    pub notice: Option<Notice>,
}

/// Asks for friendship or accepts it. Lifts an own block.
///
/// # Errors
/// `Block` when the other account blocks the owner, `Repeat` when they are friends.
pub fn add(now: Contacts) -> Result<Decision, ErrorCode> {
    if now.peer == ContactState::Blocks {
        return Err(ErrorCode::Block);
    }
    if now.are_friends() {
        return Err(ErrorCode::Repeat);
    }
    let becomes = Contacts {
        own: ContactState::Wants,
        peer: now.peer,
    };
    let notice = if becomes.are_friends() {
        Notice::Friends
    } else {
        Notice::Request
    };
    Ok(Decision {
        becomes,
        notice: Some(notice),
    })
}

/// Ends a friendship, withdraws or declines a request, lifts an own block.
///
/// # Errors
/// `Params` when there is no relation.
pub fn remove(now: Contacts) -> Result<Decision, ErrorCode> {
    if now == Contacts::default() {
        return Err(ErrorCode::Params);
    }
    if now.peer == ContactState::Blocks {
        let becomes = Contacts {
            own: ContactState::None,
            peer: ContactState::Blocks,
        };
        return Ok(Decision {
            becomes,
            notice: None,
        });
    }
    Ok(Decision {
        becomes: Contacts::default(),
        notice: Some(Notice::Removed),
    })
}

/// Blocks the other account. Blocking again changes nothing and tells nobody.
#[must_use]
pub fn block(now: Contacts) -> Decision {
    let becomes = Contacts {
        own: ContactState::Blocks,
        peer: now.peer,
    };
    let is_told = now.own != ContactState::Blocks && now.peer != ContactState::Blocks;
    Decision {
        becomes,
        notice: is_told.then_some(Notice::Blocked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ContactState::{Blocks, None as Nothing, Wants};

    const STATES: [ContactState; 3] = [Nothing, Wants, Blocks];

    fn every() -> impl Iterator<Item = Contacts> {
        STATES
            .into_iter()
            .flat_map(|own| STATES.into_iter().map(move |peer| Contacts { own, peer }))
    }

    #[test]
    fn friendship_takes_a_wish_of_both() {
        let first = add(Contacts::default()).unwrap();
        assert_eq!(
            first.becomes,
            Contacts {
                own: Wants,
                peer: Nothing
            }
        );
        assert_eq!(first.notice, Some(Notice::Request));
        let second = add(Contacts {
            own: Nothing,
            peer: Wants,
        })
        .unwrap();
        assert!(second.becomes.are_friends());
        assert_eq!(second.notice, Some(Notice::Friends));
    }

    #[test]
    fn a_repeated_request_makes_no_friendship() {
        let pending = Contacts {
            own: Wants,
            peer: Nothing,
        };
        let again = add(pending).unwrap();
        assert_eq!(again.becomes, pending);
        assert_eq!(again.notice, Some(Notice::Request));
    }

    #[test]
    fn adding_is_refused_when_blocked_or_friends() {
        for own in STATES {
            assert_eq!(add(Contacts { own, peer: Blocks }), Err(ErrorCode::Block));
        }
        assert_eq!(
            add(Contacts {
                own: Wants,
                peer: Wants
            }),
            Err(ErrorCode::Repeat)
        );
    }

    #[test]
    fn adding_lifts_the_own_block() {
        assert_eq!(
            add(Contacts {
                own: Blocks,
                peer: Nothing
            })
            .unwrap()
            .becomes,
            Contacts {
                own: Wants,
                peer: Nothing
            }
        );
        assert!(
            add(Contacts {
                own: Blocks,
                peer: Wants
            })
            .unwrap()
            .becomes
            .are_friends()
        );
    }

    #[test]
    fn removing_keeps_only_a_block_of_the_other() {
        for now in every() {
            let result = remove(now);
            if now == Contacts::default() {
                assert_eq!(result, Err(ErrorCode::Params));
            } else if now.peer == Blocks {
                let kept = Contacts {
                    own: Nothing,
                    peer: Blocks,
                };
                assert_eq!(
                    result,
                    Ok(Decision {
                        becomes: kept,
                        notice: None
                    })
                );
            } else {
                let gone = Decision {
                    becomes: Contacts::default(),
                    notice: Some(Notice::Removed),
                };
                assert_eq!(result, Ok(gone));
            }
        }
    }

    #[test]
    fn blocking_never_touches_the_side_of_the_other() {
        for now in every() {
            let decision = block(now);
            assert_eq!(
                decision.becomes,
                Contacts {
                    own: Blocks,
                    peer: now.peer
                }
            );
            assert_eq!(decision.notice.is_some(), now.own != Blocks && now.peer != Blocks);
        }
    }
}
