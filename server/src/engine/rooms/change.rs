//! Carries out what `decide` says. Order of every change: stored with its notices in one
//! transaction, then in the caches, then effective for the sessions, then told.

use std::sync::Arc;

use tim_protocol::error_code::ErrorCode;

use super::decide::{self, Decision, Role};
use crate::cluster::Event;
use crate::engine::accounts::Login;
use crate::engine::notices::{Notice, Prepared};
use crate::engine::{Engine, store_failure};
use crate::store::{AccountId, Membership, MembershipChange, MembershipChanged, Room, RoomId, Seq};

/// How often a change is tried again when another one came in between.
const TRIES: usize = 8;

impl Engine {
    /// Asks to join a room, with a text for those who decide. An open room is joined at once.
    ///
    /// # Errors
    /// The code to answer with. `Params` for an unknown room, `OverHz` when the account asks this
    /// room too often or is in too many rooms.
    pub async fn join_room(&self, login: &Login, room: &RoomId, text: String) -> Result<(), ErrorCode> {
        let me = &login.account().id;
        let key = (me.clone(), room.clone());
        let decide = |record: &Room, _, now| {
            let decision = decide::join(record.kind, now)?;
            let is_request = decision.notice == Some(decide::Notice::Requested);
            if is_request && !self.rooms.requests.take(&key, self.clock.now()) {
                return Err(ErrorCode::OverHz);
            }
            Ok(decision)
        };
        match self.change_membership(login, room, me, decide, Some(text)).await {
            Err(ErrorCode::NoExist) => Err(ErrorCode::Params),
            result => result,
        }
    }

    /// Adds an account to a room, which also approves its request.
    ///
    /// # Errors
    /// The code to answer with. `Block` also when the account blocks the acting one.
    pub async fn pull_into_room(
        &self,
        login: &Login,
        room: &RoomId,
        account: &AccountId,
    ) -> Result<(), ErrorCode> {
        self.not_myself(login, account)?;
        let relation = self.existing(login, account).await;
        let decide = |record: &Room, actor, now: Membership| {
            let decision = decide::pull(actor, record.kind, now)?;
            // Rights come first, so that strangers learn nothing about accounts.
            let is_blocked = relation?.contacts.peer == crate::store::ContactState::Blocks;
            // Who has asked to join wants to be in the room, whoever approves it.
            if is_blocked && !now.is_pending() {
                return Err(ErrorCode::Block);
            }
            self.may_tell(login, account)?;
            Ok(decision)
        };
        self.change_membership(login, room, account, decide, None).await
    }

    /// Refuses a request to join, with a reason for the applicant.
    ///
    /// # Errors
    /// The code to answer with.
    pub async fn refuse_request(
        &self,
        login: &Login,
        room: &RoomId,
        account: &AccountId,
        reason: Option<String>,
    ) -> Result<(), ErrorCode> {
        let decide = |_: &Room, actor, now| {
            let decision = decide::refuse(actor, now)?;
            self.may_tell(login, account)?;
            Ok(decision)
        };
        let reason = reason.filter(|reason| !reason.is_empty());
        self.change_membership(login, room, account, decide, reason).await
    }

    /// Removes an account from a room, or its request, or the room's block of it.
    ///
    /// # Errors
    /// The code to answer with.
    pub async fn kick_from_room(
        &self,
        login: &Login,
        room: &RoomId,
        account: &AccountId,
    ) -> Result<(), ErrorCode> {
        self.not_myself(login, account)?;
        let decide = |record: &Room, actor, now| {
            let decision = decide::kick(actor, Role::of(record, account, now), now)?;
            self.may_tell(login, account)?;
            Ok(decision)
        };
        self.change_membership(login, room, account, decide, None).await
    }

    /// Removes an account from a room and keeps it from asking to join. It is not told.
    ///
    /// # Errors
    /// The code to answer with.
    pub async fn block_in_room(
        &self,
        login: &Login,
        room: &RoomId,
        account: &AccountId,
    ) -> Result<(), ErrorCode> {
        self.not_myself(login, account)?;
        let relation = self.existing(login, account).await;
        let decide = |record: &Room, actor, now| {
            let decision = decide::block_member(actor, Role::of(record, account, now), now)?;
            relation.map(|_| decision)
        };
        self.change_membership(login, room, account, decide, None).await
    }

