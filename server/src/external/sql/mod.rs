//! Asks a database of the operator about accounts, by statements from the configuration. Values go
//! as parameters only; no text of a client ever becomes part of a statement.

mod link;
mod mysql;
mod pool;
mod postgres;
mod sqlite;
mod template;

use async_trait::async_trait;

use crate::config::External;
use crate::engine::external::{Credentials, ExternalAccounts, OutsideError};
use crate::store::{AccountId, RoomId};
use pool::Pool;
use template::Template;

/// The statements, by the names of their settings.
struct Statements {
    login: Option<Template>,
    token: Option<Template>,
    user_exists: Option<Template>,
    user_permission: Option<Template>,
    room_exists: Option<Template>,
    room_permission: Option<Template>,
    friends: Option<Template>,
    user_rooms: Option<Template>,
    room_members: Option<Template>,
}

/// Asks `external.database_url`.
pub(super) struct SqlAccounts {
    pool: Pool,
    statements: Statements,
    list_limit: usize,
}

/// The first statement that is set.
pub(super) fn first_statement(settings: &External) -> Option<&'static str> {
    let all = [
        ("login_sql", &settings.login_sql),
        ("token_sql", &settings.token_sql),
        ("user_exists_sql", &settings.user_exists_sql),
        ("user_permission_sql", &settings.user_permission_sql),
        ("room_exists_sql", &settings.room_exists_sql),
        ("room_permission_sql", &settings.room_permission_sql),
        ("friends_sql", &settings.friends_sql),
        ("user_rooms_sql", &settings.user_rooms_sql),
        ("room_members_sql", &settings.room_members_sql),
    ];
    all.iter()
        .find(|(_, sql)| !sql.trim().is_empty())
        .map(|(name, _)| *name)
}

impl SqlAccounts {
    pub(super) fn new(settings: &External) -> Result<Self, String> {
        let pool = Pool::new(&settings.database_url.0, settings.connections, settings.timeout)?;
        let dialect = pool.dialect();
        let read = |name: &str, sql: &str, plain: usize, most: usize| {
            (!sql.trim().is_empty())
                .then(|| Template::parse(sql, dialect, plain, most))
                .transpose()
                .map_err(|reason| format!("external.{name}: {reason}"))
        };
        let statements = Statements {
            login: read("login_sql", &settings.login_sql, 2, 3)?,
            token: read("token_sql", &settings.token_sql, 2, 3)?,
            user_exists: read("user_exists_sql", &settings.user_exists_sql, 1, 1)?,
            user_permission: read("user_permission_sql", &settings.user_permission_sql, 2, 2)?,
            room_exists: read("room_exists_sql", &settings.room_exists_sql, 1, 1)?,
            room_permission: read("room_permission_sql", &settings.room_permission_sql, 2, 2)?,
            friends: read("friends_sql", &settings.friends_sql, 1, 1)?,
            user_rooms: read("user_rooms_sql", &settings.user_rooms_sql, 1, 1)?,
            room_members: read("room_members_sql", &settings.room_members_sql, 1, 1)?,
        };
        if statements.login.is_none() {
            return Err("external.database_url is set, so external.login_sql is needed as well".to_owned());
        }
        Ok(Self {
            pool,
            statements,
            list_limit: settings.list_limit,
        })
    }

    async fn account(
        &self,
        template: Option<&Template>,
        credentials: Credentials<'_>,
    ) -> Result<Option<AccountId>, OutsideError> {
        let Some(template) = template else { return Ok(None) };
        let arguments = [credentials.name, credentials.password, credentials.domain];
        let rows = self.pool.ask(template, &arguments, 1).await?;
        match rows.into_iter().next().flatten() {
            Some(text) => super::account(&text).map(Some),
            None => Ok(None),
        }
    }

    /// Whether the first column of the first row is 1; yes without a statement.
    async fn yes_or_no(&self, template: Option<&Template>, arguments: &[&str]) -> Result<bool, OutsideError> {
        let Some(template) = template else { return Ok(true) };
        let rows = self.pool.ask(template, arguments, 1).await?;
        Ok(rows.first().is_some_and(|cell| cell.as_deref() == Some("1")))
    }

    async fn list(&self, template: Option<&Template>, of: &str) -> Result<Vec<String>, OutsideError> {
        let Some(template) = template else {
            return Ok(Vec::new());
        };
        let limit = self.list_limit;
        let rows = self.pool.ask(template, &[of], limit + 1).await?;
        if rows.len() > limit {
            return Err(OutsideError(format!(
                "the list has more than {limit} entries (external.list_limit)"
            )));
        }
        Ok(rows.into_iter().flatten().collect())
    }
}

#[async_trait]
impl ExternalAccounts for SqlAccounts {
    async fn login(&self, credentials: Credentials<'_>) -> Result<Option<AccountId>, OutsideError> {
        self.account(self.statements.login.as_ref(), credentials).await
    }

    async fn token(&self, credentials: Credentials<'_>) -> Result<Option<AccountId>, OutsideError> {
        let template = self.statements.token.as_ref();
        let template = template.or(self.statements.login.as_ref());
        self.account(template, credentials).await
    }

    async fn user_exists(&self, user: &AccountId) -> Result<bool, OutsideError> {
        let template = self.statements.user_exists.as_ref();
        self.yes_or_no(template, &[user.as_str()]).await
    }

    async fn user_permission(&self, from: &AccountId, to: &AccountId) -> Result<bool, OutsideError> {
        let template = self.statements.user_permission.as_ref();
        self.yes_or_no(template, &[from.as_str(), to.as_str()]).await
    }

    async fn room_exists(&self, room: &RoomId) -> Result<bool, OutsideError> {
        let template = self.statements.room_exists.as_ref();
        self.yes_or_no(template, &[room.as_str()]).await
    }

    async fn room_permission(&self, room: &RoomId, user: &AccountId) -> Result<bool, OutsideError> {
        let template = self.statements.room_permission.as_ref();
        self.yes_or_no(template, &[room.as_str(), user.as_str()]).await
    }

    async fn friends(&self, user: &AccountId) -> Result<Vec<AccountId>, OutsideError> {
        let template = self.statements.friends.as_ref();
        self.list(template, user.as_str()).await.map(super::accounts)
    }

    async fn user_rooms(&self, user: &AccountId) -> Result<Option<Vec<RoomId>>, OutsideError> {
        let Some(template) = &self.statements.user_rooms else {
            return Ok(None);
        };
        let rooms = self.list(Some(template), user.as_str()).await;
        rooms.map(super::rooms).map(Some)
    }

    async fn room_members(&self, room: &RoomId) -> Result<Vec<AccountId>, OutsideError> {
        let template = self.statements.room_members.as_ref();
        self.list(template, room.as_str()).await.map(super::accounts)
    }
}
