//! Who and what there is in a domain: lists of people and rooms, finding a person by login name, and how far
//! a person's devices have got with a conversation (docs/web-api.md). Shows nothing that the profile of a
//! user or room would not show to the same account.

use std::sync::Arc;
use std::time::Duration;

use tim_protocol::error_code::ErrorCode;

use super::external::AccountSource;
use super::permission::may_write;
use super::profiles::{stored_room, stored_user};
use super::settings::AttemptLimit;
use super::web_sessions::Visitor;
use super::{Engine, store_failure};
use crate::store::{AccountId, FirstWaiting, Room, RoomId, RoomKind, Seq, UpperBound};

/// Longest page, in entries.
pub const PAGE: usize = 500;
/// Pages, questions and login tokens of one account. A page costs as much as a few hundred messages, a token
/// waits for the disk.
pub(super) const QUESTIONS: AttemptLimit = AttemptLimit {
    burst: 200,
    refill: Duration::from_millis(100),
};
/// Entries of an inbox that are looked through at once, and at most.
const ENTRIES_AT_ONCE: usize = 1_000;
const STEPS: usize = 100;

/// A part of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// Entries, sorted by id.
    pub entries: Vec<T>,
    /// The id after which the next page begins; `None`: this is the last one.
    pub next: Option<String>,
}

/// A person in a list.
#[derive(Debug)]
pub struct ListedPerson {
    /// Public address.
    pub account: AccountId,
    /// Name for others, if one was given.
    pub nickname: Option<String>,
    /// Picture, if one was given.
    pub picture: Option<String>,
}

/// A room in a list.
#[derive(Debug)]
pub struct ListedRoom {
    /// Public address.
    pub room: RoomId,
    /// What it is about, if that was said.
    pub topic: Option<String>,
    /// Picture, if one was given.
    pub picture: Option<String>,
    /// Who may join.
    pub kind: RoomKind,
    /// Who created it.
    pub founder: AccountId,
}

/// Why a list is not shown or a question not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// The operator does not want it.
    #[error("switched off")]
    SwitchedOff,
    /// Too many questions; another one may be asked after this time.
    #[error("too many questions")]
    TooMany(Duration),
    /// Another reason.
    #[error("{0}")]
    Refused(ErrorCode),
}

impl From<ErrorCode> for ListingError {
    fn from(code: ErrorCode) -> Self {
        Self::Refused(code)
    }
}

impl Engine {
    /// The account with a login name in the domain of who asks. Names that do not exist count like
    /// failed logins.
    ///
    /// # Errors
    /// `Account` when there is none, `Interface` when names are known only elsewhere; see
    /// [`ListingError`].
    pub async fn find_person(&self, visitor: &Visitor, name: &str) -> Result<AccountId, ListingError> {
        let id = match self.external.source {
            AccountSource::Own => Some(self.identity.account(&visitor.domain, name)),
            AccountSource::AnyName => self.parse_account(name),
            AccountSource::Outside(_) => return Err(ErrorCode::Interface.into()),
        };
        let limit = self.settings.guessing.failures_per_account;
        let attempt = self
            .searches
            .reserve(visitor.account.clone(), self.clock.now())
            .ok_or(ListingError::TooMany(limit.refill))?;
        let found = match &id {
            Some(id) => self
                .store
                .account(id)
                .await
                .map_err(|error| store_failure(&error))?,
            None => None,
        };
        let is_there = found.is_some_and(|account| account.domain == visitor.domain);
        match id.filter(|_| is_there) {
            Some(id) => Ok(id),
            None => {
                attempt.failed();
                Err(ErrorCode::Account.into())
            }
        }
    }

