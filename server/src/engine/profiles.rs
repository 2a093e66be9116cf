//! Profiles of users and rooms (wire-protocol 7.15): who may read them, what a change may touch.
//! What the server knows itself (founder, managers, kind, times) is put in when a profile is
//! read, so nobody can change it by writing a profile.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bytes::Bytes;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::{TimRoomBean, TimUserBean};
use tim_protocol::{Encoding, WireStruct};
use tokio::sync::Mutex;

use super::accounts::Login;
use super::files::Person;
use super::rooms::decide::{self, Role};
use super::write_through::WriteThrough;
use super::{Engine, store_failure};
use crate::cluster::Event;
use crate::store::{AccountId, Room, RoomId, RoomKind, RoomUpdate, UserProfile};

/// Profiles asked for at once.
pub const LIST: usize = 1_000;
/// Entries of one list or map of a profile.
const ENTRIES: usize = 256;
/// Bytes of profiles that one answer carries, in their compact form. More are left out; whoever
/// wants them asks for fewer at a time.
const ANSWER_BYTES: usize = 4 << 20;
/// Bytes of profiles that are kept.
const KEPT_BYTES: u64 = 32 << 20;
const LOCKS: usize = 64;
/// How often a change is tried again when another one came in between.
const TRIES: usize = 8;

