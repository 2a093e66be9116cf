//! Asks a service of the operator about accounts, one JSON request per question. The form of
//! questions and answers is described in `docs/external-accounts.md` and must not change without it.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::http::Caller;
use crate::config::External;
use crate::engine::external::{Credentials, ExternalAccounts, OutsideError};
use crate::store::{AccountId, RoomId};

/// Largest answer that is read, in bytes.
const ANSWER_BYTES: usize = 1 << 20;

/// Asks `external.api_url`.
pub(super) struct ApiAccounts {
    caller: Caller,
    list_limit: usize,
}

impl ApiAccounts {
    pub(super) fn new(settings: &External) -> Result<Self, String> {
        Ok(Self {
            caller: Caller::new("api_url", &settings.api_url, settings)?,
            list_limit: settings.list_limit,
        })
    }

    /// Asks; the answer is the member `member` of a JSON object.
    async fn ask(&self, question: Value, member: &str) -> Result<Value, OutsideError> {
        let body = self
            .caller
            .call(question.to_string().into_bytes(), ANSWER_BYTES)
            .await?;
        let answer: Value = serde_json::from_slice(&body)
            .map_err(|error| OutsideError(format!("the answer is not JSON: {error}")))?;
        match answer {
            Value::Object(mut members) => members
                .remove(member)
                .ok_or_else(|| OutsideError(format!("the answer has no member {member:?}"))),
            _ => Err(OutsideError("the answer is not a JSON object".to_owned())),
        }
    }

    async fn yes_or_no(&self, question: Value) -> Result<bool, OutsideError> {
        match self.ask(question, "answer").await? {
            Value::Bool(answer) => Ok(answer),
            Value::Number(number) if number.as_u64() == Some(1) => Ok(true),
            Value::Number(number) if number.as_u64() == Some(0) => Ok(false),
            _ => Err(OutsideError("\"answer\" must be true or false".to_owned())),
        }
    }

    async fn list(&self, question: Value) -> Result<Vec<String>, OutsideError> {
        let Value::Array(items) = self.ask(question, "list").await? else {
            return Err(OutsideError("\"list\" must be an array".to_owned()));
        };
        if items.len() > self.list_limit {
            let limit = self.list_limit;
            return Err(OutsideError(format!(
                "the list has more than {limit} entries (external.list_limit)"
            )));
        }
        items.into_iter().map(text).collect()
    }
}

/// An id: a text or a whole number.
fn text(value: Value) -> Result<String, OutsideError> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        _ => Err(OutsideError("an id must be a text or a whole number".to_owned())),
    }
}

#[async_trait]
impl ExternalAccounts for ApiAccounts {
    async fn login(&self, credentials: Credentials<'_>) -> Result<Option<AccountId>, OutsideError> {
        let question = json!({
            "question": "login",
            "name": credentials.name,
            "password": credentials.password,
            "domain": credentials.domain,
        });
        match self.ask(question, "account").await? {
            Value::Null => Ok(None),
            id => super::account(&text(id)?).map(Some),
        }
    }

    async fn token(&self, credentials: Credentials<'_>) -> Result<Option<AccountId>, OutsideError> {
        self.login(credentials).await
    }

    async fn user_exists(&self, user: &AccountId) -> Result<bool, OutsideError> {
        self.yes_or_no(json!({ "question": "user_exists", "user": user.as_str() }))
            .await
    }

    async fn user_permission(&self, from: &AccountId, to: &AccountId) -> Result<bool, OutsideError> {
        let (from, to) = (from.as_str(), to.as_str());
        self.yes_or_no(json!({ "question": "user_permission", "from": from, "to": to }))
            .await
    }

    async fn room_exists(&self, room: &RoomId) -> Result<bool, OutsideError> {
        self.yes_or_no(json!({ "question": "room_exists", "room": room.as_str() }))
            .await
    }

    async fn room_permission(&self, room: &RoomId, user: &AccountId) -> Result<bool, OutsideError> {
        let (room, user) = (room.as_str(), user.as_str());
        self.yes_or_no(json!({ "question": "room_permission", "room": room, "user": user }))
            .await
    }

    async fn friends(&self, user: &AccountId) -> Result<Vec<AccountId>, OutsideError> {
        let question = json!({ "question": "friends", "user": user.as_str() });
        self.list(question).await.map(super::accounts)
    }

    async fn user_rooms(&self, user: &AccountId) -> Result<Option<Vec<RoomId>>, OutsideError> {
        let question = json!({ "question": "user_rooms", "user": user.as_str() });
        self.list(question).await.map(super::rooms).map(Some)
    }

    async fn room_members(&self, room: &RoomId) -> Result<Vec<AccountId>, OutsideError> {
        let question = json!({ "question": "room_members", "room": room.as_str() });
        self.list(question).await.map(super::accounts)
    }
}
