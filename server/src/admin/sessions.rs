//! Sessions of people who manage the server. They are kept in memory: a restart ends them. They end when
//! they are not used, when they are old, and when the access of their owner changes.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use subtle::ConstantTimeEq as _;

use super::operators::hash;
use crate::engine::clock::Entropy;
use crate::store::Timestamp;

/// Sessions of all people together; beyond that the one unused for longest ends.
const MOST: usize = 1_000;

/// A session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Whose it is.
    pub(super) operator: String,
    /// What a page has to show besides the cookie in order to change something.
    pub(super) csrf: String,
    /// When it ends at the latest.
    pub(super) expires: Timestamp,
    used: Timestamp,
}

impl Session {
    /// Whether a page showed the right token.
    pub(super) fn is_csrf(&self, shown: &str) -> bool {
        self.csrf.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

/// All sessions, by the hash of what the cookie holds.
#[derive(Debug)]
pub(super) struct Sessions {
    idle: Duration,
    lifetime: Duration,
    open: Mutex<HashMap<[u8; 32], Session>>,
}

impl Sessions {
    /// Sessions that end after so much time without use, and after so much time in any case.
    pub(super) fn new(idle: Duration, lifetime: Duration) -> Self {
        Self {
            idle,
            lifetime,
            open: Mutex::default(),
        }
    }

    /// Begins a session; answers the secret for the cookie.
    pub(super) fn begin(&self, operator: &str, entropy: &dyn Entropy, now: Timestamp) -> (String, Session) {
        let text = || {
            let mut random = [0; 32];
            entropy.fill(&mut random);
            URL_SAFE_NO_PAD.encode(random)
        };
        let secret = text();
        let session = Session {
            operator: operator.to_owned(),
            csrf: text(),
            expires: now.plus(self.lifetime),
            used: now,
        };
        let mut open = self.open.lock();
        open.retain(|_, session| self.is_alive(session, now));
        if open.len() >= MOST {
            let oldest = open.iter().min_by_key(|(_, session)| session.used);
            if let Some(oldest) = oldest.map(|(hash, _)| *hash) {
                open.remove(&oldest);
            }
        }
        open.insert(hash(&secret), session.clone());
        (secret, session)
    }

    /// The session of a cookie, which is used now.
    pub(super) fn find(&self, secret: &str, now: Timestamp) -> Option<Session> {
        let mut open = self.open.lock();
        let key = hash(secret);
        let session = open.get_mut(&key)?;
        if !self.is_alive(session, now) {
            open.remove(&key);
            return None;
        }
        session.used = session.used.max(now);
        Some(session.clone())
    }

    /// Ends a session.
    pub(super) fn end(&self, secret: &str) {
        self.open.lock().remove(&hash(secret));
    }

    /// Ends all sessions of a person, except one perhaps.
    pub(super) fn end_of(&self, operator: &str, except: Option<&str>) {
        let kept = except.map(hash);
        self.open
            .lock()
            .retain(|key, session| session.operator != operator || Some(*key) == kept);
    }

    fn is_alive(&self, session: &Session, now: Timestamp) -> bool {
        now < session.expires && now < session.used.plus(self.idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::clock::ThreadEntropy;

    const SECOND: i64 = 1_000_000_000;

    fn sessions() -> Sessions {
        Sessions::new(Duration::from_secs(10), Duration::from_secs(30))
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_or_old() {
        let sessions = sessions();
        let (secret, begun) = sessions.begin("ann", &ThreadEntropy, Timestamp(0));
        assert_eq!(begun.operator, "ann");
        for second in [9, 18, 27] {
            assert!(sessions.find(&secret, Timestamp(second * SECOND)).is_some());
        }
        assert!(
            sessions.find(&secret, Timestamp(30 * SECOND)).is_none(),
            "it is old"
        );
        let (secret, _) = sessions.begin("ann", &ThreadEntropy, Timestamp(0));
        assert!(sessions.find(&secret, Timestamp(10 * SECOND)).is_none(), "unused");
        assert!(sessions.find(&secret, Timestamp(1)).is_none(), "and gone");
    }

    #[test]
    fn all_sessions_of_a_person_end_but_one() {
        let sessions = sessions();
        let (one, _) = sessions.begin("ann", &ThreadEntropy, Timestamp(0));
        let (two, _) = sessions.begin("ann", &ThreadEntropy, Timestamp(0));
        let (other, _) = sessions.begin("ben", &ThreadEntropy, Timestamp(0));
        sessions.end_of("ann", Some(&two));
        let is_open = |secret: &str| sessions.find(secret, Timestamp(1)).is_some();
        assert!(!is_open(&one) && is_open(&two) && is_open(&other));
        sessions.end(&two);
        assert!(!is_open(&two));
    }

    #[test]
    fn there_are_not_more_than_a_bounded_number() {
        let sessions = sessions();
        let secrets: Vec<_> = (0..=MOST)
            .map(|at| sessions.begin("ann", &ThreadEntropy, Timestamp(at as i64)).0)
            .collect();
        assert!(sessions.find(&secrets[0], Timestamp(MOST as i64)).is_none());
        assert!(sessions.find(&secrets[1], Timestamp(MOST as i64)).is_some());
    }
}
