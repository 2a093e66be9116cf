//! `soak`: millions of deliveries in rooms of all sizes while people join, leave, are cut off and
//! come back. Everybody must see exactly the messages of the time of their membership, and the
//! server's memory must stay flat.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;

use super::{Bench, Usage, parameters, rss_mib};
use crate::reactor::Reactor;
use crate::report::{ScenarioReport, Trial};
use crate::server_process::Passwords;
use crate::soak::{Churn, Numbers, Participant, Soak as Rooms};
use crate::{accounts, machine, room};

/// Open files besides the connections, for either process.
const OTHER_FILES: u64 = 256;
/// Rooms that everybody may be in; a third of the seats begins empty.
const SEATS: usize = 3;
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
const SPEAK_EVERY: Duration = Duration::from_secs(10);
/// Growth of memory that is called flat: caches fill up, the allocator keeps what it once had.
const FLAT_PERCENT: f64 = 15.0;
const FLAT_MIB: f64 = 8.0;
/// In less time caches are still filling up.
const FEWEST_SAMPLES: usize = 90;
const SEED: u64 = 20;

/// Parameters of `soak`.
#[derive(Clone, Debug, Args)]
pub struct Soak {
    /// Deliveries after which it ends.
    #[arg(long, default_value_t = 10_000_000)]
    pub deliveries: u64,
    /// Seconds that it lasts at least: caches of the server are full only after half a minute.
    #[arg(long, default_value_t = 120)]
    pub at_least: u64,
    /// Minutes after which it ends in any case, as a failure.
    #[arg(long, default_value_t = 15)]
    pub minutes: u64,
    /// People, besides one founder for each room.
    #[arg(long, default_value_t = 2_000)]
    pub people: usize,
    /// Rooms, from a handful of members to some hundreds.
    #[arg(long, default_value_t = 20)]
    pub rooms: usize,
    /// Messages of each room on their way.
    #[arg(long, default_value_t = 2)]
    pub window: usize,
    /// People cut off per second.
    #[arg(long, default_value_t = 50)]
    pub cuts: u64,
    /// People who join or leave per second.
    #[arg(long, default_value_t = 50)]
    pub moves: u64,
}

