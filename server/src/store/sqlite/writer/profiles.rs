//! Profiles of users.

use rusqlite::params;

use super::{TaskResult, Writer};
use crate::store::encryption::{Scope, Table};
use crate::store::ids::AccountId;
use crate::store::sqlite::sealed::profile_place;

impl Writer<'_> {
    /// `false` when there is no such account.
    pub(in crate::store::sqlite) fn set_user_profile(
        &mut self,
        id: &AccountId,
        profile: &[u8],
    ) -> TaskResult<bool> {
        let slot = self.placement.account(id)?;
        let key = self.ciphers.current();
        profile_place(&mut self.place, key, id.as_str());
        self.seal(Table::Profile, key, &Scope::Account(id.clone()), &[profile])?;
        let written = self
            .statement(
                "INSERT OR REPLACE INTO profile (slot, owner, key_id, body)
                 SELECT slot, id, ?3, ?4 FROM account WHERE slot = ?1 AND id = ?2",
            )?
            .execute(params![slot, id.as_str(), key, self.sealed])?;
        Ok(written == 1)
    }
}
