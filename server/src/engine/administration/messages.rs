//! Messages of the administration: in the name of an account, from the system, presence; to one, to many,
//! to everybody who is online, at a bounded pace.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::{Tid, TimMessage, TimPresence};
use tim_protocol::{Encoding, WireStruct};
use tokio::time::Instant;

use crate::engine::accounts::Login;
use crate::engine::announcement::{self, Announcement};
use crate::engine::outlet::{Outgoing, SendOutcome, Ticket};
use crate::engine::pace::Pace;
use crate::engine::parcel::Parcel;
use crate::engine::{Engine, store_failure};
use crate::store::{AccountId, InboxItem};

/// Accounts served in one step.
const STEP: usize = 64;
/// What may be sent at once after a pause.
const BURST: Duration = Duration::from_millis(100);
/// How long the outcome of a message may take.
const OUTCOME_TIME: Duration = Duration::from_secs(30);

/// What became of a message in the name of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Its number in the conversation, if it has one.
    pub mid: Option<i64>,
    /// When the server took it, in nanoseconds since 1970.
    pub timestamp: Option<i64>,
}

/// How many accounts a message or presence was for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Accounts it was sent to.
    pub accounts: usize,
    /// Of these, those with a session on this node.
    pub online: usize,
}

impl Engine {
    /// Sends a message in the name of the agent's account and waits until it is durable. Permission is not
    /// asked for; the receiver or the room has to exist.
    ///
    /// # Errors
    /// The code that a client would be refused with.
    pub async fn send_as(&self, agent: &Login, message: TimMessage) -> Result<Sent, ErrorCode> {
        const TICKET: Ticket = Ticket(1);
        self.send(agent, TICKET, Box::new(message)).await;
        let outlet = &agent.member().outlet;
        let outcome = async {
            loop {
                let mut items = VecDeque::new();
                poll_fn(|cx| outlet.poll_take(cx, &mut items)).await;
                let sent = items.into_iter().find_map(|item| match item {
                    Outgoing::Sent(TICKET, outcome) => Some(outcome),
                    _ => None,
                });
                if let Some(outcome) = sent {
                    return outcome;
                }
            }
        };
        let outcome = tokio::time::timeout(OUTCOME_TIME, outcome).await;
        match outcome.map_err(|_| ErrorCode::Overload)? {
            SendOutcome::Refused(code) => Err(code),
            SendOutcome::Stored(_, parcel) | SendOutcome::Logged(_, _, parcel) => Ok(numbers(&parcel)),
            SendOutcome::Passed | SendOutcome::Kept(_) => Ok(Sent::default()),
        }
    }

    /// Sends a system message (wire-protocol 8.4) to accounts that exist. It waits in their inboxes and is in no
    /// history. `from` is shown as its sender.
    ///
    /// # Errors
    /// The store's failures; some may have got it then.
    pub async fn system_message(
        &self,
        to: &[AccountId],
        mut message: TimMessage,
        from: Option<&AccountId>,
        per_second: u32,
    ) -> Result<Delivered, ErrorCode> {
        (message.ms_type, message.od_type) = (1, 1);
        message.mid = None;
        message.room_tid = None;
        message.is_offline = None;
        message.to_list = None;
        message.timestamp = Some(self.clock.now().0);
        message.id = message
            .id
            .filter(|id| *id != 0)
            .or_else(|| Some(self.entropy.packet_id()));
        message.from_tid = from.map(|from| node(from.as_str()));
        let mut pace = Pace::new(per_second, BURST, Instant::now());
        let mut delivered = Delivered::default();
        for step in to.chunks(STEP) {
            let messages: Vec<TimMessage> = step
                .iter()
                .map(|account| TimMessage {
                    to_tid: Some(node(account.as_str())),
                    ..message.clone()
                })
                .collect();
            let items = step
                .iter()
                .zip(&messages)
                .map(|(owner, message)| InboxItem::Packet {
                    owner: owner.clone(),
                    body: message.encode(Encoding::Compact).into(),
                });
            let stored = self.store.append_inbox(items.collect()).await;
            let seqs = stored.map_err(|error| store_failure(&error))?;
            for ((owner, message), seq) in step.iter().zip(messages).zip(seqs) {
                delivered.accounts += 1;
                delivered.online += usize::from(self.online.get(owner).is_some());
                self.deliver_entry(owner, seq, &Arc::new(Parcel::message(message)));
            }
            self.keep_pace(&mut pace, step.len()).await;
        }
        Ok(delivered)
    }

    /// Sends a presence to those of some accounts that are online. Nothing of it is kept.
    ///
    /// # Errors
    /// `Params` when it is too large.
    pub async fn admin_presence(
        &self,
        to: &[AccountId],
        mut presence: TimPresence,
        from: Option<&AccountId>,
        per_second: u32,
    ) -> Result<Delivered, ErrorCode> {
        presence.offline = None;
        presence.to_tid = None;
        presence.to_list = None;
        presence.from_tid = from.map(|from| node(from.as_str()));
        presence.id = presence
            .id
            .filter(|id| *id != 0)
            .or_else(|| Some(self.entropy.packet_id()));
        if announcement::weight(&presence) > self.settings.presence.max_bytes {
            return Err(ErrorCode::Params);
        }
        let announcement = Arc::new(Announcement::new(presence));
        let mut pace = Pace::new(per_second, BURST, Instant::now());
        let mut delivered = Delivered::default();
        for step in to.chunks(STEP) {
            delivered.accounts += step.len();
            delivered.online += self.announce_to(step, &announcement);
            self.keep_pace(&mut pace, step.len()).await;
        }
        Ok(delivered)
    }

    /// The accounts of a domain, or of all, that have a session on this node.
    #[must_use]
    pub fn online_accounts(&self, domain: Option<&str>) -> Vec<AccountId> {
        let mut found = Vec::new();
        self.online.visit_accounts(|account| {
            if domain.is_none_or(|domain| *account.domain == *domain) {
                found.push(account.id.clone());
            }
        });
        found.sort_unstable();
        found
    }

    async fn keep_pace(&self, pace: &mut Pace, count: usize) {
        let pause = pace.take(count, Instant::now());
        if pause.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(pause).await;
        }
    }
}

fn numbers(parcel: &Parcel) -> Sent {
    let message = TimMessage::decode(&parcel.payload(Encoding::Compact), Encoding::Compact);
    message.map_or_else(
        |_| Sent::default(),
        |message| Sent {
            mid: message.mid,
            timestamp: message.timestamp,
        },
    )
}

fn node(node: &str) -> Tid {
    Tid {
        node: node.to_owned(),
        ..Tid::default()
    }
}
