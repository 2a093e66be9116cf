//! Rooms with members for the room scenarios: registering, creating, joining, and who
//! acknowledges how in which variant.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::accounts::{self, Account};
use crate::crowd::{Crowd, Manner, TAG_BYTES};
use crate::machine;
use crate::reactor::{Key, Reactor};
use crate::room;

/// Open files besides the connections, for either process.
const OTHER_FILES: u64 = 256;
/// Connections that log in at the same time.
pub(super) const LOGINS_AT_ONCE: usize = 64;
/// One of so many members never acknowledges in the mute variant.
const MUTE_ONE_OF: usize = 100;
/// How late acknowledgements are in the late variant.
const LATE: Duration = Duration::from_millis(20);

/// How the members of rooms behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Variant {
    /// All acknowledge at once.
    Plain,
    /// All acknowledge 20 ms late.
    LateAcks,
    /// One of a hundred never acknowledges.
    Mute,
    /// Half of the members are offline and come back afterwards.
    HalfOffline,
}

impl Variant {
    /// In front of figures.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Plain => "plain_",
            Self::LateAcks => "late_acks_",
            Self::Mute => "mute_",
            Self::HalfOffline => "half_offline_",
        }
    }

    /// How member `position` of a room behaves. The first one speaks and is never mute.
    fn manner(self, position: usize) -> Manner {
        match self {
            Self::LateAcks => Manner::Late(LATE),
            Self::Mute if position % MUTE_ONE_OF == MUTE_ONE_OF / 2 => Manner::Mute,
            Self::Plain | Self::Mute | Self::HalfOffline => Manner::Prompt,
        }
    }
}

/// What a text must at least hold.
pub(super) fn check_text(bytes: usize) -> Result<()> {
    ensure!(bytes >= TAG_BYTES, "--body must be at least {TAG_BYTES}");
    Ok(())
}

/// Accounts in rooms; everybody is in one room. Nobody is logged in.
pub(super) struct Seating {
    pub(super) accounts: Vec<Account>,
    /// Node of each room and the position of its first member, who created it.
    rooms: Vec<(String, usize)>,
    /// Number of the next series of messages.
    next_series: u32,
}

impl Seating {
    /// Makes accounts called after `names` and a room of each size.
    pub(super) fn prepare(reactor: &mut Reactor, names: &str, sizes: &[usize]) -> Result<Self> {
        ensure!(sizes.iter().all(|&size| size > 0), "a room has no members");
        let people: usize = sizes.iter().sum();
        machine::allow_open_files(people as u64 + OTHER_FILES)?;
        let accounts = accounts::register(reactor, names, people, 16)?;
        let keys = accounts::log_in(reactor, &accounts, LOGINS_AT_ONCE)?;
        let firsts: Vec<usize> = sizes
            .iter()
            .scan(0, |next, size| {
                let first = *next;
                *next += size;
                Some(first)
            })
            .collect();
        let founders: Vec<Key> = firsts.iter().map(|&first| keys[first]).collect();
        let nodes = room::create(reactor, &founders).context("creating rooms")?;
        let mut clients = Vec::with_capacity(people);
        for ((node, first), size) in nodes.iter().zip(&firsts).zip(sizes) {
            clients.extend(
                keys[first + 1..first + size]
                    .iter()
                    .map(|&key| (key, vec![node.as_str()])),
            );
        }
        room::join(reactor, &clients, LOGINS_AT_ONCE)?;
        let rooms = nodes.into_iter().zip(firsts).collect();
        accounts::log_out(reactor, &keys)?;
        Ok(Self {
            accounts,
            rooms,
            next_series: 0,
        })
    }

    /// Number of the first of `count` new series.
    pub(super) fn series(&mut self, count: usize) -> u32 {
        let first = self.next_series;
        self.next_series += u32::try_from(count).unwrap_or(u32::MAX);
        first
    }

    /// Node of a room.
    pub(super) fn node(&self, room: usize) -> &str {
        &self.rooms[room].0
    }

    /// Logs everybody in (the odd ones stay away when half are offline) and seats them.
    pub(super) fn enter(
        &mut self,
        reactor: &mut Reactor,
        variant: Variant,
        text_bytes: usize,
    ) -> Result<(Crowd, Vec<Key>)> {
        let mut crowd = Crowd::new(self.series(self.rooms.len()), text_bytes);
        let ends: Vec<usize> = self.rooms[1..]
            .iter()
            .map(|(_, first)| *first)
            .chain([self.accounts.len()])
            .collect();
        let mut present = Vec::new();
        for (room, ((_, first), end)) in self.rooms.iter().zip(ends).enumerate() {
            for position in 0..end - first {
                if variant != Variant::HalfOffline || position % 2 == 0 {
                    present.push((room, position, first + position));
                }
            }
        }
        let accounts: Vec<Account> = present
            .iter()
            .map(|&(.., account)| self.accounts[account].clone())
            .collect();
        let keys = accounts::log_in(reactor, &accounts, LOGINS_AT_ONCE)?;
        for (&(room, position, _), &key) in present.iter().zip(&keys) {
            if position == 0 {
                crowd.add_room(&self.rooms[room].0, key);
            }
            crowd.add_member(key, variant.manner(position), &[room]);
        }
        Ok((crowd, keys))
    }

    /// Those who stay away when half are offline.
    pub(super) fn absent(&self) -> Vec<Account> {
        self.accounts.iter().skip(1).step_by(2).cloned().collect()
    }
}
