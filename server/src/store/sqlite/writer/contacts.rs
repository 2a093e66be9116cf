//! Relations of accounts: two rows for each, changed together.

use rusqlite::params;

use super::{TaskResult, Writer};
use crate::store::ids::{AccountId, Seq};
use crate::store::record::{ContactChange, ContactState, Contacts};
use crate::store::sqlite::reader::select_contacts;

impl Writer<'_> {
    pub(in crate::store::sqlite) fn change_contacts(
        &mut self,
        change: &ContactChange,
    ) -> TaskResult<Option<Vec<Seq>>> {
        let ContactChange {
            owner,
            peer,
            expected,
            becomes,
            notices,
        } = change;
        let owner_slot = self.placement.account(owner)?;
        let peer_slot = self.placement.account(peer)?;
        if select_contacts(self.connection, owner_slot, owner, peer)? != *expected {
            return Ok(None);
        }
        self.relate(owner_slot, owner, peer, *becomes)?;
        self.relate(peer_slot, peer, owner, becomes.reversed())?;
        Ok(Some(self.put_items(notices)?))
    }

    fn relate(
        &mut self,
        slot: i64,
        owner: &AccountId,
        peer: &AccountId,
        contacts: Contacts,
    ) -> TaskResult<()> {
        let (owner, peer) = (owner.as_str(), peer.as_str());
        if contacts == Contacts::default() {
            self.statement("DELETE FROM contact WHERE slot = ?1 AND owner = ?2 AND peer = ?3")?
                .execute(params![slot, owner, peer])?;
        } else {
            self.statement(
                "INSERT OR REPLACE INTO contact (slot, owner, peer, own, peer_state)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                slot,
                owner,
                peer,
                column(contacts.own),
                column(contacts.peer)
            ])?;
        }
        Ok(())
    }
}

pub(super) fn column(state: ContactState) -> i64 {
    match state {
        ContactState::None => 0,
        ContactState::Wants => 1,
        ContactState::Blocks => 2,
    }
}
