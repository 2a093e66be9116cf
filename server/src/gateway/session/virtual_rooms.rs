//! Virtual rooms: their requests, chunks in both directions (wire-protocol 7.12).

use std::sync::Arc;

use bytes::Bytes;
use tim_protocol::Encoding;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::{ClientPacket, PacketType};
use tim_protocol::wire::{TimAck, TimReq, TimStream};
use tokio::time::Instant;

use super::{Finished, Session, answers};
use crate::engine::accounts::Login;
use crate::engine::virtual_rooms::Form;

/// `TimReq.rtype` of type 22.
mod operation {
    pub(super) const NEW: i32 = 1;
    pub(super) const REMOVE: i32 = 2;
    pub(super) const GRANT: i32 = 3;
    pub(super) const REVOKE: i32 = 4;
    pub(super) const SUBSCRIBE: i32 = 5;
    pub(super) const UNSUBSCRIBE: i32 = 6;
}

/// Bytes of chunks that wait for the socket. Everything else overtakes those that wait longer.
const CHUNKS_AHEAD: usize = 256 << 10;

impl Session {
    /// Type 22.
    pub(super) fn virtual_room(&mut self, packet: &ClientPacket<'_>) {
        let Some(open) = &self.open else { return };
        let (login, encoding) = (Arc::clone(&open.login), open.encoding);
        match packet.decode::<TimReq>() {
            Ok(request) => {
                self.running = Some(Box::pin(async move {
                    Finished::Answers(vec![answer(&login, &request, encoding).await])
                }));
            }
            Err(_) => self.refuse(packet.tim_type(), encoding, ErrorCode::Params),
        }
    }

    /// Type 94.
    pub(super) fn publish_chunk(&mut self, packet: &ClientPacket<'_>, now: Instant) {
        match packet.decode::<TimStream>() {
            Ok(chunk) => self.publish(&chunk.vnode, chunk.dtype, chunk.body, now),
            Err(_) => self.refuse(packet.tim_type(), packet.encoding, ErrorCode::Format),
        }
    }

    /// Passes a chunk on. Too many deliveries in a short time slow the publisher down.
    pub(super) fn publish(&mut self, room: &str, dtype: Option<i8>, body: Option<Bytes>, now: Instant) {
        const KIND: i8 = PacketType::Stream.as_i8();
        let Some(open) = &self.open else { return };
        let published = open.login.engine().publish(&open.login, room, dtype, body);
        match published {
            Ok(pause) => self.slow_down(pause, now),
            Err(ErrorCode::PermDenied) => {
                let refusal = TimAck {
                    n: Some(room.to_owned()),
                    ..TimAck::refusal(KIND, ErrorCode::PermDenied)
                };
                self.write(answers::ack(&refusal, open.encoding));
            }
            Err(code) => self.refuse(KIND, open.encoding, code),
        }
    }

    /// Writes chunks of streams as long as few bytes wait, so that nothing else waits behind many.
    pub(super) fn poll_chunks(&mut self) -> bool {
        let (Some(open), Some(outlet)) = (&self.open, &self.outlet) else {
            return false;
        };
        let (encoding, outlet) = (open.encoding, Arc::clone(outlet));
        let mut moved = false;
        while self.out_bytes < CHUNKS_AHEAD
            && let Some(chunk) = outlet.next_frame()
        {
            self.write(chunk.plain(encoding));
            moved = true;
        }
        moved
    }
}

async fn answer(login: &Login, request: &TimReq, encoding: Encoding) -> Bytes {
    const KIND: i8 = PacketType::VRoom.as_i8();
    let done = carry_out(login, request).await;
    match done {
        Ok((n, n2)) => answers::ack(
            &TimAck {
                t: request.rtype.map(i64::from),
                n,
                n2,
                ..TimAck::success(KIND)
            },
            encoding,
        ),
        Err(code) => answers::refusal(KIND, code, encoding),
    }
}

/// What a request comes to: `n` and `n2` of the answer.
async fn carry_out(login: &Login, request: &TimReq) -> Result<(Option<String>, Option<String>), ErrorCode> {
    let engine = login.engine();
    let (node, node2) = (request.node.as_deref(), request.node2.as_deref());
    let named = || node.ok_or(ErrorCode::Params);
    let text = request.req_str.as_deref();
    let operation = request.rtype.ok_or(ErrorCode::Params)?;
    match operation {
        operation::NEW => {
            let id = engine.open_virtual_room(login, text, node2).await?;
            return Ok((Some(id.as_str().to_owned()), None));
        }
        operation::REMOVE => engine.close_virtual_room(login, named()?)?,
        operation::GRANT | operation::REVOKE => {
            let user = node2.ok_or(ErrorCode::Params)?;
            engine.grant(login, named()?, user, operation == operation::GRANT)?;
            return Ok((request.node2.clone(), request.node.clone()));
        }
        operation::SUBSCRIBE => {
            let room = named()?;
            let form = match request.req_int {
                None => Some(Form::Structured),
                Some(1) => Some(Form::Binary),
                Some(_) => None,
            };
            engine.subscribe(login, room, form, text).await?;
        }
        operation::UNSUBSCRIBE => engine.unsubscribe(login, named()?),
        _ => return Err(ErrorCode::Params),
    }
    Ok((request.node.clone(), None))
}