/// What is known of profiles of users.
pub struct Profiles {
    users: WriteThrough<AccountId, Arc<UserProfile>>,
    locks: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Default for Profiles {
    fn default() -> Self {
        let weigh = |user: &Arc<UserProfile>| {
            let profile = user.profile.as_ref().map_or(0, Bytes::len);
            (128 + profile) as u64
        };
        Self {
            users: WriteThrough::new(65_536, KEPT_BYTES, weigh),
            locks: (0..LOCKS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Profiles {
    /// Another node changed the profile of an account.
    pub(super) fn changed_elsewhere(&self, account: &AccountId) {
        self.users.forget(account);
    }

    fn lock(&self, account: &AccountId) -> &Mutex<()> {
        #[allow(clippy::cast_possible_truncation, reason = "reduced to the number of locks")]
        &self.locks[self.hasher.hash_one(account) as usize % LOCKS]
    }
}

impl Engine {
    /// Profiles of those users among `nodes` whom the account of the session may read, by node.
    ///
    /// # Errors
    /// `Params` when none or more than [`LIST`] are asked for; the store's failures.
    pub async fn user_profiles(
        &self,
        login: &Login,
        nodes: &[String],
    ) -> Result<BTreeMap<String, TimUserBean>, ErrorCode> {
        let me = login.account();
        let mut wanted: BTreeSet<AccountId> = within_limits(nodes)?
            .iter()
            .filter_map(|node| self.parse_account(node))
            .collect();
        if self.settings.profiles.users_for_contacts_only {
            let lists = self.contact_lists(login).await?;
            let friends: HashSet<AccountId> = lists.friends.into_iter().collect();
            wanted.retain(|account| *account == me.id || friends.contains(account));
        }
        let wanted: Vec<AccountId> = wanted.into_iter().collect();
        let found = self.read_users(&wanted).await?;
        let mut budget = ANSWER_BYTES;
        let readable = wanted.iter().zip(found).filter_map(|(account, user)| {
            let user = user.filter(|user| *user.domain == *me.domain)?;
            budget = budget.checked_sub(128 + user.profile.as_ref().map_or(0, Bytes::len))?;
            Some((account.as_str().to_owned(), user_bean(account, &user)))
        });
        Ok(readable.collect())
    }

    /// Profiles of those rooms among `nodes` that the account of the session may read, by node.
    /// Dissolved ones are left out.
    ///
    /// # Errors
    /// `Params` when none or more than [`LIST`] are asked for; the store's failures.
    pub async fn room_profiles(
        &self,
        login: &Login,
        nodes: &[String],
    ) -> Result<BTreeMap<String, TimRoomBean>, ErrorCode> {
        let me = login.account();
        let wanted: BTreeSet<RoomId> = within_limits(nodes)?
            .iter()
            .filter_map(|node| self.parse_room(node))
            .collect();
        let mut budget = ANSWER_BYTES;
        let mut readable = BTreeMap::new();
        for room in wanted {
            let record = self.room_record(&me.domain, &room).await?;
            let Some(record) = record.filter(|record| !record.dissolved) else {
                continue;
            };
            if self.settings.profiles.rooms_for_members_only
                && !self.membership(&room, &me.id).await?.is_member()
            {
                continue;
            }
            let bytes = 128 + record.profile.len() + 24 * record.managers.len();
            if let Some(left) = budget.checked_sub(bytes) {
                budget = left;
                readable.insert(room.as_str().to_owned(), room_bean(&record));
            }
        }
        Ok(readable)
    }

    /// Whether a node is that of an account that profiles can be asked of.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_user(&self, login: &Login, node: &str) -> Result<bool, ErrorCode> {
        let Some(account) = self.parse_account(node) else {
            return Ok(false);
        };
        let found = self.read_users(std::slice::from_ref(&account)).await?;
        let domain = &*login.account().domain;
        Ok(found.into_iter().flatten().any(|user| user.domain == domain))
    }

    /// Changes the profile of the session's own account: members that are set replace the stored
    /// ones.
    ///
    /// # Errors
    /// `Params` for a profile beyond the limits, `NoExist` when the account is gone.
    pub async fn modify_user(&self, login: &Login, change: TimUserBean) -> Result<(), ErrorCode> {
        self.change_user_profile(&login.account().id, change).await
    }

    /// The same for an account that need not be online.
    pub(super) async fn change_user_profile(
        &self,
        me: &AccountId,
        change: TimUserBean,
    ) -> Result<(), ErrorCode> {
        self.managed_here()?;
        let guard = self.profiles.lock(me).lock().await;
        let user = self.read_users(std::slice::from_ref(me)).await?;
        let user = user.into_iter().next().flatten().ok_or(ErrorCode::NoExist)?;
        let merged = merge_user(stored_user(me, &user), change);
        let is_bounded = merged
            .photo_tid_album
            .as_ref()
            .is_none_or(|list| list.len() <= ENTRIES)
            && merged.extend.as_ref().is_none_or(|map| map.len() <= ENTRIES)
            && merged.extra.as_ref().is_none_or(|map| map.len() <= ENTRIES);
        let profile = Bytes::from(merged.encode(Encoding::Compact));
        if !is_bounded || profile.len() > self.settings.profiles.max_bytes {
            return Err(ErrorCode::Params);
        }
        let began = self.profiles.users.begin(me);
        let written = self.store.set_user_profile(me, profile.clone()).await;
        if !matches!(written, Ok(true)) {
            self.profiles.users.forget(me);
        }
        if !written.map_err(|error| store_failure(&error))? {
            return Err(ErrorCode::NoExist);
        }
        let changed = UserProfile {
            profile: Some(profile),
            ..UserProfile::clone(&user)
        };
        self.profiles.users.changed(me, began, Arc::new(changed));
        drop(guard);
        self.tell_other_nodes(&Event::ProfileChanged { account: me.clone() });
        Ok(())
    }

    /// Changes the profile of a room, and its managers when they are set: the complete new list.
    ///
    /// # Errors
    /// `NoExist` for unknown rooms, `Cancel` for dissolved ones, `PermDenied` for others than
    /// staff and for managers who name managers, `Params` for a profile beyond the limits.
    pub async fn modify_room(
        &self,
        login: &Login,
        room: &RoomId,
        change: TimRoomBean,
    ) -> Result<(), ErrorCode> {
        self.change_room_profile(login.person(), room, change).await
    }

    /// The same for an account that need not be online.
    pub(super) async fn change_room_profile(
        &self,
        me: Person<'_>,
        room: &RoomId,
        change: TimRoomBean,
    ) -> Result<(), ErrorCode> {
        self.managed_here()?;
        for _ in 0..TRIES {
            let record = self.live_room(me.domain, room).await?;
            let membership = self.membership(room, me.account).await?;
            let role = Role::of(&record, me.account, membership);
            if !role.is_staff() || change.managers.is_some() && role != Role::Founder {
                return Err(ErrorCode::PermDenied);
            }
            let managers = change
                .managers
                .as_ref()
                .map(|named| self.named_managers(&record, named))
                .transpose()?;
            let merged = merge_room(stored_room(&record), change.clone());
            let is_bounded = merged.extend.as_ref().is_none_or(|map| map.len() <= ENTRIES)
                && merged.extra.as_ref().is_none_or(|map| map.len() <= ENTRIES);
            let profile = Bytes::from(merged.encode(Encoding::Compact));
            if !is_bounded || profile.len() > self.settings.profiles.max_bytes {
                return Err(ErrorCode::Params);
            }
            let update = RoomUpdate {
                id: room.clone(),
                expected_version: record.version,
                profile: Some(profile),
                managers,
            };
            if self.update_room(update).await? {
                return Ok(());
            }
        }
        Err(ErrorCode::Database)
    }

    fn named_managers(&self, record: &Room, named: &[String]) -> Result<Vec<AccountId>, ErrorCode> {
        // Names beyond the limit are refused before they are looked at.
        if named.len() > 2 * decide::MANAGERS {
            return Err(ErrorCode::Params);
        }
        let accounts = named.iter().map(|node| self.parse_account(node));
        let accounts: Option<Vec<AccountId>> = accounts.collect();
        decide::appoint(&record.founder, accounts.ok_or(ErrorCode::Account)?)
    }

    /// Profiles in the order asked for; `None` for accounts that do not exist.
    pub(super) async fn read_users(
        &self,
        accounts: &[AccountId],
    ) -> Result<Vec<Option<Arc<UserProfile>>>, ErrorCode> {
        let cache = &self.profiles.users;
        let mut found: Vec<_> = accounts.iter().map(|account| cache.get(account)).collect();
        let missing: Vec<usize> = (0..found.len()).filter(|at| found[*at].is_none()).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let asked: Vec<AccountId> = missing.iter().map(|at| accounts[*at].clone()).collect();
        let began: Vec<_> = asked.iter().map(|account| cache.begin(account)).collect();
        let stored = self.store.user_profiles(&asked).await;
        let stored = stored.map_err(|error| store_failure(&error))?;
        for (((at, account), began), user) in missing.into_iter().zip(&asked).zip(began).zip(stored) {
            let user = user.map(Arc::new);
            if let Some(user) = &user {
                cache.read(account, began, Arc::clone(user));
            }
            found[at] = user;
        }
        Ok(found)
    }
}

fn within_limits(nodes: &[String]) -> Result<&[String], ErrorCode> {
    if nodes.is_empty() || nodes.len() > LIST {
        return Err(ErrorCode::Params);
    }
    Ok(nodes)
}

/// The profile as somebody wrote it. A damaged one reads as never written.
pub(super) fn stored_user(account: &AccountId, user: &UserProfile) -> TimUserBean {
    let Some(profile) = &user.profile else {
        return TimUserBean::default();
    };
    TimUserBean::decode(profile, Encoding::Compact).unwrap_or_else(|error| {
        tracing::warn!(%account, %error, "a profile cannot be read");
        TimUserBean::default()
    })
}

fn user_bean(account: &AccountId, user: &UserProfile) -> TimUserBean {
    TimUserBean {
        createtime: Some(user.created.0),
        ..stored_user(account, user)
    }
}

pub(super) fn stored_room(room: &Room) -> TimRoomBean {
    TimRoomBean::decode(&room.profile, Encoding::Compact).unwrap_or_else(|error| {
        tracing::warn!(room = %room.id, %error, "the profile of a room cannot be read");
        TimRoomBean::default()
    })
}

fn room_bean(room: &Room) -> TimRoomBean {
    let managers: Vec<String> = room
        .managers
        .iter()
        .map(|account| account.as_str().to_owned())
        .collect();
    TimRoomBean {
        founder: Some(room.founder.as_str().to_owned()),
        managers: (!managers.is_empty()).then_some(managers),
        gtype: Some(match room.kind {
            RoomKind::Private => 1,
            RoomKind::Open => 2,
        }),
        createtime: Some(room.created.0),
        ..stored_room(room)
    }
}

/// Members that are set replace the old value, lists and maps as a whole.
fn merge_user(stored: TimUserBean, change: TimUserBean) -> TimUserBean {
    TimUserBean {
        name: change.name.or(stored.name),
        nick_name: change.nick_name.or(stored.nick_name),
        brithday: change.brithday.or(stored.brithday),
        gender: change.gender.or(stored.gender),
        cover: change.cover.or(stored.cover),
        area: change.area.or(stored.area),
        createtime: None,
        photo_tid_album: change.photo_tid_album.or(stored.photo_tid_album),
        extend: change.extend.or(stored.extend),
        extra: change.extra.or(stored.extra),
    }
}

/// The same; what the server knows itself is not part of the stored profile.
fn merge_room(stored: TimRoomBean, change: TimRoomBean) -> TimRoomBean {
    TimRoomBean {
        founder: None,
        managers: None,
        cover: change.cover.or(stored.cover),
        topic: change.topic.or(stored.topic),
        label: change.label.or(stored.label),
        gtype: None,
        kind: change.kind.or(stored.kind),
        createtime: None,
        extend: change.extend.or(stored.extend),
        extra: change.extra.or(stored.extra),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_are_set_replace_and_others_stay() {
        let map = |key: &str| Some(BTreeMap::from([(key.to_owned(), "value".to_owned())]));
        let stored = TimUserBean {
            name: Some("old".to_owned()),
            area: Some("here".to_owned()),
            extend: map("old"),
            ..TimUserBean::default()
        };
        let change = TimUserBean {
            name: Some("new".to_owned()),
            extend: map("new"),
            createtime: Some(1),
            ..TimUserBean::default()
        };
        let merged = merge_user(stored, change);
        assert_eq!(merged.name.as_deref(), Some("new"));
        assert_eq!(merged.area.as_deref(), Some("here"));
        assert_eq!(merged.extend, map("new"), "a map is replaced as a whole");
        assert_eq!(merged.createtime, None);
    }

    #[test]
    fn what_the_server_knows_of_a_room_is_never_taken_from_a_profile() {
        let change = TimRoomBean {
            founder: Some("me".to_owned()),
            managers: Some(vec!["me".to_owned()]),
            gtype: Some(2),
            createtime: Some(1),
            topic: Some("topic".to_owned()),
            ..TimRoomBean::default()
        };
        let only_the_topic = TimRoomBean {
            topic: Some("topic".to_owned()),
            ..TimRoomBean::default()
        };
        assert_eq!(merge_room(TimRoomBean::default(), change), only_the_topic);
    }
}
