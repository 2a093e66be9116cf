//! Accounts that are kept outside this server: the questions the engine asks about them, and what
//! it does with the answers (permission, existence, lists, logins).
//!
//! It never connects to anything itself: `crate::external` does. Messages, inboxes and devices stay in
//! the own store, so an account that logs in gets a row there, without a usable password.

pub(super) mod rooms;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use quick_cache::sync::Cache;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::node::Node;
use tim_protocol::wire::TimAuth;

use super::attempts::limited_address;
use super::relations::Relation;
use super::{Engine, identity, store_failure};
use crate::store::{
    Account, AccountId, ContactLists, ContactState, Contacts, CreateAccountError, NewAccount, RoomId,
    Timestamp,
};

/// Answers that are remembered at most.
const CAPACITY: usize = 65_536;
/// Stands where the password hash of an account of this server would be; no password fits it.
const NO_PASSWORD: &str = "*";

/// A question was not answered: nobody there, no answer in time, or one that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutsideError(pub String);

/// Name and password of somebody who wants to log in, or to have a token.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The login name; not empty, at most `accounts.max_name_bytes` of UTF-8, no zero byte.
    pub name: &'a str,
    /// The password; the same with `accounts.max_password_bytes`.
    pub password: &'a str,
    /// The domain, often empty.
    pub domain: &'a str,
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Decides whether a login is looked at (wire-protocol 7.3, `connectauth_url`).
#[async_trait]
pub trait LoginGate: Send + Sync + 'static {
    /// Whether this login may go on.
    ///
    /// # Errors
    /// The gate could not be asked; the login must not go on.
    async fn admits(&self, auth: &TimAuth) -> Result<bool, OutsideError>;
}

/// Accounts, friendships and rooms that somebody else keeps (wire-protocol 10.8, `externaldb`).
/// Implementations bound the time of every question and the size of every answer. Cancellation:
/// dropping a returned future asks no further and breaks nothing.
#[async_trait]
pub trait ExternalAccounts: Send + Sync + 'static {
    /// The account of these credentials; `None` when name or password is wrong.
    async fn login(&self, credentials: Credentials<'_>) -> Result<Option<AccountId>, OutsideError>;

    /// The same, for a token.
    async fn token(&self, credentials: Credentials<'_>) -> Result<Option<AccountId>, OutsideError>;

    /// Whether there is such an account.
    async fn user_exists(&self, user: &AccountId) -> Result<bool, OutsideError>;

    /// Whether one account may write to another.
    async fn user_permission(&self, from: &AccountId, to: &AccountId) -> Result<bool, OutsideError>;

    /// Whether there is such a room.
    async fn room_exists(&self, room: &RoomId) -> Result<bool, OutsideError>;

    /// Whether an account may write to a room and read it.
    async fn room_permission(&self, room: &RoomId, user: &AccountId) -> Result<bool, OutsideError>;

    /// The friends of an account.
    async fn friends(&self, user: &AccountId) -> Result<Vec<AccountId>, OutsideError>;

    /// The rooms of an account. `None`: nobody keeps such a list, and only permission is asked.
    async fn user_rooms(&self, user: &AccountId) -> Result<Option<Vec<RoomId>>, OutsideError>;

    /// The members of a room.
    async fn room_members(&self, room: &RoomId) -> Result<Vec<AccountId>, OutsideError>;
}

/// Where accounts come from.
#[derive(Clone, Default)]
pub enum AccountSource {
    /// This server keeps them.
    #[default]
    Own,
    /// Somebody else keeps them.
    Outside(Arc<dyn ExternalAccounts>),
    /// Every name is an account; nobody checks the password here.
    AnyName,
}

/// What the engine needs to know of accounts outside. The default: there are none.
#[derive(Clone, Default)]
pub struct External {
    /// Asked before every login.
    pub gate: Option<Arc<dyn LoginGate>>,
    /// Where accounts come from.
    pub source: AccountSource,
    /// Everybody may write to everybody, existing or not; only personal blocks count.
    pub trust_all: bool,
    /// How long an answer about existence or permission is remembered. Zero: not at all.
    pub remember: Duration,
    /// How often the rooms of accounts that are online are asked for again. Zero: only at login.
    pub refresh_rooms: Duration,
}

impl std::fmt::Debug for External {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let source = match self.source {
            AccountSource::Own => "own",
            AccountSource::Outside(_) => "outside",
            AccountSource::AnyName => "any name",
        };
        f.debug_struct("External")
            .field("gate", &self.gate.is_some())
            .field("source", &source)
            .field("trust_all", &self.trust_all)
            .finish_non_exhaustive()
    }
}

