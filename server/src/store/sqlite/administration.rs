//! The management API's part of the store. Its records concern the whole installation, so they are in the first
//! database. They are sealed here, under a key derived from the installation key: it outlives the rotation
//! of data keys and is itself wrapped by the master key.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use hmac::Mac as _;

use super::SqliteStore;
use super::database::Database;
use crate::store::administration::{
    AccountEntry, AccountQuery, AdminStore, AuditEntry, RecordKind, StoreLoad, Totals,
};
use crate::store::encryption::{Place, RecordCipher};
use crate::store::ids::Timestamp;
use crate::store::{Result, StoreError};

/// Seals and opens contents for their places.
#[derive(Clone)]
struct Seals(RecordCipher);

impl Seals {
    fn seal(&self, place: &Place, body: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::new();
        self.0.seal(place, &[body], &mut sealed);
        sealed
    }

    fn open(&self, place: &Place, table: &'static str, sealed: &[u8]) -> Result<Bytes> {
        let opened = self.0.open(place, sealed).map(Bytes::from);
        opened.map_err(|error| StoreError::Damaged {
            table,
            reason: error.to_string(),
        })
    }
}

fn record_place(kind: RecordKind, name: &str) -> Place {
    let mut place = Place::of(b"admin_record");
    place.number(kind as i64).bytes(name.as_bytes());
    place
}

fn audit_place(number: i64, at: Timestamp) -> Place {
    let mut place = Place::of(b"audit");
    place.number(number).number(at.0);
    place
}

impl SqliteStore {
    fn seals(&self) -> Arc<Seals> {
        let mac = self.installation_key().keyed_hash("administration");
        let key: [u8; 32] = mac.finalize().into_bytes().into();
        Arc::new(Seals(RecordCipher::with_key(&key)))
    }

    fn first(&self) -> Result<&Database> {
        self.databases.first().ok_or_else(super::scan::closed)
    }
}

#[async_trait]
impl AdminStore for SqliteStore {
    async fn insert_record(&self, kind: RecordKind, name: &str, body: Bytes) -> Result<bool> {
        let sealed = self.seals().seal(&record_place(kind, name), &body);
        let name = name.to_owned();
        self.first()?
            .write(sealed.len(), move |writer| {
                writer.insert_record(kind, &name, &sealed)
            })
            .await
    }

    async fn replace_record(
        &self,
        kind: RecordKind,
        name: &str,
        expected: &Bytes,
        body: Bytes,
    ) -> Result<bool> {
        let seals = self.seals();
        let sealed = seals.seal(&record_place(kind, name), &body);
        let (name, expected) = (name.to_owned(), expected.clone());
        self.first()?
            .write(sealed.len(), move |writer| {
                let is_expected = |stored: &[u8]| {
                    let opened = seals.open(&record_place(kind, &name), "admin_record", stored);
                    opened.is_ok_and(|opened| opened == expected)
                };
                writer.replace_record(kind, &name, &is_expected, &sealed)
            })
            .await
    }

    async fn record(&self, kind: RecordKind, name: &str) -> Result<Option<Bytes>> {
        let name = name.to_owned();
        let wanted = name.clone();
        let sealed = self
            .first()?
            .read(move |reader| reader.admin_record(kind, &wanted))
            .await?;
        let seals = self.seals();
        sealed
            .map(|sealed| seals.open(&record_place(kind, &name), "admin_record", &sealed))
            .transpose()
    }

    async fn records(&self, kind: RecordKind) -> Result<Vec<(String, Bytes)>> {
        let rows = self
            .first()?
            .read(move |reader| reader.admin_records(kind))
            .await?;
        let seals = self.seals();
        let open = |(name, sealed): (String, Vec<u8>)| {
            let body = seals.open(&record_place(kind, &name), "admin_record", &sealed)?;
            Ok((name, body))
        };
        rows.into_iter().map(open).collect()
    }

    async fn remove_record(&self, kind: RecordKind, name: &str) -> Result<bool> {
        let name = name.to_owned();
        self.first()?
            .write(0, move |writer| writer.remove_record(kind, &name))
            .await
    }

    async fn append_audit(&self, at: Timestamp, body: Bytes) -> Result<i64> {
        let seals = self.seals();
        self.first()?
            .write(body.len(), move |writer| {
                let seal = |number| seals.seal(&audit_place(number, at), &body);
                writer.append_audit(at, &seal)
            })
            .await
    }

    async fn audit(&self, before: Option<i64>, limit: usize) -> Result<Vec<AuditEntry>> {
        let rows = self
            .first()?
            .read(move |reader| reader.audit(before, limit))
            .await?;
        let seals = self.seals();
        let open = |(number, at, sealed): (i64, i64, Vec<u8>)| {
            let at = Timestamp(at);
            let body = seals.open(&audit_place(number, at), "audit", &sealed)?;
            Ok(AuditEntry { number, at, body })
        };
        rows.into_iter().map(open).collect()
    }

    async fn list_accounts(&self, query: &AccountQuery) -> Result<Vec<AccountEntry>> {
        let mut accounts = Vec::new();
        for database in &self.databases {
            let query = query.clone();
            accounts.extend(database.read(move |reader| reader.list_accounts(&query)).await?);
        }
        Ok(query.page(accounts))
    }

    fn load(&self) -> StoreLoad {
        let statistics = self.statistics();
        StoreLoad {
            transactions: statistics.groups,
            writes: statistics.writes,
            failed_transactions: statistics.failed_groups,
            damaged_records: statistics.damaged_records,
            waiting_writes: statistics.waiting_writes,
            waiting_reads: statistics.waiting_reads,
        }
    }

    async fn totals(&self) -> Result<Totals> {
        let mut totals = Totals::default();
        for database in &self.databases {
            let of_one = database.read(|reader| reader.totals()).await?;
            totals.accounts += of_one.accounts;
            totals.rooms += of_one.rooms;
            totals.bytes += of_one.bytes;
        }
        Ok(totals)
    }
}
