//! Sessions of browsers.

use std::collections::HashMap;

use crate::store::MAX_WEB_SESSIONS;
use crate::store::ids::{AccountId, SessionHash, Timestamp};
use crate::store::record::WebSession;

#[derive(Debug, Default)]
pub(super) struct WebSessions {
    sessions: HashMap<SessionHash, WebSession>,
    by_account: HashMap<AccountId, Vec<SessionHash>>,
}

impl WebSessions {
    pub(super) fn put(&mut self, session: WebSession) {
        let (hash, account) = (session.hash, session.account.clone());
        self.end(&hash);
        self.sessions.insert(hash, session);
        let of_account = self.by_account.entry(account).or_default();
        let sessions = &self.sessions;
        of_account.sort_by_key(|hash| sessions.get(hash).map(|session| session.used));
        of_account.push(hash);
        let surplus = of_account.len().saturating_sub(MAX_WEB_SESSIONS);
        for ended in of_account.drain(..surplus) {
            self.sessions.remove(&ended);
        }
    }

    pub(super) fn get(&self, hash: &SessionHash) -> Option<&WebSession> {
        self.sessions.get(hash)
    }

    pub(super) fn moved(&mut self, hash: &SessionHash, used: Timestamp) -> bool {
        let session = self.sessions.get_mut(hash);
        session
            .map(|session| session.used = session.used.max(used))
            .is_some()
    }

    pub(super) fn end(&mut self, hash: &SessionHash) -> bool {
        let Some(session) = self.sessions.remove(hash) else {
            return false;
        };
        if let Some(of_account) = self.by_account.get_mut(&session.account) {
            of_account.retain(|other| other != hash);
            if of_account.is_empty() {
                self.by_account.remove(&session.account);
            }
        }
        true
    }

    pub(super) fn end_all(&mut self, account: &AccountId, except: &[SessionHash]) -> Vec<SessionHash> {
        let mut ended = self.by_account.get(account).cloned().unwrap_or_default();
        ended.retain(|hash| !except.contains(hash) && self.end(hash));
        ended
    }

    pub(super) fn forget(&mut self, before: Timestamp) -> u64 {
        let unused = self.sessions.values().filter(|session| session.used < before);
        let unused: Vec<_> = unused.map(|session| session.hash).collect();
        unused.iter().filter(|hash| self.end(hash)).count() as u64
    }
}
