//! How many files may arrive at the same time, of one account and of all.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::FileError;
use crate::engine::settings::FileSettings;
use crate::store::AccountId;

#[derive(Debug)]
pub(super) struct Places {
    per_account: usize,
    total: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    by_account: HashMap<AccountId, usize>,
    total: usize,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    account: AccountId,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    pub(super) fn new(settings: &FileSettings) -> Self {
        Self {
            per_account: settings.uploads_per_account,
            total: settings.uploads,
            taken: Arc::default(),
        }
    }

    pub(super) fn take(&self, account: &AccountId) -> Result<Place, FileError> {
        let mut taken = self.taken.lock();
        let own = taken.by_account.get(account).copied().unwrap_or(0);
        if own >= self.per_account {
            return Err(FileError::TooMany);
        }
        if taken.total >= self.total {
            return Err(FileError::Busy);
        }
        taken.total += 1;
        taken.by_account.insert(account.clone(), own + 1);
        drop(taken);
        Ok(Place {
            account: account.clone(),
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        taken.total -= 1;
        if let Some(own) = taken.by_account.get_mut(&self.account) {
            *own -= 1;
            if *own == 0 {
                taken.by_account.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::account_id;

    #[test]
    fn places_are_limited_per_account_and_in_total_and_come_back() {
        let places = Places::new(&FileSettings {
            uploads: 3,
            uploads_per_account: 2,
            ..FileSettings::default()
        });
        let (a, b, c) = (account_id("a"), account_id("b"), account_id("c"));
        let first = places.take(&a).unwrap();
        let second = places.take(&a).unwrap();
        assert_eq!(places.take(&a).unwrap_err(), FileError::TooMany);
        let third = places.take(&b).unwrap();
        assert_eq!(places.take(&c).unwrap_err(), FileError::Busy);
        drop(first);
        let fourth = places.take(&c).unwrap();
        drop((second, third, fourth));
        assert!(places.taken.lock().by_account.is_empty());
    }
}
