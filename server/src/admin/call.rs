//! One entry of the table of calls: method, path, what it needs, what goes in and out. Routes, authorisation, the
//! audit log and the OpenAPI document are all made from these entries.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::{HeaderValue, Method, StatusCode};
use bytes::Bytes;
use parking_lot::Mutex;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tim_protocol::error_code::ErrorCode;

use super::Admin;
use super::access::{Caller, Needs};
use crate::engine::accounts::Login;
use crate::store::{AccountId, Room, RoomId};
use crate::web::answer::Refusal;
use crate::web::request::Source;

/// No query, no body or no answer.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Nothing {}

/// A schema, made when the document is.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

type Outcome = Pin<Box<dyn Future<Output = Result<Value, Refusal>> + Send>>;

/// A call.
pub(super) struct Call {
    /// The method.
    pub(super) method: Method,
    /// The path with `{arguments}`.
    pub(super) path: &'static str,
    /// Its unique name.
    pub(super) name: &'static str,
    /// What it does.
    pub(super) summary: &'static str,
    /// What it needs.
    pub(super) needs: Needs,
    /// Status when it succeeds.
    pub(super) status: StatusCode,
    /// Its query.
    pub(super) query: Option<SchemaOf>,
    /// Its body.
    pub(super) body: Option<SchemaOf>,
    /// Its answer.
    pub(super) answer: Option<SchemaOf>,
    /// Carries it out.
    pub(super) run: Arc<dyn Fn(Context, String, Bytes) -> Outcome + Send + Sync>,
}

/// Everything a call knows besides its query and body.
#[derive(Clone)]
pub(super) struct Context {
    /// What all calls share.
    pub(super) admin: Arc<Admin>,
    /// Who calls; nobody yet for those that need nothing.
    pub(super) caller: Option<Caller>,
    /// Where the request comes from.
    pub(super) source: Source,
    /// The secret of the caller's session, if it has one.
    pub(super) cookie: Option<String>,
    /// Arguments in the path.
    pub(super) arguments: Arc<BTreeMap<String, String>>,
    /// What the audit log shall say besides.
    pub(super) notes: Arc<Mutex<BTreeMap<String, String>>>,
    /// A cookie to be set with the answer.
    pub(super) set_cookie: Arc<Mutex<Option<HeaderValue>>>,
}

impl Call {
    /// A call that `f` carries out.
    pub(super) fn new<Q, B, A, F, Fut>(
        name: &'static str,
        (method, path): (Method, &'static str),
        needs: Needs,
        summary: &'static str,
        f: F,
    ) -> Self
    where
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        B: DeserializeOwned + JsonSchema + Send + 'static,
        A: Serialize + JsonSchema + 'static,
        F: Fn(Context, Q, B) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A, Refusal>> + Send + 'static,
    {
        let f = Arc::new(f);
        let has_body = !is_nothing::<B>();
        let run = move |context: Context, query: String, body: Bytes| -> Outcome {
            let f = Arc::clone(&f);
            Box::pin(async move {
                let query = parse_query(&query)?;
                let body = if has_body { &body[..] } else { b"{}" };
                // What is wrong is not repeated: it may be a part of a password.
                let body = serde_json::from_slice(body).map_err(|error| {
                    Refusal::malformed(format!(
                        "the body is not the JSON expected (line {})",
                        error.line()
                    ))
                })?;
                let answer = f(context, query, body).await?;
                serde_json::to_value(answer).map_err(|_| ErrorCode::Database.into())
            })
        };
        let schema = |wanted: bool, schema: SchemaOf| wanted.then_some(schema);
        Self {
            name,
            path,
            summary,
            needs,
            status: match (is_nothing::<A>(), &method) {
                (true, _) => StatusCode::NO_CONTENT,
                (false, _) => StatusCode::OK,
            },
            method,
            query: schema(!is_nothing::<Q>(), Q::json_schema),
            body: schema(has_body, |generator| generator.subschema_for::<B>()),
            answer: schema(!is_nothing::<A>(), |generator| generator.subschema_for::<A>()),
            run: Arc::new(run),
        }
    }

    /// The same, answered with another status.
    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Whether it may change something, and is therefore in the audit log.
    pub(super) fn is_change(&self) -> bool {
        self.method != Method::GET
    }
}

fn is_nothing<T: 'static>() -> bool {
    std::any::TypeId::of::<T>() == std::any::TypeId::of::<Nothing>()
}

