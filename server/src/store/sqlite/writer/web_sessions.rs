//! Sessions of browsers.

use rusqlite::params;

use super::{TaskResult, Writer};
use crate::store::MAX_WEB_SESSIONS;
use crate::store::ids::{AccountId, SessionHash, Timestamp};
use crate::store::record::WebSession;

/// Most sessions that one operation forgets.
const FORGET: i64 = 1000;

impl Writer<'_> {
    pub(in crate::store::sqlite) fn put_session(&mut self, session: &WebSession) -> TaskResult<()> {
        let slot = self.placement.token(&session.hash.0)?;
        let account = session.account.as_str();
        self.statement(
            "INSERT OR REPLACE INTO web_session (slot, hash, account, remembered, created, used)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            slot,
            session.hash.0,
            account,
            session.remembered,
            session.created.0,
            session.used.0
        ])?;
        // The new one stays, however far the clock was set back.
        let others = i64::try_from(MAX_WEB_SESSIONS - 1).unwrap_or(i64::MAX);
        self.statement(
            "DELETE FROM web_session WHERE (slot, hash) IN
             (SELECT slot, hash FROM web_session WHERE account = ?1 AND hash <> ?2
              ORDER BY used DESC LIMIT -1 OFFSET ?3)",
        )?
        .execute(params![account, session.hash.0, others])?;
        Ok(())
    }

    pub(in crate::store::sqlite) fn use_session(
        &mut self,
        hash: &SessionHash,
        used: Timestamp,
    ) -> TaskResult<bool> {
        let slot = self.placement.token(&hash.0)?;
        let updated = self
            .statement("UPDATE web_session SET used = max(used, ?3) WHERE slot = ?1 AND hash = ?2")?
            .execute(params![slot, hash.0, used.0])?;
        Ok(updated == 1)
    }

    pub(in crate::store::sqlite) fn end_session(&mut self, hash: &SessionHash) -> TaskResult<bool> {
        let slot = self.placement.token(&hash.0)?;
        let deleted = self
            .statement("DELETE FROM web_session WHERE slot = ?1 AND hash = ?2")?
            .execute(params![slot, hash.0])?;
        Ok(deleted == 1)
    }

    pub(in crate::store::sqlite) fn end_sessions(
        &mut self,
        account: &AccountId,
        except: &[SessionHash],
    ) -> TaskResult<Vec<SessionHash>> {
        let mut select = self.statement("SELECT hash FROM web_session WHERE account = ?1")?;
        let rows = select.query_map(params![account.as_str()], |row| Ok(SessionHash(row.get(0)?)))?;
        let all = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let mut ended = Vec::new();
        for hash in all {
            if !except.contains(&hash) && self.end_session(&hash)? {
                ended.push(hash);
            }
        }
        Ok(ended)
    }

    /// Forgets some of the sessions unused since `before`; answers how many, and whether there may be more.
    pub(in crate::store::sqlite) fn forget_sessions(&mut self, before: Timestamp) -> TaskResult<(u64, bool)> {
        let deleted = self
            .statement(
                "DELETE FROM web_session WHERE (slot, hash) IN
                 (SELECT slot, hash FROM web_session WHERE used < ?1 LIMIT ?2)",
            )?
            .execute(params![before.0, FORGET])?;
        Ok((
            deleted as u64,
            i64::try_from(deleted).is_ok_and(|deleted| deleted == FORGET),
        ))
    }
}
