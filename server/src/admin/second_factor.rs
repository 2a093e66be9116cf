//! The second factor of people who manage the server: codes of an authenticator (RFC 6238). A code works once.

use std::collections::HashMap;

use parking_lot::Mutex;
use subtle::ConstantTimeEq as _;
use totp_rs::{Algorithm, Secret, TOTP};

use crate::engine::clock::Entropy;
use crate::store::Timestamp;

/// Seconds that a code is shown.
const STEP: u64 = 30;
/// Codes of neighbouring steps are taken too: clocks differ.
const SKEW: u64 = 1;
/// Bytes of a secret.
const SECRET_BYTES: usize = 20;

/// Second factors of all people.
#[derive(Debug, Default)]
pub(super) struct SecondFactors {
    /// Newest step of each person of which a code was used.
    used: Mutex<HashMap<String, u64>>,
    /// Secrets that are shown but not confirmed yet.
    offered: Mutex<HashMap<String, Vec<u8>>>,
}

impl SecondFactors {
    /// A new secret for a person, to be confirmed with a code: its text, and the address for an authenticator.
    pub(super) fn offer(&self, name: &str, entropy: &dyn Entropy) -> Option<(String, String)> {
        let mut secret = vec![0; SECRET_BYTES];
        entropy.fill(&mut secret);
        let text = Secret::Raw(secret.clone()).to_encoded().to_string();
        // The name is a part of the address, in which a colon separates.
        let account = name.replace(':', "_");
        let totp = TOTP::new(
            Algorithm::SHA1,
            6,
            1,
            STEP,
            secret.clone(),
            Some("tim".to_owned()),
            account,
        );
        let url = totp.ok()?.get_url();
        self.offered.lock().insert(name.to_owned(), secret);
        Some((text, url))
    }

    /// The secret that was offered, if the code is one of it.
    pub(super) fn confirm(&self, name: &str, code: &str, now: Timestamp) -> Option<Vec<u8>> {
        let secret = self.offered.lock().get(name).cloned()?;
        if !self.accept(name, &secret, code, now) {
            return None;
        }
        self.offered.lock().remove(name)
    }

    /// Whether a code is good now and was not used before.
    pub(super) fn accept(&self, name: &str, secret: &[u8], code: &str, now: Timestamp) -> bool {
        let Ok(totp) = TOTP::new(Algorithm::SHA1, 6, 1, STEP, secret.to_vec(), None, String::new()) else {
            return false;
        };
        let seconds = u64::try_from(now.0 / 1_000_000_000).unwrap_or(0);
        let step = seconds / STEP;
        let mut used = self.used.lock();
        let newest = used.get(name).copied();
        for step in step.saturating_sub(SKEW)..=step + SKEW {
            let fits = totp.generate(step * STEP).as_bytes().ct_eq(code.as_bytes());
            if bool::from(fits) && newest.is_none_or(|newest| newest < step) {
                used.insert(name.to_owned(), step);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::clock::ThreadEntropy;

    fn code(secret: &[u8], seconds: u64) -> String {
        TOTP::new(Algorithm::SHA1, 6, 1, STEP, secret.to_vec(), None, String::new())
            .unwrap()
            .generate(seconds)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000_000)
    }

    #[test]
    fn the_code_of_the_standard_is_accepted_once() {
        // RFC 6238, appendix B: 94287082 at 59 s, of which six digits are shown.
        let (factors, secret) = (SecondFactors::default(), b"12345678901234567890");
        assert!(!factors.accept("ann", secret, "287083", at(59)));
        assert!(factors.accept("ann", secret, "287082", at(59)));
        assert!(!factors.accept("ann", secret, "287082", at(59)), "used");
        assert!(
            factors.accept("ben", secret, "287082", at(59)),
            "by somebody else"
        );
    }

    #[test]
    fn neighbouring_codes_are_accepted_and_older_ones_are_not() {
        let secret = b"12345678901234567890";
        for (shown, now, expected) in [(30, 59, true), (60, 59, true), (0, 89, false), (120, 59, false)] {
            let factors = SecondFactors::default();
            let accepted = factors.accept("ann", secret, &code(secret, shown), at(now));
            assert_eq!(accepted, expected, "{shown} at {now}");
        }
    }

    #[test]
    fn a_secret_counts_when_it_was_confirmed() {
        let factors = SecondFactors::default();
        let (text, url) = factors.offer("ann", &ThreadEntropy).unwrap();
        assert!(url.starts_with("otpauth://totp/") && url.contains(&text), "{url}");
        let secret = Secret::Encoded(text).to_bytes().unwrap();
        assert_eq!(factors.confirm("ann", "no code", at(59)), None);
        assert_eq!(
            factors.confirm("ann", &code(&secret, 59), at(59)),
            Some(secret.clone())
        );
        assert_eq!(
            factors.confirm("ann", &code(&secret, 89), at(89)),
            None,
            "only once"
        );
    }
}
