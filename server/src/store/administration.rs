//! What the management API keeps: small records of its own by kind and name, the audit log, and pages of
//! accounts. Contents are sealed below this trait, as everywhere in the store.

use async_trait::async_trait;
use bytes::Bytes;

use super::Result;
use super::ids::{AccountId, Timestamp};

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// Somebody who manages the server.
    Operator = 1,
    /// A key of a program that calls the management API.
    ApiKey = 2,
}

/// An entry of the audit log. Entries are never changed and never deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1 without gaps.
    pub number: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub body: Bytes,
}

/// An account as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEntry {
    /// Its public address.
    pub id: AccountId,
    /// Its tenant; empty for the default domain.
    pub domain: String,
    /// Time of registration.
    pub created: Timestamp,
    /// Login is refused before this time.
    pub suspended_until: Option<Timestamp>,
}

/// The order of a list of accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountOrder {
    /// By public address.
    #[default]
    Node,
    /// By time of registration, oldest first.
    Created,
    /// By time of registration, newest first.
    Newest,
}

/// Which accounts are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountQuery {
    /// Only those of this domain.
    pub domain: Option<String>,
    /// Only those whose address begins so.
    pub prefix: Option<String>,
    /// Only those that are suspended at a time, or that are not.
    pub suspended: Option<(bool, Timestamp)>,
    /// Only those registered at that time or later.
    pub created_from: Option<Timestamp>,
    /// Only those registered before that time.
    pub created_before: Option<Timestamp>,
    /// The order.
    pub order: AccountOrder,
    /// Only those behind this one, whose time of registration is given too.
    pub after: Option<(Timestamp, String)>,
    /// How many at most.
    pub limit: usize,
}

impl AccountQuery {
    /// Whether the account is one of those wanted, whatever the page.
    pub(super) fn wants(&self, account: &AccountEntry) -> bool {
        let is_suspended = |now| account.suspended_until.is_some_and(|until| now < until);
        self.domain
            .as_ref()
            .is_none_or(|domain| *domain == account.domain)
            && self
                .prefix
                .as_ref()
                .is_none_or(|prefix| account.id.as_str().starts_with(prefix.as_str()))
            && self
                .suspended
                .is_none_or(|(wanted, now)| wanted == is_suspended(now))
            && self.created_from.is_none_or(|from| from <= account.created)
            && self.created_before.is_none_or(|before| account.created < before)
            && self.after.as_ref().is_none_or(|(created, id)| {
                let (mine, cursor) = ((account.created, account.id.as_str()), (*created, id.as_str()));
                match self.order {
                    AccountOrder::Node => cursor.1 < mine.1,
                    AccountOrder::Created => cursor < mine,
                    AccountOrder::Newest => mine < cursor,
                }
            })
    }

    /// Puts accounts in order and keeps as many as wanted.
    pub(super) fn page(&self, mut accounts: Vec<AccountEntry>) -> Vec<AccountEntry> {
        match self.order {
            AccountOrder::Node => accounts.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str())),
            AccountOrder::Created | AccountOrder::Newest => {
                accounts.sort_by(|a, b| (a.created, a.id.as_str()).cmp(&(b.created, b.id.as_str())));
            }
        }
        if self.order == AccountOrder::Newest {
            accounts.reverse();
        }
        accounts.truncate(self.limit);
        accounts
    }
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Accounts.
    pub accounts: u64,
    /// Rooms that are not dissolved.
    pub rooms: u64,
    /// Bytes of the database; 0 in memory.
    pub bytes: u64,
}

/// How busy a store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreLoad {
    /// Transactions committed or tried.
    pub transactions: u64,
    /// Write operations in them.
    pub writes: u64,
    /// Transactions that the database refused.
    pub failed_transactions: u64,
    /// Records left out because they did not decrypt.
    pub damaged_records: u64,
    /// Operations that wait to be written.
    pub waiting_writes: usize,
    /// Operations that wait to be read.
    pub waiting_reads: usize,
}

/// Domain operations of the management API; a part of every [`Store`](super::Store).
#[async_trait]
pub trait AdminStore: Send + Sync + 'static {
    /// Stores a record if there is none of that name. `false`: there is one, and it stays.
    async fn insert_record(&self, kind: RecordKind, name: &str, body: Bytes) -> Result<bool>;

    /// Replaces a record if it is still what the caller saw. `false`: it is not, or there is none.
    async fn replace_record(
        &self,
        kind: RecordKind,
        name: &str,
        expected: &Bytes,
        body: Bytes,
    ) -> Result<bool>;

    /// Reads a record.
    async fn record(&self, kind: RecordKind, name: &str) -> Result<Option<Bytes>>;

    /// All records of a kind, sorted by name.
    async fn records(&self, kind: RecordKind) -> Result<Vec<(String, Bytes)>>;

    /// Deletes a record. `false` when there is none.
    async fn remove_record(&self, kind: RecordKind, name: &str) -> Result<bool>;

    /// Appends an entry to the audit log; answers its number.
    async fn append_audit(&self, at: Timestamp, body: Bytes) -> Result<i64>;

    /// Entries of the audit log with a number below `before`, newest first, at most `limit`.
    async fn audit(&self, before: Option<i64>, limit: usize) -> Result<Vec<AuditEntry>>;

    /// A page of accounts.
    async fn list_accounts(&self, query: &AccountQuery) -> Result<Vec<AccountEntry>>;

    /// How busy it is. Nothing in memory.
    fn load(&self) -> StoreLoad {
        StoreLoad::default()
    }

    /// How much there is. Counts rows, so it is not for every second.
    async fn totals(&self) -> Result<Totals>;
}