/// A question with a yes or no for an answer.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Question {
    UserExists(AccountId),
    UserPermission { from: AccountId, to: AccountId },
    RoomExists(RoomId),
    RoomPermission { room: RoomId, user: AccountId },
}

/// The answers that are still good.
pub(super) struct Answers {
    known: Cache<Question, (bool, Timestamp)>,
    keep: Duration,
}

impl Answers {
    pub(super) fn new(keep: Duration) -> Self {
        Self {
            known: Cache::new(CAPACITY),
            keep,
        }
    }

    fn known(&self, question: &Question, now: Timestamp) -> Option<bool> {
        let (answer, until) = self.known.get(question)?;
        // A clock that was set back must not make an old answer good again for long.
        (now < until && until <= now.plus(self.keep)).then_some(answer)
    }

    fn remember(&self, question: Question, answer: bool, now: Timestamp) {
        if !self.keep.is_zero() {
            self.known.insert(question, (answer, now.plus(self.keep)));
        }
    }
}

/// How permission is found out.
enum Permission {
    /// From friendships and blocks in the own store.
    Own,
    /// Everything is allowed that nobody blocked.
    Trusting,
    /// By asking.
    Asked,
}

impl Engine {
    /// Takes the id of an account from the wire. Ids from outside may be any node.
    pub(super) fn parse_account(&self, text: &str) -> Option<AccountId> {
        identity::parse_account_of(text, self.settings.messages.foreign_ids)
    }

    /// Takes the id of a room from the wire.
    pub(super) fn parse_room(&self, text: &str) -> Option<RoomId> {
        identity::parse_room_of(text, self.settings.messages.foreign_ids)
    }

    fn permission(&self) -> Permission {
        match &self.external.source {
            _ if self.external.trust_all => Permission::Trusting,
            AccountSource::AnyName => Permission::Trusting,
            AccountSource::Outside(_) => Permission::Asked,
            AccountSource::Own => Permission::Own,
        }
    }

    fn outside(&self) -> Option<&Arc<dyn ExternalAccounts>> {
        match &self.external.source {
            AccountSource::Outside(outside) => Some(outside),
            AccountSource::Own | AccountSource::AnyName => None,
        }
    }

    /// Whether friendships, rooms, profiles and passwords are managed here.
    ///
    /// # Errors
    /// `Interface` (4107): they are managed outside.
    pub(super) fn managed_here(&self) -> Result<(), ErrorCode> {
        self.outside().map_or(Ok(()), |_| Err(ErrorCode::Interface))
    }

    /// Whether blocks are kept here: not when permission is asked outside.
    ///
    /// # Errors
    /// `Interface` (4107).
    pub(super) fn blocks_kept_here(&self) -> Result<(), ErrorCode> {
        match self.permission() {
            Permission::Asked => Err(ErrorCode::Interface),
            Permission::Own | Permission::Trusting => Ok(()),
        }
    }

    /// The code that registrations are refused with, if nobody can register here.
    pub(super) fn registration_refusal(&self) -> Option<ErrorCode> {
        match self.external.source {
            AccountSource::Own => None,
            AccountSource::Outside(_) => Some(ErrorCode::Interface),
            AccountSource::AnyName => Some(ErrorCode::Database),
        }
    }

    /// Whether a login may be looked at at all (wire-protocol 7.3). When not, the connection is
    /// closed without an answer. Nobody there to decide means no.
    pub async fn admits(&self, from: IpAddr, auth: &TimAuth) -> bool {
        let Some(gate) = &self.external.gate else {
            return true;
        };
        let (now, address) = (self.clock.now(), limited_address(from));
        if !self.failures_by_address.is_allowed(&address, now) {
            // The login itself refuses it, and the gate is not bothered.
            return true;
        }
        match gate.admits(auth).await {
            Ok(true) => true,
            Ok(false) => {
                self.failures_by_address.count(&address, now);
                tracing::info!(%from, "external.check_url does not admit a login");
                false
            }
            Err(error) => {
                tracing::error!(%error, "a login is not admitted, because external.check_url cannot be asked");
                false
            }
        }
    }