    /// People of the domain with an id above `after`, at most `limit` and [`PAGE`].
    ///
    /// # Errors
    /// See [`ListingError`].
    pub async fn list_people(
        &self,
        visitor: &Visitor,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ListedPerson>, ListingError> {
        if !self.settings.listing.users {
            return Err(ListingError::SwitchedOff);
        }
        self.take_question(visitor)?;
        let after = parse_cursor(after, |node| self.parse_account(node))?;
        let limit = limit.clamp(1, PAGE);
        let ids = if self.settings.profiles.users_for_contacts_only {
            let mut known = self.friends_of(&visitor.account).await?;
            known.push(visitor.account.clone());
            known.sort();
            part(known, after.as_ref(), limit)
        } else {
            let now = self.clock.now();
            let listing = self
                .store
                .accounts_of(&visitor.domain, now, after.as_ref(), limit);
            listing.await.map_err(|error| store_failure(&error))?
        };
        let next = next_cursor(&ids, limit, AccountId::as_str);
        let users = self.read_users(&ids).await?;
        let listed = ids.into_iter().zip(users).filter_map(|(account, user)| {
            let user = user.filter(|user| user.domain == visitor.domain)?;
            let profile = stored_user(&account, &user);
            Some(ListedPerson {
                account,
                nickname: said(profile.nick_name).or_else(|| said(profile.name)),
                picture: said(profile.cover),
            })
        });
        Ok(Page {
            entries: listed.collect(),
            next,
        })
    }

    /// Rooms of the domain with an id above `after`, at most `limit` and [`PAGE`].
    ///
    /// # Errors
    /// See [`ListingError`].
    pub async fn list_rooms(
        &self,
        visitor: &Visitor,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ListedRoom>, ListingError> {
        if !self.settings.listing.rooms {
            return Err(ListingError::SwitchedOff);
        }
        self.take_question(visitor)?;
        let after = parse_cursor(after, |node| self.parse_room(node))?;
        let limit = limit.clamp(1, PAGE);
        let ids = if self.settings.profiles.rooms_for_members_only {
            let lists = self.store.room_lists(&visitor.account).await;
            let lists = lists.map_err(|error| store_failure(&error))?;
            part(lists.joined, after.as_ref(), limit)
        } else {
            let listing = self.store.rooms_of(&visitor.domain, after.as_ref(), limit);
            listing.await.map_err(|error| store_failure(&error))?
        };
        let next = next_cursor(&ids, limit, RoomId::as_str);
        let mut entries = Vec::with_capacity(ids.len());
        for id in ids {
            let room = self.room_record(&visitor.domain, &id).await?;
            entries.extend(room.filter(|room| !room.dissolved).map(|room| listed_room(&room)));
        }
        Ok(Page { entries, next })
    }

    /// The newest message up to which all messages of the conversation with a person have reached one
    /// of that person's devices; 0 when there is none.
    ///
    /// # Errors
    /// `PermDenied` when the account may not write to the person; see [`ListingError`].
    pub async fn delivered(&self, visitor: &Visitor, peer: &str) -> Result<i64, ListingError> {
        let me = &visitor.account;
        let peer = self.parse_account(peer).ok_or(ErrorCode::Account)?;
        self.take_question(visitor)?;
        if peer != *me && !self.may_ask_about(me, &peer).await? {
            return Err(ErrorCode::PermDenied.into());
        }
        let conversation = self.identity.conversation(me, &peer);
        // In this order: what comes in between counts as not delivered yet.
        let newest = self
            .store
            .history(&conversation, UpperBound::Newest, 1, 0)
            .await
            .map_err(|error| store_failure(&error))?;
        let Some(newest) = newest.first().map(|message| message.mid.0) else {
            return Ok(0);
        };
        let mut reached = self.reached(&peer).await?;
        for _ in 0..STEPS {
            let looking = self
                .store
                .first_waiting(&peer, reached, &conversation, ENTRIES_AT_ONCE);
            match looking.await.map_err(|error| store_failure(&error))? {
                FirstWaiting::Found(mid) => return Ok(newest.min(mid.0 - 1)),
                FirstWaiting::Nothing => return Ok(newest),
                FirstWaiting::NotUpTo(seq) => reached = seq,
            }
        }
        // More waits for that person than is looked through.
        Ok(0)
    }

    async fn may_ask_about(&self, me: &AccountId, peer: &AccountId) -> Result<bool, ErrorCode> {
        if let Some(is_permitted) = self.permission_elsewhere(me, peer).await? {
            return Ok(is_permitted);
        }
        let loading = self.relations.load(&*self.store, &self.identity, me, peer);
        let relation = loading.await.map_err(|error| store_failure(&error))?;
        Ok(may_write(relation, self.settings.messages.require_friendship).is_ok())
    }

    /// Up to where the inbox of an account has reached one of its devices.
    async fn reached(&self, account: &AccountId) -> Result<Seq, ErrorCode> {
        let read = || self.store.inbox_state(account);
        let known = read().await.map_err(|error| store_failure(&error))?;
        // What was acknowledged just now is with the sessions, then waits, and then is stored; looking
        // in that order misses none.
        let online = self.online.get(account);
        let here = online.map_or(Seq::default(), |online| online.furthest_position());
        let devices = known.devices.iter();
        let unsaved = devices.filter_map(|(device, _)| self.positions.unsaved(account, device));
        let reached = unsaved.fold(here, Seq::max);
        let stored = read().await.map_err(|error| store_failure(&error))?;
        Ok(reached.max(stored.floor))
    }

    async fn friends_of(&self, me: &AccountId) -> Result<Vec<AccountId>, ErrorCode> {
        if let Some(lists) = self.lists_elsewhere(me).await? {
            return Ok(lists.friends);
        }
        let lists = self.store.contact_lists(me).await;
        Ok(lists.map_err(|error| store_failure(&error))?.friends)
    }

    fn take_question(&self, visitor: &Visitor) -> Result<(), ListingError> {
        let is_allowed = self.questions.take(&visitor.account, self.clock.now());
        is_allowed
            .then_some(())
            .ok_or(ListingError::TooMany(QUESTIONS.refill))
    }
}

fn listed_room(room: &Arc<Room>) -> ListedRoom {
    let profile = stored_room(room);
    ListedRoom {
        room: room.id.clone(),
        topic: said(profile.topic),
        picture: said(profile.cover),
        kind: room.kind,
        founder: room.founder.clone(),
    }
}

/// Published clients send empty texts for what they do not say.
fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn parse_cursor<T>(
    cursor: Option<&str>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, ErrorCode> {
    cursor
        .map(|node| parse(node).ok_or(ErrorCode::Params))
        .transpose()
}

fn next_cursor<T>(ids: &[T], limit: usize, text: impl FnOnce(&T) -> &str) -> Option<String> {
    let last = ids.last().filter(|_| ids.len() == limit);
    last.map(|id| text(id).to_owned())
}

/// A page of a sorted list.
fn part<T: Ord>(sorted: Vec<T>, after: Option<&T>, limit: usize) -> Vec<T> {
    let start = after.map_or(0, |after| sorted.partition_point(|id| id <= after));
    sorted.into_iter().skip(start).take(limit).collect()
}