    /// Leaves a room, withdraws a request or lifts the own block of the room.
    ///
    /// # Errors
    /// The code to answer with.
    pub async fn leave_room(&self, login: &Login, room: &RoomId) -> Result<(), ErrorCode> {
        let me = &login.account().id;
        let decide = |record: &Room, _, now| decide::leave(Role::of(record, me, now), now);
        self.change_membership(login, room, me, decide, None).await
    }

    /// Leaves a room and cannot be added again before the block is lifted.
    ///
    /// # Errors
    /// The code to answer with. `OverHz` when the account blocks too many rooms.
    pub async fn block_room(&self, login: &Login, room: &RoomId) -> Result<(), ErrorCode> {
        let me = &login.account().id;
        let decide = |record: &Room, _, now| decide::block_room(Role::of(record, me, now), now);
        self.change_membership(login, room, me, decide, None).await
    }

    /// # Errors
    /// `NoExist` for unknown rooms, `Cancel` for dissolved ones.
    pub(in crate::engine) async fn live_room(
        &self,
        domain: &str,
        room: &RoomId,
    ) -> Result<Arc<Room>, ErrorCode> {
        let record = self.room_record(domain, room).await?;
        let record = record.ok_or(ErrorCode::NoExist)?;
        if record.dissolved {
            return Err(ErrorCode::Cancel);
        }
        Ok(record)
    }

    fn not_myself(&self, login: &Login, account: &AccountId) -> Result<(), ErrorCode> {
        if login.account().id == *account {
            return Err(ErrorCode::PermDenied);
        }
        Ok(())
    }

    /// The relation to an account of the same domain; `NoExist` when there is none.
    async fn existing(
        &self,
        login: &Login,
        account: &AccountId,
    ) -> Result<crate::engine::relations::Relation, ErrorCode> {
        match self.relation_of(login.person(), account).await {
            Err(ErrorCode::Account) => Err(ErrorCode::NoExist),
            result => result,
        }
    }

    /// Every notice is stored for somebody else to read, so one account causes only so many.
    fn may_tell(&self, login: &Login, account: &AccountId) -> Result<(), ErrorCode> {
        let pair = (login.account().id.clone(), account.clone());
        if self.rooms.notices.take(&pair, self.clock.now()) {
            Ok(())
        } else {
            Err(ErrorCode::OverHz)
        }
    }

    /// Changes what a room and an account are to each other, and tells those concerned. `decide` is
    /// given the room, the role there of who acts and what the two are now, as they are at every try:
    /// who waited for the lock may have lost its rights meanwhile.
    async fn change_membership(
        &self,
        login: &Login,
        room: &RoomId,
        account: &AccountId,
        decide: impl Fn(&Room, Role, Membership) -> Result<Decision, ErrorCode>,
        text: Option<String>,
    ) -> Result<(), ErrorCode> {
        self.managed_here()?;
        let key = (room.clone(), account.clone());
        let me = &login.account().id;
        let guard = self.rooms.lock_account(account).await;
        for _ in 0..TRIES {
            // What has to be read is read first, so that nothing is waited for between looking at the
            // record and at the rights of who acts.
            let expected = self.membership(room, account).await?;
            let own = self.membership(room, me).await?;
            let record = self.live_room(&login.account().domain, room).await?;
            let actor = Role::of(&record, me, own);
            let Decision { becomes, notice } = decide(&record, actor, expected)?;
            if becomes == expected && notice.is_none() {
                return Ok(());
            }
            // Who approves a request grants the applicant's wish.
            let is_own_wish = me == account || expected.is_pending();
            self.has_room_for(account, expected, becomes, is_own_wish).await?;
            let notices = self.room_notices(login, &record, account, notice, text.as_ref());
            let change = MembershipChange {
                room: room.clone(),
                conversation: record.conversation,
                account: account.clone(),
                expected,
                becomes,
                notices: notices.iter().map(Prepared::stored).collect(),
            };
            let began = self.rooms.memberships.begin(&key);
            let (seqs, since) = match self.store.change_membership(change).await {
                Ok(MembershipChanged::Done { seqs, since }) => (seqs, since),
                Ok(MembershipChanged::Stale) => {
                    self.rooms.memberships.forget(&key);
                    continue;
                }
                Ok(MembershipChanged::NoRoom) => {
                    self.rooms.records.forget(room);
                    continue;
                }
                Err(error) => {
                    self.rooms.memberships.forget(&key);
                    return Err(store_failure(&error));
                }
            };
            self.rooms.memberships.changed(&key, began, becomes);
            self.take_effect(&record, account, expected, becomes, since).await;
            drop(guard);
            if expected.is_member() && !becomes.is_member() {
                self.flush_sends().await;
            }
            self.deliver_notices(notices, &seqs);
            return Ok(());
        }
        Err(ErrorCode::Database)
    }