    /// The account of these credentials, when accounts are not kept here; `None` when they are.
    ///
    /// # Errors
    /// The code to refuse with.
    pub(super) async fn verify_elsewhere(
        &self,
        from: IpAddr,
        auth: &TimAuth,
        for_token: bool,
    ) -> Result<Option<Account>, ErrorCode> {
        if matches!(self.external.source, AccountSource::Own) {
            return Ok(None);
        }
        let limits = &self.settings.accounts;
        let name = auth.name.as_deref().unwrap_or_default();
        let password = auth.pwd.as_deref().unwrap_or_default();
        let domain = auth.domain.as_deref().unwrap_or_default();
        let fits = |text: &str, most: usize| text.len() <= most && !text.contains('\0');
        let is_usable = !name.is_empty()
            && !password.is_empty()
            && fits(name, limits.max_name_bytes)
            && fits(password, limits.max_password_bytes)
            && fits(domain, limits.max_name_bytes);
        if !is_usable {
            return Err(ErrorCode::PermDenied);
        }
        let credentials = Credentials {
            name,
            password,
            domain,
        };
        let id = match &self.external.source {
            AccountSource::Own => return Ok(None),
            AccountSource::Outside(outside) => self.ask_login(from, outside, credentials, for_token).await?,
            AccountSource::AnyName => {
                // The token will be as good as a login, so it takes the same admission.
                if for_token && !self.admits(from, auth).await {
                    return Err(ErrorCode::PermDenied);
                }
                self.parse_account(name).ok_or(ErrorCode::PermDenied)?
            }
        };
        self.account_row(id, domain).await.map(Some)
    }

    /// Asks within the limits against guessing.
    async fn ask_login(
        &self,
        from: IpAddr,
        outside: &Arc<dyn ExternalAccounts>,
        credentials: Credentials<'_>,
        for_token: bool,
    ) -> Result<AccountId, ErrorCode> {
        let (now, address) = (self.clock.now(), limited_address(from));
        if !self.failures_by_address.is_allowed(&address, now) {
            return Err(ErrorCode::OverHz);
        }
        // Stands for the name, which is not kept in memory.
        let who = self.identity.account(credentials.domain, credentials.name);
        let attempt = self
            .failures_by_account
            .reserve((who, address), now)
            .ok_or(ErrorCode::OverHz)?;
        let answer = if for_token {
            outside.token(credentials).await
        } else {
            outside.login(credentials).await
        };
        match answer {
            Ok(Some(id)) => Ok(id),
            Ok(None) => {
                attempt.failed();
                self.failures_by_address.count(&address, now);
                Err(ErrorCode::PermDenied)
            }
            Err(error) => Err(outside_failure(&error)),
        }
    }

    /// What this server knows of an account from outside; it is noted down when it is new.
    async fn account_row(&self, id: AccountId, domain: &str) -> Result<Account, ErrorCode> {
        let failed = |error| store_failure(&error);
        if let Some(account) = self.store.account(&id).await.map_err(failed)? {
            return Ok(account);
        }
        // Domains mean nothing to who keeps the accounts, so a client must not choose its own.
        let domain = self.outside().map_or(domain, |_| rooms::DOMAIN);
        let new = NewAccount {
            id: id.clone(),
            domain: domain.to_owned(),
            password_hash: NO_PASSWORD.to_owned(),
            created: self.clock.now(),
        };
        match self.store.create_account(new).await {
            Ok(()) => tracing::info!(account = %id, "first login of an account from outside"),
            // Another device of it was faster.
            Err(CreateAccountError::Exists) => {}
            Err(CreateAccountError::Store(error)) => return Err(store_failure(&error)),
        }
        self.store
            .account(&id)
            .await
            .map_err(failed)?
            .ok_or(ErrorCode::Database)
    }

    /// Whether a token fits the name it is used with. Names of accounts outside lead to their
    /// ids only there, so the token alone decides.
    pub(super) fn token_fits(&self, account: &AccountId, domain: &str, name: &str) -> bool {
        match self.external.source {
            AccountSource::Own => *account == self.identity.account(domain, name),
            AccountSource::AnyName => account.as_str() == name,
            AccountSource::Outside(_) => true,
        }
    }

    /// The relation to another account as far as it can be told without reading or asking.
    pub(super) fn known_relation(&self, me: &AccountId, peer: &AccountId) -> Option<Relation> {
        match self.permission() {
            Permission::Own => self.relations.known(me, peer),
            Permission::Trusting => self.relations.known(me, peer).map(trusting),
            Permission::Asked => {
                let now = self.clock.now();
                if !self.answers.known(&Question::UserExists(peer.clone()), now)? {
                    return None;
                }
                let is_allowed = self.answers.known(&permission_question(me, peer), now)?;
                Some(self.asked_relation(me, peer, is_allowed))
            }
        }
    }

