//! The audit log: every change, who made it, when, from where, and how it ended. Entries hold no passwords, no
//! keys and no texts of messages.

use std::collections::BTreeMap;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tim_protocol::error_code::ErrorCode;

use super::operators::failed;
use crate::store::{AuditEntry, Store, Timestamp};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Happened {
    /// Who: `operator:NAME`, `key:ID`, `command` or, before a login, what was given as the name.
    pub who: String,
    /// Address that the request came from; empty for the command line.
    pub from: String,
    /// Name of the call.
    pub call: String,
    /// What it was about: the arguments in the path and what the call noted.
    pub about: BTreeMap<String, String>,
    /// Status of the answer.
    pub status: u16,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Entry {
    /// Its number, from 1 without gaps.
    pub number: i64,
    /// When, in nanoseconds since 1970.
    pub at: i64,
    /// What happened.
    #[serde(flatten)]
    pub happened: Happened,
}

/// Appends an entry.
///
/// # Errors
/// The store's failures.
pub async fn append(store: &dyn Store, at: Timestamp, happened: &Happened) -> Result<i64, ErrorCode> {
    let body = serde_json::to_vec(happened).map_err(|_| ErrorCode::Database)?;
    let appending = store.append_audit(at, Bytes::from(body));
    appending.await.map_err(|error| failed(&error))
}

/// Reads an entry. One that cannot be understood says so: it must not look as if nothing had happened.
pub(super) fn understood(entry: &AuditEntry) -> Entry {
    let happened = serde_json::from_slice(&entry.body).unwrap_or_else(|error| Happened {
        who: String::new(),
        from: String::new(),
        call: "unreadable".to_owned(),
        about: BTreeMap::new(),
        status: 0,
        refusal: Some(error.to_string()),
    });
    Entry {
        number: entry.number,
        at: entry.at.0,
        happened,
    }
}