fn parse_query<Q: DeserializeOwned>(query: &str) -> Result<Q, Refusal> {
    serde_urlencoded::from_str(query).map_err(|error| Refusal::malformed(format!("the query: {error}")))
}

impl Context {
    /// Who calls.
    pub(super) fn caller(&self) -> Result<&Caller, Refusal> {
        self.caller.as_ref().ok_or_else(Refusal::no_session)
    }

    /// An argument of the path.
    pub(super) fn argument(&self, name: &str) -> &str {
        self.arguments.get(name).map_or("", String::as_str)
    }

    /// Something for the audit log.
    pub(super) fn note(&self, name: &str, value: impl ToString) {
        self.notes.lock().insert(name.to_owned(), value.to_string());
    }

    /// The domain that the caller may act in, when it wants to act in `wanted`; `None`: all.
    pub(super) fn domain(&self, wanted: Option<String>) -> Result<Option<String>, Refusal> {
        let own = self.caller()?.domain.clone();
        match (own, wanted) {
            (None, wanted) => Ok(wanted),
            (Some(own), None) => Ok(Some(own)),
            (Some(own), Some(wanted)) if own == wanted => Ok(Some(own)),
            (Some(_), Some(_)) => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                ErrorCode::PermDenied,
                "this access is limited to another domain",
            )),
        }
    }

    fn is_mine(&self, domain: &str) -> bool {
        let own = self.caller.as_ref().and_then(|caller| caller.domain.as_deref());
        own.is_none_or(|own| own == domain)
    }

    /// An account that exists and that the caller may act on. Of others it learns nothing.
    pub(super) async fn account(&self, node: &str) -> Result<AccountId, Refusal> {
        Ok(self.stored_account(node).await?.id)
    }

    /// The same, with what is stored.
    pub(super) async fn stored_account(&self, node: &str) -> Result<crate::store::Account, Refusal> {
        let engine = &self.admin.engine;
        let id = engine.account_at(node).ok_or_else(no_account)?;
        let stored = engine.stored_account(&id).await?;
        stored
            .filter(|account| self.is_mine(&account.domain))
            .ok_or_else(no_account)
    }

    /// Accounts that exist and that the caller may act on, each once.
    pub(super) async fn accounts(&self, nodes: &[String]) -> Result<Vec<AccountId>, Refusal> {
        let mut accounts = Vec::with_capacity(nodes.len());
        for node in nodes {
            accounts.push(self.account(node).await?);
        }
        accounts.sort_unstable();
        accounts.dedup();
        Ok(accounts)
    }

    /// A room that the caller may act on, dissolved or not.
    pub(super) async fn room(&self, node: &str) -> Result<Room, Refusal> {
        let engine = &self.admin.engine;
        let id: RoomId = engine.named_room(node).ok_or_else(no_room)?;
        let stored = engine.stored_room(&id).await?;
        stored
            .filter(|room| self.is_mine(&room.domain))
            .ok_or_else(no_room)
    }

    /// A login for acting in the name of an account.
    pub(super) async fn agent(&self, account: &AccountId) -> Result<Login, Refusal> {
        self.note("as", account);
        Ok(self.admin.engine.agent(account).await?)
    }
}

pub(super) fn no_account() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, ErrorCode::Account, "no such account")
}

pub(super) fn no_room() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, ErrorCode::NoExist, "no such room")
}
