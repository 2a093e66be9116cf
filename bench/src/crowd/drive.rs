//! Running a crowd: on a schedule, in a closed loop, until everything has arrived.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::Crowd;
use crate::accounts::{Account, source_addresses};
use crate::reactor::Reactor;
use crate::schedule::Schedule;

/// Sends what `schedule` says, round robin over the rooms, until its end.
pub fn run_open(crowd: &mut Crowd, reactor: &mut Reactor, mut schedule: Schedule) -> Result<()> {
    let start = Instant::now();
    crowd.begin(start, Duration::ZERO);
    while let Some(due) = schedule.next_due() {
        let rooms = crowd.rooms() as u64;
        for n in schedule.take_due(start.elapsed()) {
            let room = usize::try_from(n % rooms).unwrap_or(0);
            crowd.send(reactor, room, schedule.intended(n));
        }
        let until_due = (start + due).saturating_duration_since(Instant::now());
        let wait = crowd.turn(reactor).min(until_due);
        reactor.poll(wait, crowd)?;
        crowd.check()?;
    }
    Ok(())
}

/// Keeps `window` messages of every room on their way to the slowest of its members, until
/// `length` after the start. A warm-up is a loop of its own before this one.
pub fn run_closed(crowd: &mut Crowd, reactor: &mut Reactor, window: usize, length: Duration) -> Result<()> {
    let start = Instant::now();
    crowd.begin(start, Duration::ZERO);
    crowd.until = Some(start + length);
    for room in 0..crowd.rooms() {
        for _ in 0..window {
            crowd.send(reactor, room, start.elapsed());
        }
    }
    while start.elapsed() < length {
        let wait = crowd.turn(reactor);
        reactor.poll(wait, crowd)?;
        crowd.check()?;
    }
    Ok(())
}

/// Waits until every message has reached everybody. When some never do, the time is up without
/// an error: the checks of the crowd name them.
pub fn settle(crowd: &mut Crowd, reactor: &mut Reactor, limit: Duration) -> Result<()> {
    crowd.until = None;
    let start = Instant::now();
    while !(crowd.is_settled() && crowd.late.is_empty()) && start.elapsed() < limit {
        let wait = crowd.turn(reactor);
        reactor.poll(wait, crowd)?;
        crowd.check()?;
    }
    // A double would come behind the message it doubles.
    let end = Instant::now() + Duration::from_millis(100);
    while Instant::now() < end {
        let wait = crowd.turn(reactor);
        reactor.poll(wait, crowd)?;
        crowd.check()?;
    }
    Ok(())
}

/// Lets everybody of `accounts`, members of `rooms`, log in and fetch the offline queue, at most
/// `parallel` at a time. When some never see its end, the time is up without an error: the checks
/// of the crowd name them.
pub fn return_all(
    crowd: &mut Crowd,
    reactor: &mut Reactor,
    accounts: &[Account],
    rooms: &[usize],
    parallel: usize,
    limit: Duration,
) -> Result<()> {
    let sources = source_addresses(accounts.len())?;
    let start = Instant::now();
    let mut waiting = accounts.iter().zip(sources.iter().cycle()).peekable();
    while (waiting.peek().is_some() || crowd.undrained > 0) && start.elapsed() < limit {
        while crowd.undrained < parallel
            && let Some((account, source)) = waiting.next()
        {
            let key = reactor.open_websocket(*source)?;
            crowd.add_returning(key, account, rooms);
        }
        let wait = crowd.turn(reactor);
        reactor.poll(wait, crowd)?;
        crowd.check()?;
    }
    crowd.absent += waiting.count() as u64;
    Ok(())
}
