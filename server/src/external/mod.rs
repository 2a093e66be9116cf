//! Accounts, friendships and rooms that the operator keeps elsewhere: asked by SQL in a database of
//! theirs or by HTTP calls to a service of theirs (wire-protocol 7.3 `connectauth_url`, 10.8 `externaldb`).
//!
//! Implements the traits of `engine::external`. Every question has a time limit, every answer a size
//! limit, and what cannot be asked is refused. It never writes names, passwords or answers to the log.

mod api;
mod gate;
mod http;
mod sql;

use std::sync::Arc;

use crate::config::{Config, StorageKind};
use crate::engine::external::{AccountSource, External, ExternalAccounts, OutsideError, node_from_outside};
use crate::store::{AccountId, RoomId};

/// Puts together what the configuration says about accounts outside. Connects to nothing yet.
///
/// # Errors
/// The settings contradict each other, or an address or statement cannot be understood.
pub(crate) fn open(config: &Config) -> Result<External, String> {
    let settings = &config.external;
    let has_database = !settings.database_url.0.is_empty();
    let has_service = !settings.api_url.is_empty();
    if has_database && has_service {
        return Err("external.database_url and external.api_url exclude each other".to_owned());
    }
    let keeps_accounts_elsewhere = has_database || has_service;
    if settings.accept_any {
        if keeps_accounts_elsewhere {
            return Err(
                "external.accept_any excludes external.database_url and external.api_url, which check logins"
                    .to_owned(),
            );
        }
        if config.storage.kind != StorageKind::Memory && settings.check_url.is_empty() {
            return Err("external.accept_any lets everybody log in as everybody: it needs storage.kind = \"memory\", or \
                 external.check_url to decide who is let in"
                .to_owned());
        }
    }
    if !has_database && let Some(name) = sql::first_statement(settings) {
        return Err(format!("external.{name} needs external.database_url"));
    }
    let gate = (!settings.check_url.is_empty())
        .then(|| gate::CheckUrl::new(settings).map(|gate| Arc::new(gate) as _))
        .transpose()?;
    let source = if has_database {
        AccountSource::Outside(Arc::new(sql::SqlAccounts::new(settings)?) as Arc<dyn ExternalAccounts>)
    } else if has_service {
        AccountSource::Outside(Arc::new(api::ApiAccounts::new(settings)?))
    } else if settings.accept_any {
        AccountSource::AnyName
    } else {
        AccountSource::Own
    };
    Ok(External {
        gate,
        source,
        trust_all: settings.trust_all,
        remember: settings.remember_answers,
        refresh_rooms: settings.refresh_rooms,
    })
}

/// Takes the usable ids of a list; the others are left out and counted in the log.
fn ids<T>(list: Vec<String>, id: impl Fn(tim_protocol::node::Node) -> T) -> Vec<T> {
    let count = list.len();
    let usable: Vec<T> = list
        .iter()
        .filter_map(|text| node_from_outside(text).ok().map(&id))
        .collect();
    if usable.len() < count {
        let left_out = count - usable.len();
        tracing::warn!(
            left_out,
            "a list from outside has entries that cannot be ids of tim; they are left out"
        );
    }
    usable
}

fn accounts(list: Vec<String>) -> Vec<AccountId> {
    ids(list, AccountId::new)
}

fn rooms(list: Vec<String>) -> Vec<RoomId> {
    ids(list, RoomId::new)
}

fn account(text: &str) -> Result<AccountId, OutsideError> {
    node_from_outside(text).map(AccountId::new)
}