    /// What follows from a stored change of a membership. The caller holds the lock of the account.
    pub(in crate::engine) async fn take_effect(
        &self,
        record: &Room,
        account: &AccountId,
        was: Membership,
        is: Membership,
        since: Seq,
    ) {
        let room = &record.id;
        if was.is_member() && !is.is_member() {
            // The store has removed the account from the managers.
            self.rooms
                .records
                .forget_if(room, |record| record.managers.binary_search(account).is_ok());
            self.room_left(account, room);
        }
        if was.is_member() != is.is_member() {
            self.rooms.members.forget(room);
        }
        if !was.is_member() && is.is_member() {
            self.room_joined(account, room, record.conversation, since).await;
        }
        self.tell_other_nodes(&Event::MembershipChanged {
            room: room.clone(),
            account: account.clone(),
            membership: is,
        });
    }

    /// Whether the account may be in, ask to join, or block one room more. Requests take places like
    /// rooms. What is not the account's own wish may take half of its places only, so that nobody
    /// can fill somebody's list.
    ///
    /// # Errors
    /// `OverHz`: there is no place left; the store's failures.
    pub(in crate::engine) async fn has_room_for(
        &self,
        account: &AccountId,
        was: Membership,
        becomes: Membership,
        is_own_wish: bool,
    ) -> Result<(), ErrorCode> {
        use crate::store::ContactState::Blocks;
        let joins = becomes.is_member() && !was.is_member();
        let asks = becomes.is_pending() && !was.is_pending();
        let blocks = becomes.account == Blocks && was.account != Blocks;
        if !joins && !asks && !blocks {
            return Ok(());
        }
        let lists = self.store.room_lists(account).await;
        let lists = lists.map_err(|error| store_failure(&error))?;
        let most = self.settings.rooms.rooms_per_account;
        let (count, most) = if blocks {
            (lists.blocked.len(), most)
        } else {
            // The request that is granted has its place already.
            let granted = usize::from(was.is_pending());
            let taken = lists.joined.len() + lists.requested.len().saturating_sub(granted);
            (taken, if is_own_wish { most } else { most.div_ceil(2) })
        };
        if count < most {
            Ok(())
        } else {
            Err(ErrorCode::OverHz)
        }
    }

    fn room_notices(
        &self,
        login: &Login,
        record: &Room,
        account: &AccountId,
        notice: Option<decide::Notice>,
        text: Option<&String>,
    ) -> Vec<Prepared> {
        let Some(notice) = notice else {
            return Vec::new();
        };
        let is_request = notice == decide::Notice::Requested;
        let owners: Vec<&AccountId> = if is_request {
            std::iter::once(&record.founder)
                .chain(record.managers.iter())
                .collect()
        } else {
            vec![account]
        };
        // Only a request and a refusal carry what somebody wrote. Who joined an open room is told
        // by the room.
        let carries_text = is_request || notice == decide::Notice::Refused;
        let is_by_room = *account == login.account().id && !is_request;
        let prepare = |owner: &AccountId| {
            self.prepare(Notice {
                owner: owner.clone(),
                code: notice as i32,
                from: (!is_by_room).then(|| login.member().tid.clone()),
                room: Some(record.id.clone()),
                text: text.filter(|_| carries_text).cloned(),
            })
        };
        owners.into_iter().map(prepare).collect()
    }
}