impl Soak {
    /// Runs once, whatever the number of trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        ensure!(
            self.rooms >= SEATS && self.people > 0 && self.window > 0,
            "--rooms must be at least {SEATS}, --people and --window at least 1"
        );
        machine::allow_open_files((self.people + self.rooms) as u64 + OTHER_FILES)?;
        let parameters = parameters([
            ("deliveries", self.deliveries.to_string()),
            ("seconds at least", self.at_least.to_string()),
            ("people", self.people.to_string()),
            ("rooms", self.rooms.to_string()),
            ("window per room", self.window.to_string()),
            ("cut off per second", self.cuts.to_string()),
            ("joins and leaves per second", self.moves.to_string()),
        ]);
        bench.repeat(1, "soak", parameters, |_| self.trial(bench))
    }

    fn trial(&self, bench: &Bench) -> Result<Trial> {
        let (server, _folder) = bench.fresh_server(Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let mut rooms = self.prepare(bench, &mut reactor)?;
        let mut churn = Churn::new(self.cuts, self.moves, self.rooms, SEED);
        let mut trial = Trial::default();
        let mut memory = Vec::new();
        let usage = Usage::begin(server.pid)?;
        let start = Instant::now();
        let (mut next_sample, mut next_line) = (start, start + SPEAK_EVERY);
        let limit = Duration::from_secs(self.minutes * 60);
        rooms.begin(&mut reactor, self.window);
        let at_least = Duration::from_secs(self.at_least).min(limit);
        while (rooms.deliveries() < self.deliveries && start.elapsed() < limit) || start.elapsed() < at_least
        {
            churn.turn(&mut rooms, &mut reactor)?;
            rooms.bring_back(&mut reactor, false)?;
            rooms.turn(&mut reactor, true);
            reactor.poll(Duration::from_millis(5), &mut rooms)?;
            rooms.check()?;
            let now = Instant::now();
            if now >= next_sample {
                memory.push(rss_mib(server.pid)?);
                next_sample = now + SAMPLE_EVERY;
            }
            if now >= next_line {
                next_line = now + SPEAK_EVERY;
                (bench.progress)(&format!(
                    "soak: {:.0} s, {} deliveries, {} repeats, {} cut off, {} joins, {} leaves, {} faults, {:.1} MiB",
                    start.elapsed().as_secs_f64(),
                    rooms.deliveries(),
                    rooms.repeats(),
                    churn.cut(),
                    churn.joined(),
                    churn.left(),
                    rooms.faults(),
                    memory.last().copied().unwrap_or_default()
                ));
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        usage.end_as(&mut trial, "", "delivery", rooms.deliveries())?;
        trial.figure("seconds", seconds);
        trial.figure("deliveries_per_second", rooms.deliveries() as f64 / seconds);
        trial.violation(
            self.deliveries.saturating_sub(rooms.deliveries()),
            "deliveries short of the number asked for when the time was up",
        );
        settle(&mut rooms, &mut reactor, bench.settle)?;
        trial.figure("cut_off", churn.cut() as f64);
        trial.figure("joins", churn.joined() as f64);
        trial.figure("leaves", churn.left() as f64);
        rooms.report(&mut trial);
        judge_memory(&memory, &mut trial);
        let verdict = if trial.violations.is_empty() {
            "expected = received for everybody"
        } else {
            "FAILED"
        };
        (bench.progress)(&format!("soak: {verdict}"));
        drop(reactor);
        server.stop()?;
        Ok(trial)
    }

    /// Accounts, rooms, members. Founders come first.
    fn prepare(&self, bench: &Bench, reactor: &mut Reactor) -> Result<Rooms> {
        let count = self.rooms + self.people;
        let accounts = accounts::register(reactor, &bench.names("soak", 0), count, 16)?;
        let keys = accounts::log_in(reactor, &accounts, 64)?;
        let nodes = room::create(reactor, &keys[..self.rooms])?;
        let mut numbers = Numbers::new(SEED);
        let participants: Vec<Participant> = accounts
            .into_iter()
            .zip(&keys)
            .enumerate()
            .map(|(position, (account, &key))| {
                let (member_of, may_join) = if position < self.rooms {
                    (vec![position], Vec::new())
                } else {
                    let mut seats = seats(&mut numbers, self.rooms);
                    let last = seats.split_off(SEATS - 1);
                    (seats, last)
                };
                Participant {
                    account,
                    key,
                    member_of,
                    may_join,
                }
            })
            .collect();
        let clients: Vec<_> = participants[self.rooms..]
            .iter()
            .map(|participant| {
                let rooms = participant.member_of.iter().map(|&room| nodes[room].as_str());
                (participant.key, rooms.collect())
            })
            .collect();
        room::join(reactor, &clients, 64)?;
        let rooms = nodes.into_iter().zip(0..).collect();
        Ok(Rooms::new(rooms, participants))
    }
}

/// Different rooms for one person; room `n` is chosen with a weight of (n + 1)².
fn seats(numbers: &mut Numbers, rooms: usize) -> Vec<usize> {
    let weight = |room: usize| ((room + 1) * (room + 1)) as u64;
    let total: u64 = (0..rooms).map(weight).sum();
    let mut chosen = Vec::with_capacity(SEATS);
    while chosen.len() < SEATS {
        let mut rest = numbers.below(total);
        let room = (0..rooms).find(|&room| {
            let here = rest < weight(room);
            rest = rest.saturating_sub(weight(room));
            here
        });
        match room {
            Some(room) if !chosen.contains(&room) => chosen.push(room),
            _ => {}
        }
    }
    chosen
}

/// Everybody comes back and fetches what is missing; then a moment for what should not come.
fn settle(rooms: &mut Rooms, reactor: &mut Reactor, limit: Duration) -> Result<()> {
    let start = Instant::now();
    while !rooms.is_settled() && start.elapsed() < limit {
        rooms.bring_back(reactor, true)?;
        rooms.turn(reactor, false);
        reactor.poll(Duration::from_millis(5), rooms)?;
        rooms.check()?;
    }
    let end = Instant::now() + Duration::from_millis(300);
    while Instant::now() < end {
        reactor.poll(Duration::from_millis(20), rooms)?;
        rooms.check()?;
    }
    Ok(())
}

/// Compares the memory of the second quarter of the time with that of the last quarter.
fn judge_memory(samples: &[f64], trial: &mut Trial) {
    let quarter = samples.len() / 4;
    if quarter == 0 {
        return;
    }
    let (early, late) = (
        median(&samples[quarter..2 * quarter]),
        median(&samples[samples.len() - quarter..]),
    );
    let growth = late - early;
    trial.figure("rss_early_mib", early);
    trial.figure("rss_late_mib", late);
    trial.figure("rss_growth_percent", growth / early.max(1.0) * 100.0);
    let says_something = samples.len() >= FEWEST_SAMPLES;
    if says_something && growth > FLAT_MIB && growth > early * FLAT_PERCENT / 100.0 {
        trial
            .violations
            .push(format!("memory grew from {early:.1} to {late:.1} MiB"));
    }
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_gets_different_rooms_and_larger_ones_are_more_frequent() {
        let mut numbers = Numbers::new(1);
        let mut sizes = [0_u32; 10];
        for _ in 0..500 {
            let seats = seats(&mut numbers, 10);
            assert!(seats[0] != seats[1] && seats[1] != seats[2] && seats[0] != seats[2]);
            seats.iter().for_each(|&room| sizes[room] += 1);
        }
        assert!(sizes[9] > 4 * sizes[2], "{sizes:?}");
    }

    #[test]
    fn growing_memory_is_a_violation_and_flat_memory_is_not() {
        let judge = |samples: &[f64]| {
            let mut trial = Trial::default();
            judge_memory(samples, &mut trial);
            trial.violations.len()
        };
        let growing: Vec<f64> = (0..100).map(|n| 50.0 + f64::from(n)).collect();
        assert_eq!(judge(&growing), 1);
        assert_eq!(judge(&[60.0; 100]), 0);
        assert_eq!(judge(&growing[..50]), 0, "too short to say anything");
        assert_eq!(judge(&[60.0; 3]), 0);
    }
}
