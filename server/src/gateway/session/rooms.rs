//! Requests about rooms (wire-protocol 7.10): what the fields must be, and the answers.

use bytes::Bytes;
use tim_protocol::Encoding;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::{TimAck, TimReq};

use super::answers::{self, List};
use crate::engine::accounts::Login;
use crate::engine::rooms::TEXT_BYTES;
use crate::store::{AccountId, RoomId, RoomKind};

/// `TimReq.rtype`.
mod operation {
    pub(super) const MY_ROOMS: i32 = 2;
    pub(super) const MEMBERS: i32 = 3;
    pub(super) const CREATE: i32 = 8;
    pub(super) const JOIN: i32 = 9;
    pub(super) const REFUSE: i32 = 11;
    pub(super) const PULL: i32 = 12;
    pub(super) const KICK: i32 = 13;
    pub(super) const BLOCK_ROOM: i32 = 14;
    pub(super) const BLOCK_MEMBER: i32 = 15;
    pub(super) const LEAVE: i32 = 16;
    pub(super) const DISSOLVE: i32 = 17;
    pub(super) const MY_BLOCKS: i32 = 19;
    pub(super) const BLOCKED_MEMBERS: i32 = 20;
}

/// `TimNodes.ntype` of lists (wire-protocol 7.15).
mod list {
    pub(super) const MY_ROOMS: i32 = 2;
    pub(super) const MEMBERS: i32 = 3;
    pub(super) const MY_BLOCKS: i32 = 9;
    pub(super) const BLOCKED_MEMBERS: i32 = 10;
}

/// `TimReq.reqInt` of a private room; every other number is an open one.
const PRIVATE: i64 = 1;

/// Why a request about a room was refused. Errors of parameters have the plain form; all others
/// repeat the operation and its objects.
enum Refusal {
    Malformed(ErrorCode),
    Refused(ErrorCode),
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::Refused(code)
    }
}

const MALFORMED: Refusal = Refusal::Malformed(ErrorCode::Params);

/// Whether the operation is about rooms.
pub(super) fn is_room_operation(rtype: i32) -> bool {
    matches!(rtype, 2 | 3 | 8 | 9 | 11..=17 | 19 | 20)
}

/// Carries out a request about rooms. There is exactly one answer to a refused one.
pub(super) async fn answer(login: &Login, rtype: i32, request: TimReq, encoding: Encoding) -> Vec<Bytes> {
    const KIND: i8 = PacketType::Business.as_i8();
    let (node, node2) = (request.node.clone(), request.node2.clone());
    match carry_out(login, rtype, request, encoding).await {
        Ok(packets) => packets,
        Err(Refusal::Malformed(code)) => vec![answers::refusal(KIND, code, encoding)],
        Err(Refusal::Refused(code)) => {
            // The title of a room that was not created is no object.
            let is_object = rtype != operation::CREATE;
            let ack = TimAck {
                t: Some(i64::from(rtype)),
                n: node.filter(|_| is_object),
                n2: node2.filter(|_| names_account(rtype)),
                ..TimAck::refusal(KIND, code)
            };
            vec![answers::ack(&ack, encoding)]
        }
    }
}

async fn carry_out(
    login: &Login,
    rtype: i32,
    request: TimReq,
    encoding: Encoding,
) -> Result<Vec<Bytes>, Refusal> {
    let engine = login.engine();
    let most = engine.settings().rooms.list_bytes;
    let rooms = |ntype, rooms: &[RoomId]| {
        let list = List { ntype, node: None };
        answers::list(&list, rooms.iter().map(RoomId::as_str), most, encoding)
    };
    match rtype {
        operation::MY_ROOMS => return Ok(rooms(list::MY_ROOMS, &engine.room_lists(login).await?.joined)),
        operation::MY_BLOCKS => return Ok(rooms(list::MY_BLOCKS, &engine.room_lists(login).await?.blocked)),
        operation::CREATE => return create(login, request, encoding).await,
        _ => {}
    }
    let node = request.node.ok_or(MALFORMED)?;
    let room = engine.named_room(&node).ok_or(match rtype {
        operation::MEMBERS => Refusal::Malformed(ErrorCode::Account),
        _ => MALFORMED,
    })?;
    let account = match (names_account(rtype), &request.node2) {
        (false, _) => None,
        (true, node2) => {
            let named = node2.as_deref().and_then(|node| engine.named_account(node));
            Some(named.ok_or(MALFORMED)?)
        }
    };
    let members = |ntype, node, members: &[AccountId]| {
        let list = List { ntype, node };
        answers::list(&list, members.iter().map(AccountId::as_str), most, encoding)
    };
    match (rtype, &account) {
        (operation::MEMBERS, _) => {
            let list = engine.room_members(login, &room).await?;
            return Ok(members(list::MEMBERS, Some(&node), &list));
        }
        (operation::BLOCKED_MEMBERS, _) => {
            let list = engine.room_blocks(login, &room).await?;
            return Ok(members(list::BLOCKED_MEMBERS, None, &list));
        }
        (operation::JOIN, _) => {
            let text = text(request.req_str)?.ok_or(MALFORMED)?;
            engine.join_room(login, &room, text).await?;
            return Ok(Vec::new());
        }
        (operation::PULL, Some(account)) => engine.pull_into_room(login, &room, account).await?,
        (operation::REFUSE, Some(account)) => {
            let reason = text(request.req_str)?;
            engine.refuse_request(login, &room, account, reason).await?;
        }
        (operation::KICK, Some(account)) => engine.kick_from_room(login, &room, account).await?,
        (operation::BLOCK_MEMBER, Some(account)) => engine.block_in_room(login, &room, account).await?,
        (operation::BLOCK_ROOM, _) => engine.block_room(login, &room).await?,
        (operation::LEAVE, _) => engine.leave_room(login, &room).await?,
        (operation::DISSOLVE, _) => engine.dissolve_room(login, &room).await?,
        _ => return Err(MALFORMED),
    }
    let done = TimAck {
        t: Some(i64::from(rtype)),
        n: Some(node),
        n2: account.map(|account| account.as_str().to_owned()),
        ..TimAck::success(PacketType::Business.as_i8())
    };
    Ok(vec![answers::ack(&done, encoding)])
}

async fn create(login: &Login, request: TimReq, encoding: Encoding) -> Result<Vec<Bytes>, Refusal> {
    let title = text(request.node)?.ok_or(MALFORMED)?;
    let kind = match request.req_int.ok_or(MALFORMED)? {
        PRIVATE => RoomKind::Private,
        _ => RoomKind::Open,
    };
    let room = login.engine().create_room(login, title, kind).await?;
    let created = TimAck {
        t: Some(i64::from(operation::CREATE)),
        n: Some(room.as_str().to_owned()),
        ..TimAck::success(PacketType::Business.as_i8())
    };
    Ok(vec![answers::ack(&created, encoding)])
}

/// Whether the operation names an account besides the room.
fn names_account(rtype: i32) -> bool {
    matches!(
        rtype,
        operation::REFUSE | operation::PULL | operation::KICK | operation::BLOCK_MEMBER
    )
}

/// A text that somebody else will read.
fn text(text: Option<String>) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.len() > TEXT_BYTES => Err(MALFORMED),
        text => Ok(text),
    }
}
