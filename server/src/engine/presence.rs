//! Presence (wire-protocol 7.5, 8.2): to one account, to a list, to all friends, and the notice that
//! an account has gone. Never stored; only those who are online cost anything. What goes to all friends
//! passes through one paced task, so that a storm of it cannot hold up messages.

mod broadcasts;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::{Tid, TimPresence};
use tokio::sync::watch;
use tokio::time::Instant;

use super::accounts::Login;
use super::announcement::{self, Announcement};
use super::pace::Pace;
use super::parcel::Parcel;
use super::{Engine, store_failure};
use crate::cluster::{Event, NodeId};
use crate::store::AccountId;
pub use broadcasts::Broadcasts;
use broadcasts::{Broadcast, Put};

/// Addressees served before others get their turn.
const STEP: usize = 64;
/// What may be delivered at once after a pause.
const BURST: Duration = Duration::from_millis(20);

/// Whom a presence packet is for when it names one addressee and a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// The list (type 91).
    List,
    /// The one (type 19).
    One,
}

impl Engine {
    /// Delivers a presence to the addressees it names. Cancel-safe: it may have reached some.
    ///
    /// # Errors
    /// `Account` when an addressee is malformed, unknown or of another domain, `Params` when there
    /// are too many or it is too large, `PermDenied` for strangers when a switch says so.
    pub async fn send_presence(
        &self,
        login: &Login,
        mut presence: TimPresence,
        precedence: Precedence,
    ) -> Result<(), ErrorCode> {
        let limits = &self.settings.presence;
        let (one, list) = (
            presence.to_tid.take(),
            presence.to_list.take().unwrap_or_default(),
        );
        if list.len() > limits.max_list || announcement::weight(&presence) > limits.max_bytes {
            return Err(ErrorCode::Params);
        }
        let parse = |node: &String| self.parse_account(node).ok_or(ErrorCode::Account);
        let one = one.map(|tid| parse(&tid.node)).transpose()?;
        let mut list = list.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        list.sort_unstable();
        list.dedup();
        let one_may_hear = match &one {
            Some(one) => self.may_hear(login, one).await,
            None => Err(ErrorCode::Account),
        };
        let mut to = Vec::new();
        if list.is_empty() || precedence == Precedence::One && one.is_some() {
            if one_may_hear? {
                to.extend(one);
            }
        } else {
            // When the one exists the list is not refused for somebody in it who does not.
            let is_lenient = match one_may_hear {
                Ok(_) => true,
                Err(ErrorCode::Account) => false,
                Err(code) => return Err(code),
            };
            for (at, addressee) in list.into_iter().enumerate() {
                match self.may_hear(login, &addressee).await {
                    Ok(true) => to.push(addressee),
                    Ok(false) => {}
                    Err(ErrorCode::Account) if is_lenient => {}
                    Err(code) => return Err(code),
                }
                if at % STEP == STEP - 1 {
                    tokio::task::yield_now().await;
                }
            }
        }
        presence.id = presence
            .id
            .filter(|id| *id != 0)
            .or_else(|| Some(self.entropy.packet_id()));
        presence.offline = None;
        presence.from_tid = Some(login.member().tid.clone());
        let announcement = Arc::new(Announcement::new(presence));
        for step in to.chunks(STEP) {
            self.announce_to(step, &announcement);
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Tells all friends, as soon as it is its turn. A newer one replaces one that still waits.
    ///
    /// # Errors
    /// `Params` when it is too large.
    pub fn broadcast_presence(&self, login: &Login, presence: TimPresence) -> Result<(), ErrorCode> {
        let presence = TimPresence {
            sub_status: presence.sub_status,
            from_tid: Some(login.member().tid.clone()),
            show: presence.show,
            status: presence.status,
            extend: presence.extend,
            extra: presence.extra,
            ..TimPresence::default()
        };
        if announcement::weight(&presence) > self.settings.presence.max_bytes {
            return Err(ErrorCode::Params);
        }
        self.queue_broadcast(&login.account().id, presence);
        Ok(())
    }

    /// Tells all friends that the last session of an account has ended (wire-protocol 8.2). Does
    /// not wait.
    pub(super) fn account_has_gone(&self, account: &AccountId, last: &Tid) {
        if !self.settings.presence.offline_notices {
            return;
        }
        let notice = TimPresence {
            id: Some(self.entropy.packet_id()),
            offline: Some(true),
            from_tid: Some(last.clone()),
            ..TimPresence::default()
        };
        self.queue_broadcast(account, notice);
    }

    fn queue_broadcast(&self, account: &AccountId, presence: TimPresence) {
        let announcement = Announcement::new(presence);
        let counter = match self
            .broadcasts
            .put(account, announcement, self.settings.presence.queue)
        {
            Put::Queued => return,
            Put::Replaced => &self.counters.presence_replaced,
            Put::Full => &self.counters.presence_dropped,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether an account wants to hear from the session's: not across a block, whoever set it.
    ///
    /// # Errors
    /// `Account` when there is no such account, `PermDenied` when strangers must not be addressed.
    async fn may_hear(&self, login: &Login, addressee: &AccountId) -> Result<bool, ErrorCode> {
        if *addressee == login.account().id {
            return Ok(true);
        }
        let relation = self.relation_of(login.person(), addressee).await?;
        if !self.settings.presence.to_strangers && !relation.contacts.are_friends() {
            return Err(ErrorCode::PermDenied);
        }
        Ok(!relation.is_blocked())
    }

    /// Hands a presence to the online sessions of some accounts; answers how many of these accounts
    /// are online here.
    pub(super) fn announce_to(&self, to: &[AccountId], announcement: &Arc<Announcement>) -> usize {
        let mut here = 0;
        let mut elsewhere: Vec<(NodeId, Vec<AccountId>)> = Vec::new();
        for addressee in to {
            self.directory.locate(addressee, &mut |node| {
                if node == self.bus.local() {
                    here += usize::from(self.announce_here(addressee, announcement));
                    return;
                }
                let at = elsewhere.iter().position(|(other, _)| *other == node);
                let at = at.unwrap_or_else(|| {
                    elsewhere.push((node, Vec::new()));
                    elsewhere.len() - 1
                });
                elsewhere[at].1.push(addressee.clone());
            });
        }
        for (node, to) in elsewhere {
            let announcement = Arc::clone(announcement);
            if let Err(error) = self.bus.send(node, Event::Presence { to, announcement }) {
                tracing::debug!(%error, "a presence was not sent to another node");
            }
        }
        here
    }

    /// Hands a presence to the sessions of an account here; whether there are any.
    pub(super) fn announce_here(&self, to: &AccountId, announcement: &Arc<Announcement>) -> bool {
        let Some(account) = self.online.get(to) else {
            return false;
        };
        let parcel = Arc::new(Parcel::presence(announcement, to.clone()));
        let dropped = account.volatile(&parcel);
        self.counters.volatile_dropped(parcel.kind(), dropped);
        true
    }

    /// The friends of an account. Lists that are kept elsewhere are asked for every time, because
    /// nobody tells when they change.
    async fn friends(&self, account: &AccountId) -> Result<Arc<[AccountId]>, ErrorCode> {
        if let Some(lists) = self.lists_elsewhere(account).await? {
            return Ok(lists.friends.into());
        }
        let friends = self.broadcasts.friends(account, &*self.store).await;
        friends.map_err(|error| store_failure(&error))
    }

    async fn carry_out_broadcast(&self, broadcast: Broadcast, pace: &mut Pace) {
        let Broadcast {
            account,
            announcement,
        } = broadcast;
        if announcement.is_offline() && self.online.get(&account).is_some() {
            // It has come back before this was its turn.
            return;
        }
        let friends = match self.friends(&account).await {
            Ok(friends) => friends,
            Err(code) => {
                tracing::warn!(
                    ?code,
                    "a presence reaches nobody: the list of friends cannot be read"
                );
                self.counters.presence_dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
        };
        for step in friends.chunks(STEP) {
            // Who has just been removed must not get it, however long the others take.
            let still_friends = |friend: &&AccountId| {
                let relation = self.known_relation(&account, friend);
                relation.is_none_or(|relation| relation.contacts.are_friends())
            };
            let to: Vec<AccountId> = step.iter().filter(still_friends).cloned().collect();
            let delivered = self.announce_to(&to, &announcement);
            spend(pace, delivered).await;
        }
    }
}

/// The task that tells friends, one account after the other.
pub(super) async fn run(engine: Arc<Engine>, mut stop: watch::Receiver<bool>) {
    let mut pace = Pace::new(
        engine.settings.presence.deliveries_per_second,
        BURST,
        Instant::now(),
    );
    loop {
        let work = async {
            let broadcast = engine.broadcasts.next().await;
            engine.carry_out_broadcast(broadcast, &mut pace).await;
        };
        tokio::select! {
            () = work => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Counts deliveries and lets others go on, for as long as the rate wants.
async fn spend(pace: &mut Pace, deliveries: usize) {
    let pause = pace.take(deliveries, Instant::now());
    if pause.is_zero() {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(pause).await;
    }
}
