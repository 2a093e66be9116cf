//! Checks the form of a message that a client sent and says what it asks for (wire-protocol 7.6,
//! 7.7). Pure: existence and permission are checked where they are known.

use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::TimMessage;

use super::identity::{parse_account_of, parse_room_of};
use super::settings::MessageSettings;
use crate::store::{AccountId, Mid, RoomId};

/// `msType` values.
mod addressing {
    pub(super) const SYSTEM: i8 = 1;
    pub(super) const USER: i8 = 2;
    pub(super) const ROOM: i8 = 3;
}

/// What a message asks for once its sender may write to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Store it in the conversation, echo it, deliver it.
    Chat,
    /// Delete an own message (odType 2).
    Recall(Option<Mid>),
    /// Delete a received message (odType 3).
    Burn(Option<Mid>),
    /// Deliver it, offline too, but keep it out of the history (odType 4 and above 30).
    Relay,
    /// Deliver it to sessions connected now (odType 5).
    Stream,
    /// The same as a big string packet (odType 6).
    BigString,
    /// The same as a big binary packet (odType 7).
    BigBinary,
    /// Nothing this server knows, or not allowed to clients.
    Nothing,
}

/// A message with its target and purpose.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The user it is for.
    pub to: Option<AccountId>,
    /// The room it names: the one it is for, or the one in which it is for the user alone.
    pub room: Option<RoomId>,
    /// Whether it is addressed to a user (`msType` 2), a room, or something unknown.
    pub target: Target,
    /// What it asks for.
    pub purpose: Purpose,
}

/// What `msType` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// 2.
    User,
    /// 3.
    Room,
    /// Anything else.
    Unknown,
}

/// Checks the form. The message comes back completed where published clients leave fields out.
///
/// # Errors
/// `Params` for a system message, `Account` for a malformed target.
pub fn draft(message: &mut TimMessage, settings: &MessageSettings) -> Result<Draft, ErrorCode> {
    complete(message);
    if message.ms_type == addressing::SYSTEM {
        return Err(ErrorCode::Params);
    }
    let to = match &message.to_tid {
        Some(tid) => Some(parse_account_of(&tid.node, settings.foreign_ids).ok_or(ErrorCode::Account)?),
        None => None,
    };
    let room = match &message.room_tid {
        Some(tid) => Some(parse_room_of(&tid.node, settings.foreign_ids).ok_or(ErrorCode::Account)?),
        None => None,
    };
    let target = match message.ms_type {
        addressing::USER => Target::User,
        addressing::ROOM => Target::Room,
        _ => Target::Unknown,
    };
    Ok(Draft {
        to,
        room,
        target,
        purpose: match purpose(message, settings) {
            // There is nobody whom burning or a notice in a room could be for (7.6).
            Purpose::Burn(_) if target == Target::Room => Purpose::Nothing,
            Purpose::Relay if target == Target::Room && message.od_type == 4 => Purpose::Nothing,
            purpose => purpose,
        },
    })
}

/// atim leaves `odType` 0 in streams and `msType` 0 in those to users (wire-protocol 11.1, 6).
fn complete(message: &mut TimMessage) {
    if message.od_type == 0 && message.data_binary.is_some() {
        message.od_type = 5;
    }
    if message.ms_type == 0 && message.to_tid.is_some() {
        message.ms_type = addressing::USER;
    }
}

fn purpose(message: &TimMessage, settings: &MessageSettings) -> Purpose {
    let mid = message.mid.filter(|mid| *mid > 0).map(Mid);
    match message.od_type {
        1 => Purpose::Chat,
        2 => Purpose::Recall(mid),
        3 => Purpose::Burn(mid),
        4 => {
            let is_the_servers = (1..=30).contains(&message.bn_type.unwrap_or(0));
            if is_the_servers && !settings.allow_client_notices {
                Purpose::Nothing
            } else {
                Purpose::Relay
            }
        }
        5 => Purpose::Stream,
        6 => Purpose::BigString,
        7 => Purpose::BigBinary,
        31.. => Purpose::Relay,
        _ => Purpose::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use tim_protocol::wire::Tid;

    use super::*;
    use crate::engine::identity::Identity;

    fn to_user(od_type: i8) -> TimMessage {
        let node = Identity::new([1; 32]).account("", "bob").as_str().to_owned();
        let to_tid = Some(Tid {
            node,
            ..Tid::default()
        });
        TimMessage {
            ms_type: 2,
            od_type,
            to_tid,
            ..TimMessage::default()
        }
    }

    fn purpose_of(mut message: TimMessage) -> Purpose {
        draft(&mut message, &MessageSettings::default()).unwrap().purpose
    }

    #[test]
    fn every_kind_has_its_purpose() {
        assert_eq!(purpose_of(to_user(1)), Purpose::Chat);
        assert_eq!(
            purpose_of(TimMessage {
                mid: Some(4),
                ..to_user(2)
            }),
            Purpose::Recall(Some(Mid(4)))
        );
        assert_eq!(
            purpose_of(TimMessage {
                mid: Some(0),
                ..to_user(3)
            }),
            Purpose::Burn(None)
        );
        assert_eq!(purpose_of(to_user(5)), Purpose::Stream);
        for reserved in (8..=30).chain([0, -1, i8::MIN]) {
            assert_eq!(purpose_of(to_user(reserved)), Purpose::Nothing, "{reserved}");
        }
        assert_eq!(purpose_of(to_user(31)), Purpose::Relay);
        assert_eq!(purpose_of(to_user(127)), Purpose::Relay);
    }

    #[test]
    fn notices_of_the_server_cannot_be_forged() {
        for code in 1..=30 {
            assert_eq!(
                purpose_of(TimMessage {
                    bn_type: Some(code),
                    ..to_user(4)
                }),
                Purpose::Nothing
            );
        }
        assert_eq!(
            purpose_of(TimMessage {
                bn_type: Some(31),
                ..to_user(4)
            }),
            Purpose::Relay
        );
        let allowed = MessageSettings {
            allow_client_notices: true,
            ..MessageSettings::default()
        };
        let mut notice = TimMessage {
            bn_type: Some(5),
            ..to_user(4)
        };
        assert_eq!(draft(&mut notice, &allowed).unwrap().purpose, Purpose::Relay);
    }

    #[test]
    fn a_malformed_target_and_a_system_message_are_refused() {
        let mut message = to_user(1);
        message.to_tid = Some(Tid {
            node: "no|node".into(),
            ..Tid::default()
        });
        assert_eq!(
            draft(&mut message, &MessageSettings::default()).unwrap_err(),
            ErrorCode::Account
        );
        let mut message = to_user(1);
        message.room_tid = Some(Tid::default());
        assert_eq!(
            draft(&mut message, &MessageSettings::default()).unwrap_err(),
            ErrorCode::Account
        );
        let mut message = TimMessage {
            ms_type: 1,
            ..to_user(1)
        };
        assert_eq!(
            draft(&mut message, &MessageSettings::default()).unwrap_err(),
            ErrorCode::Params
        );
    }

    #[test]
    fn streams_of_atim_are_completed() {
        let mut message = TimMessage {
            ms_type: 0,
            data_binary: Some(vec![1].into()),
            ..to_user(0)
        };
        let draft = draft(&mut message, &MessageSettings::default()).unwrap();
        assert_eq!((draft.target, draft.purpose), (Target::User, Purpose::Stream));
        assert_eq!((message.ms_type, message.od_type), (2, 5));
    }
}