    /// The relation to an account that is not checked here. `None`: it has to be checked here.
    ///
    /// # Errors
    /// `Account`: there is no such account; `Database`: it could not be found out.
    pub(super) async fn relation_elsewhere(
        &self,
        me: &AccountId,
        peer: &AccountId,
    ) -> Result<Option<Relation>, ErrorCode> {
        match self.permission() {
            Permission::Own => Ok(None),
            Permission::Trusting => {
                let loading = self.relations.load(&*self.store, &self.identity, me, peer);
                let relation = loading.await.map_err(|error| store_failure(&error))?;
                Ok(Some(trusting(relation)))
            }
            Permission::Asked => {
                if !self.ask(Question::UserExists(peer.clone())).await? {
                    return Err(ErrorCode::Account);
                }
                let is_allowed = self.ask(permission_question(me, peer)).await?;
                Ok(Some(self.asked_relation(me, peer, is_allowed)))
            }
        }
    }

    fn asked_relation(&self, me: &AccountId, peer: &AccountId, is_allowed: bool) -> Relation {
        let state = if is_allowed {
            ContactState::Wants
        } else {
            ContactState::None
        };
        Relation {
            conversation: self.identity.conversation(me, peer),
            contacts: Contacts {
                own: state,
                peer: state,
            },
        }
    }

    /// Friends and blocked accounts, when friendships are kept elsewhere.
    ///
    /// # Errors
    /// `Database`: they could not be asked for.
    pub(super) async fn lists_elsewhere(&self, me: &AccountId) -> Result<Option<ContactLists>, ErrorCode> {
        let Some(outside) = self.outside() else {
            return Ok(None);
        };
        let friends = outside
            .friends(me)
            .await
            .map_err(|error| outside_failure(&error))?;
        let stored = self.store.contact_lists(me).await;
        let blocked = stored.map_err(|error| store_failure(&error))?.blocked;
        Ok(Some(ContactLists { friends, blocked }))
    }

    /// Whether an account may write to another one, when friendships kept here do not decide that.
    ///
    /// # Errors
    /// `Database`: it could not be found out.
    pub(super) async fn permission_elsewhere(
        &self,
        from: &AccountId,
        to: &AccountId,
    ) -> Result<Option<bool>, ErrorCode> {
        match self.permission() {
            Permission::Own => Ok(None),
            Permission::Trusting => {
                let loading = self.relations.load(&*self.store, &self.identity, from, to);
                let relation = loading.await.map_err(|error| store_failure(&error))?;
                Ok(Some(!relation.is_blocked()))
            }
            Permission::Asked => self.ask(permission_question(from, to)).await.map(Some),
        }
    }

    /// Whether an account that has logged in before is still there, as far as others decide that.
    ///
    /// # Errors
    /// `Database`: it could not be asked for.
    pub(super) async fn exists_elsewhere(&self, account: &AccountId) -> Result<bool, ErrorCode> {
        match self.external.source {
            AccountSource::Outside(_) => self.ask(Question::UserExists(account.clone())).await,
            AccountSource::Own | AccountSource::AnyName => Ok(true),
        }
    }

    async fn ask(&self, question: Question) -> Result<bool, ErrorCode> {
        let Some(outside) = self.outside() else {
            return Err(ErrorCode::Interface);
        };
        // Time stands from before the question: the answer may be as old as that.
        let now = self.clock.now();
        if let Some(answer) = self.answers.known(&question, now) {
            return Ok(answer);
        }
        let answer = match &question {
            Question::UserExists(user) => outside.user_exists(user).await,
            Question::UserPermission { from, to } => outside.user_permission(from, to).await,
            Question::RoomExists(room) => outside.room_exists(room).await,
            Question::RoomPermission { room, user } => outside.room_permission(room, user).await,
        };
        let answer = answer.map_err(|error| outside_failure(&error))?;
        self.answers.remember(question, answer, now);
        Ok(answer)
    }
}

fn permission_question(from: &AccountId, to: &AccountId) -> Question {
    Question::UserPermission {
        from: from.clone(),
        to: to.clone(),
    }
}

/// Everything is allowed that nobody blocked.
fn trusting(relation: Relation) -> Relation {
    let contacts = if relation.is_blocked() {
        relation.contacts
    } else {
        Contacts {
            own: ContactState::Wants,
            peer: ContactState::Wants,
        }
    };
    Relation { contacts, ..relation }
}

fn outside_failure(error: &OutsideError) -> ErrorCode {
    tracing::error!(%error, "the keeper of the accounts did not answer");
    ErrorCode::Database
}

/// A text from outside as an id.
///
/// # Errors
/// It cannot be one: 1 to 64 visible ASCII characters without `|`, `"` and `\`.
pub fn node_from_outside(text: &str) -> Result<Node, OutsideError> {
    Node::new(text).map_err(|error| OutsideError(format!("an id that cannot be used: {error}")))
}
