//! Which sessions of this node listen to the log of which room. A room message is handed to the
//! listeners of its room, whoever the members are: membership decides who may listen, not who is
//! written to.

use super::Engine;
use crate::store::{AccountId, ConversationId, RoomId, Seq};

impl Engine {
    /// An account has become a member of a room: its sessions listen from now on. Entries of the
    /// room's log above `since` are delivered to it. The caller holds the account's membership lock.
    pub(super) async fn room_joined(
        &self,
        account: &AccountId,
        room: &RoomId,
        conversation: ConversationId,
        since: Seq,
    ) {
        tracing::trace!(%account, %room, ?conversation, ?since, "joined");
    }

    /// An account has ceased to be a member of a room: nothing of it reaches its sessions from now
    /// on. The caller holds the account's membership lock.
    pub(super) fn room_left(&self, account: &AccountId, room: &RoomId) {
        tracing::trace!(%account, %room, "left");
    }
}
