//! Who joins, leaves, is cut off and comes back, and when: by numbers that are the same in every
//! run.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Person, Presence, Soak};
use crate::reactor::{Key, Reactor};
use crate::room;

/// How long somebody reads or acknowledges nothing before being cut off.
const FAILING: Duration = Duration::from_secs(1);
/// The longest absence.
const LONGEST_AWAY_MILLIS: u64 = 3_000;

/// Numbers that look random and are the same in every run (SplitMix64).
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// A position in something of `length`.
    pub fn position(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }
}

/// What happens to people every second.
#[derive(Clone, Debug)]
pub struct Churn {
    /// People cut off per second.
    pub cuts: u64,
    /// People who join or leave a room per second.
    pub moves: u64,
    /// People before this position are left alone: the founders.
    pub spared: usize,
    /// Decides.
    pub numbers: Numbers,
    start: Instant,
    cut: u64,
    moved: u64,
    joined: u64,
}

impl Churn {
    /// Begins now.
    pub fn new(cuts: u64, moves: u64, spared: usize, seed: u64) -> Self {
        Self {
            cuts,
            moves,
            spared,
            numbers: Numbers::new(seed),
            start: Instant::now(),
            cut: 0,
            moved: 0,
            joined: 0,
        }
    }

    /// People cut off so far.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// Requests to join so far.
    pub fn joined(&self) -> u64 {
        self.joined
    }

    /// Requests to leave so far.
    pub fn left(&self) -> u64 {
        self.moved - self.joined
    }

    /// Does what is due.
    pub fn turn(&mut self, soak: &mut Soak, reactor: &mut Reactor) -> Result<()> {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        while self.cut < millis * self.cuts / 1_000 {
            self.cut += 1;
            let person = self.pick(soak);
            if let Some(person) = person {
                let kind = self.numbers.below(4);
                let away = Duration::from_millis(self.numbers.below(LONGEST_AWAY_MILLIS));
                soak.cut_off(reactor, person, kind, away)?;
            }
        }
        while self.moved < millis * self.moves / 1_000 {
            self.moved += 1;
            if let Some(person) = self.pick(soak) {
                let seat = self.numbers.position(soak.people[person].seats.len());
                self.joined += u64::from(soak.change_membership(reactor, person, seat));
            }
        }
        Ok(())
    }

    /// Somebody online who waits for no answer.
    fn pick(&mut self, soak: &Soak) -> Option<usize> {
        let free = |person: &Person| {
            person.presence == Presence::Online && person.asking.is_none() && !person.seats.is_empty()
        };
        let candidates = soak.people.len().checked_sub(self.spared).filter(|&n| n > 0)?;
        (0..8)
            .map(|_| self.spared + self.numbers.position(candidates))
            .find(|&person| free(&soak.people[person]))
    }
}

impl Soak {
    /// Cuts a connection in one of four ways.
    fn cut_off(&mut self, reactor: &mut Reactor, index: usize, kind: u64, away: Duration) -> Result<()> {
        let now = Instant::now();
        let person = &mut self.people[index];
        for (room, membership) in &person.seats {
            self.rooms[*room].present -= u64::from(membership.is_member());
        }
        match kind {
            0 => reactor.reset(person.key),
            1 => reactor.abandon(person.key),
            2 => {
                person.presence = Presence::Mute(now + FAILING);
                return Ok(());
            }
            _ => {
                reactor.deafen(person.key)?;
                person.presence = Presence::Deaf(now + FAILING);
                return Ok(());
            }
        }
        person.presence = Presence::Away(now + away);
        Ok(())
    }

    /// Lets somebody leave the room of a seat or join it; true for joining.
    fn change_membership(&mut self, reactor: &mut Reactor, index: usize, seat: usize) -> bool {
        let person = &mut self.people[index];
        let (room, membership) = &mut person.seats[seat];
        let target = &mut self.rooms[*room];
        person.asking = Some(*room);
        let joins = membership.is_outside();
        let packet = if joins {
            membership.asks_to_join(target.stored);
            room::join_room(&target.node)
        } else {
            membership.asks_to_leave();
            target.present -= 1;
            room::leave_room(&target.node)
        };
        reactor.with_outbox(person.key, |out| out.packet(&packet));
        joins
    }

    /// Brings back those whose time has come, all of them when `at_once`.
    pub fn bring_back(&mut self, reactor: &mut Reactor, at_once: bool) -> Result<()> {
        let now = Instant::now();
        for (index, person) in self.people.iter_mut().enumerate() {
            let back = match person.presence {
                Presence::Deaf(until) | Presence::Mute(until) if at_once || until <= now => {
                    reactor.reset(person.key);
                    true
                }
                Presence::Away(until) => at_once || until <= now,
                _ => false,
            };
            if !back {
                continue;
            }
            self.by_key.remove(&person.key);
            person.key = reactor.open_websocket(None)?;
            person.presence = Presence::Returning;
            for (_, membership) in &mut person.seats {
                membership.has_reconnected();
            }
            self.by_key.insert(person.key, index);
        }
        Ok(())
    }

    /// A connection ended that was not cut off here.
    pub(super) fn closed(&mut self, index: usize, key: Key, reason: &str) {
        let person = &mut self.people[index];
        if person.key != key || matches!(person.presence, Presence::Away(_)) {
            return;
        }
        if let Presence::Deaf(_) | Presence::Mute(_) = person.presence {
            person.presence = Presence::Away(Instant::now());
            return; // A server may give up a client like that.
        }
        if person.presence == Presence::Online {
            for (room, membership) in &person.seats {
                let present = &mut self.rooms[*room].present;
                *present = present.saturating_sub(u64::from(membership.is_member()));
            }
        }
        person.presence = Presence::Away(Instant::now());
        let founder = self.rooms.iter().any(|room| room.founder == key);
        let reason = reason.to_owned();
        self.fault("connections lost", 1, || reason.clone());
        if founder {
            self.failure = Some(anyhow::anyhow!("the connection of a founder was lost: {reason}"));
        }
    }
}
