//! Presence packets of a session (wire-protocol 7.5).

use std::sync::Arc;

use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::ClientPacket;
use tim_protocol::wire::TimPresence;
use tokio::time::Instant;

use super::{Finished, Session, answers};
use crate::engine::presence::Precedence;

/// Addressees that count as one more packet.
const ADDRESSEES_PER_PACKET: usize = 4;

impl Session {
    /// Types 91 and 19. There is no answer to those that succeed.
    pub(super) fn presence(&mut self, packet: &ClientPacket<'_>, precedence: Precedence, now: Instant) {
        let (kind, encoding) = (packet.tim_type(), packet.encoding);
        let Some(open) = &self.open else { return };
        let Ok(presence) = packet.decode::<TimPresence>() else {
            return self.refuse(kind, encoding, ErrorCode::Format);
        };
        let names_nobody = presence.to_tid.is_none() && presence.to_list.as_ref().is_none_or(Vec::is_empty);
        if precedence == Precedence::One && names_nobody {
            if let Err(code) = open.login.engine().broadcast_presence(&open.login, presence) {
                self.refuse(kind, encoding, code);
            }
            return;
        }
        let (login, encoding) = (Arc::clone(&open.login), open.encoding);
        // Many addressees cost about as much as several packets.
        let addressees = presence.to_list.as_ref().map_or(0, Vec::len);
        let per_second = self.context.limits.packets_per_second_per_account;
        let pause = login
            .account()
            .count_packets(addressees / ADDRESSEES_PER_PACKET, per_second, now);
        self.slow_down(pause, now);
        self.running = Some(Box::pin(async move {
            let sent = login.engine().send_presence(&login, presence, precedence).await;
            Finished::Answers(match sent {
                Ok(()) => Vec::new(),
                Err(code) => vec![answers::refusal(kind, code, encoding)],
            })
        }));
    }
}
