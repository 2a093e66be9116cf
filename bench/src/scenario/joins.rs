//! `joins`: how many durable joins a second, into one open room and into many, and how long the
//! list of the members of a large room takes.

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::seating::LOGINS_AT_ONCE;
use super::{Bench, Usage, parameters};
use crate::reactor::Reactor;
use crate::report::{ScenarioReport, Trial};
use crate::server_process::Passwords;
use crate::{accounts, machine, room};

/// Open files besides the connections, for either process.
const OTHER_FILES: u64 = 256;

/// Parameters of `joins`.
#[derive(Clone, Debug, Args)]
pub struct Joins {
    /// Members of the one room, its founder included.
    #[arg(long, default_value_t = 10_000)]
    pub members: usize,
    /// Clients that join at the same time.
    #[arg(long, default_value_t = 64)]
    pub parallel: usize,
    /// Rooms of the second part; every client joins each.
    #[arg(long, default_value_t = 100)]
    pub rooms: usize,
    /// Requests for the list of members of the one room.
    #[arg(long, default_value_t = 20)]
    pub lists: usize,
}

impl Joins {
    /// Runs all trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        ensure!(
            self.parallel > 0 && self.members > self.parallel && self.rooms > 0,
            "--parallel and --rooms must be at least 1, --members above --parallel"
        );
        machine::allow_open_files(self.members as u64 + OTHER_FILES)?;
        let parameters = parameters([
            ("members", self.members.to_string()),
            ("parallel joins", self.parallel.to_string()),
            ("rooms", self.rooms.to_string()),
            ("lists", self.lists.to_string()),
        ]);
        bench.trials("joins", parameters, |number| self.trial(bench, number))
    }

    fn trial(&self, bench: &Bench, number: usize) -> Result<Trial> {
        let (server, _folder) = bench.fresh_server(Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let names = bench.names("joins", number);
        let accounts = accounts::register(&mut reactor, &names, self.members, 16)?;
        let keys = accounts::log_in(&mut reactor, &accounts, LOGINS_AT_ONCE)?;
        let founder = keys[0];
        let mut trial = Trial::default();

        let node = room::create(&mut reactor, &[founder])?
            .pop()
            .context("one room was asked for")?;
        let clients: Vec<_> = keys[1..].iter().map(|&key| (key, vec![node.as_str()])).collect();
        let usage = Usage::begin(server.pid)?;
        let joins = room::join(&mut reactor, &clients, self.parallel)?;
        usage.end_as(&mut trial, "one_room_", "join", joins.count)?;
        trial.figure("one_room_joins_per_second", joins.per_second);
        trial.latency("one_room_join", joins.latencies);
        let lists = room::time_member_lists(&mut reactor, founder, &node, self.members, self.lists)?;
        trial.latency("member_list", lists);

        let many = room::create(&mut reactor, &vec![founder; self.rooms])?;
        let nodes: Vec<&str> = many.iter().map(String::as_str).collect();
        let clients: Vec<_> = keys[1..=self.parallel]
            .iter()
            .enumerate()
            .map(|(client, &key)| {
                // Everybody begins with another room.
                let mut rooms = nodes.clone();
                rooms.rotate_left(client * nodes.len() / self.parallel);
                (key, rooms)
            })
            .collect();
        let usage = Usage::begin(server.pid)?;
        let joins = room::join(&mut reactor, &clients, self.parallel)?;
        usage.end_as(&mut trial, "many_rooms_", "join", joins.count)?;
        trial.figure("many_rooms_joins_per_second", joins.per_second);
        trial.latency("many_rooms_join", joins.latencies);
        drop(reactor);
        server
            .stop()
            .context("stopping after closing all connections at once")?;
        Ok(trial)
    }
}
