//! The management API's part of the store in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;

use super::MemoryStore;
use crate::store::Result;
use crate::store::administration::{AccountEntry, AccountQuery, AdminStore, AuditEntry, RecordKind, Totals};
use crate::store::ids::Timestamp;

#[derive(Debug, Default)]
pub(super) struct Administration {
    records: BTreeMap<(RecordKind, String), Bytes>,
    audit: Vec<AuditEntry>,
}

#[async_trait]
impl AdminStore for MemoryStore {
    async fn insert_record(&self, kind: RecordKind, name: &str, body: Bytes) -> Result<bool> {
        self.with(|state| {
            let key = (kind, name.to_owned());
            let records = &mut state.administration.records;
            if records.contains_key(&key) {
                return false;
            }
            records.insert(key, body);
            true
        })
    }

    async fn replace_record(
        &self,
        kind: RecordKind,
        name: &str,
        expected: &Bytes,
        body: Bytes,
    ) -> Result<bool> {
        self.with(|state| {
            let stored = state.administration.records.get_mut(&(kind, name.to_owned()));
            match stored.filter(|stored| *stored == expected) {
                Some(stored) => {
                    *stored = body;
                    true
                }
                None => false,
            }
        })
    }

    async fn record(&self, kind: RecordKind, name: &str) -> Result<Option<Bytes>> {
        self.with(|state| {
            state
                .administration
                .records
                .get(&(kind, name.to_owned()))
                .cloned()
        })
    }

    async fn records(&self, kind: RecordKind) -> Result<Vec<(String, Bytes)>> {
        self.with(|state| {
            let records = state.administration.records.iter();
            records
                .filter(|((of, _), _)| *of == kind)
                .map(|((_, name), body)| (name.clone(), body.clone()))
                .collect()
        })
    }

    async fn remove_record(&self, kind: RecordKind, name: &str) -> Result<bool> {
        self.with(|state| {
            let removed = state.administration.records.remove(&(kind, name.to_owned()));
            removed.is_some()
        })
    }

    async fn append_audit(&self, at: Timestamp, body: Bytes) -> Result<i64> {
        self.with(|state| {
            let audit = &mut state.administration.audit;
            let number = i64::try_from(audit.len()).unwrap_or(i64::MAX).saturating_add(1);
            audit.push(AuditEntry { number, at, body });
            number
        })
    }

    async fn audit(&self, before: Option<i64>, limit: usize) -> Result<Vec<AuditEntry>> {
        self.with(|state| {
            let newest_first = state.administration.audit.iter().rev();
            newest_first
                .filter(|entry| before.is_none_or(|before| entry.number < before))
                .take(limit)
                .cloned()
                .collect()
        })
    }

    async fn list_accounts(&self, query: &AccountQuery) -> Result<Vec<AccountEntry>> {
        self.with(|state| {
            let entries = state.accounts.values().map(|account| AccountEntry {
                id: account.id.clone(),
                domain: account.domain.clone(),
                created: account.created,
                suspended_until: account.suspended_until,
            });
            query.page(entries.filter(|entry| query.wants(entry)).collect())
        })
    }

    async fn totals(&self) -> Result<Totals> {
        self.with(|state| Totals {
            accounts: state.accounts.len() as u64,
            rooms: state.rooms.live() as u64,
            bytes: 0,
        })
    }
}
