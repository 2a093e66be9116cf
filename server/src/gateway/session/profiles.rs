//! Requests about profiles (wire-protocol 7.15): what the packet must hold, and the answers.

use bytes::Bytes;
use tim_protocol::Encoding;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::{TimAck, TimNodes};

use super::answers;
use crate::engine::accounts::Login;

/// `TimNodes.ntype`.
mod operation {
    pub(super) const UNSAID: i32 = 0;
    pub(super) const USERS: i32 = 4;
    pub(super) const ROOMS: i32 = 5;
    pub(super) const MODIFY_USER: i32 = 6;
    pub(super) const MODIFY_ROOM: i32 = 7;
}

/// Carries out a request about profiles.
pub(super) async fn answer(login: &Login, request: TimNodes, encoding: Encoding) -> Vec<Bytes> {
    match carry_out(login, request, encoding).await {
        Ok(packets) => packets,
        Err(code) => vec![answers::refusal(PacketType::Nodes.as_i8(), code, encoding)],
    }
}

async fn carry_out(login: &Login, request: TimNodes, encoding: Encoding) -> Result<Vec<Bytes>, ErrorCode> {
    let engine = login.engine();
    let ntype = meant(login, &request).await?;
    match ntype {
        operation::USERS => {
            let nodes = request.nodelist.ok_or(ErrorCode::Params)?;
            let usermap = engine.user_profiles(login, &nodes).await?;
            if usermap.is_empty() {
                return Ok(Vec::new());
            }
            let profiles = TimNodes {
                ntype,
                usermap: Some(usermap),
                node: request.node,
                ..TimNodes::default()
            };
            Ok(vec![packet::server_packet(
                PacketType::Nodes,
                encoding,
                &profiles,
            )])
        }
        operation::ROOMS => {
            let nodes = request.nodelist.ok_or(ErrorCode::Params)?;
            let roommap = engine.room_profiles(login, &nodes).await?;
            if roommap.is_empty() {
                return Ok(Vec::new());
            }
            let profiles = TimNodes {
                ntype,
                roommap: Some(roommap),
                node: request.node,
                ..TimNodes::default()
            };
            Ok(vec![packet::server_packet(
                PacketType::Nodes,
                encoding,
                &profiles,
            )])
        }
        operation::MODIFY_USER => {
            let map = request.usermap.filter(|map| map.len() == 1);
            // The key does not matter: everybody changes the own profile only.
            let (_, change) = map
                .and_then(|map| map.into_iter().next())
                .ok_or(ErrorCode::Params)?;
            engine.modify_user(login, change).await?;
            Ok(done(ntype, encoding))
        }
        operation::MODIFY_ROOM => {
            let map = request.roommap.filter(|map| map.len() == 1);
            let (node, change) = map
                .and_then(|map| map.into_iter().next())
                .ok_or(ErrorCode::Params)?;
            let room = engine.named_room(&node).ok_or(ErrorCode::Account)?;
            engine.modify_room(login, &room, change).await?;
            Ok(done(ntype, encoding))
        }
        _ => Err(ErrorCode::Params),
    }
}

/// The operation. One published client does not say which, so what it sends along has to tell
/// (wire-protocol 11.1, row 5).
async fn meant(login: &Login, request: &TimNodes) -> Result<i32, ErrorCode> {
    if request.ntype != operation::UNSAID {
        return Ok(request.ntype);
    }
    let has_one = |entries: Option<usize>| entries == Some(1);
    if has_one(request.usermap.as_ref().map(std::collections::BTreeMap::len)) {
        return Ok(operation::MODIFY_USER);
    }
    if has_one(request.roommap.as_ref().map(std::collections::BTreeMap::len)) {
        return Ok(operation::MODIFY_ROOM);
    }
    let first = request.nodelist.as_ref().and_then(|nodes| nodes.first());
    let first = first.ok_or(ErrorCode::Params)?;
    Ok(if login.engine().is_user(login, first).await? {
        operation::USERS
    } else {
        operation::ROOMS
    })
}

fn done(ntype: i32, encoding: Encoding) -> Vec<Bytes> {
    let ack = TimAck {
        t: Some(i64::from(ntype)),
        ..TimAck::success(PacketType::Nodes.as_i8())
    };
    vec![answers::ack(&ack, encoding)]
}
