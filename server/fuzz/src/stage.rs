//! Plays scripts to a real server on the loopback address, in this process, and says what was seen and what was wrong.
//! Every script gets accounts of its own, so that what it does depends on nothing that was played before.

mod cast;
mod client;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tim_server::config::{ByteSize, Config, StorageKind};
use tim_server::{RunningServer, Server};
use tokio::time::timeout;

use crate::oracle;
use crate::script::{CONNECTIONS, Script, Step};
use cast::Cast;
use client::{Client, Settled};

/// A script that takes longer hangs.
const SCRIPT_TIME: Duration = Duration::from_secs(30);
/// A client that behaves is answered within this time, and sockets that were closed are gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of a script.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was seen on single connections, and successions of two.
    pub sightings: BTreeSet<String>,
    /// What must not happen.
    pub wrong: Vec<String>,
}

/// A server and a client that behaves.
pub struct Stage {
    server: Box<RunningServer>,
    bystander: Client,
    played: u32,
    sent: usize,
}

/// The configuration under which scripts are played: limits so low that a script can reach them, and none that one
/// script could use up for the next.
fn config() -> Config {
    let mut config = Config::default();
    config.listen.client = (Ipv4Addr::LOCALHOST, 0).into();
    config.storage.kind = StorageKind::Memory;
    config.passwords.memory_kib = 8;
    config.passwords.iterations = 1;
    config.passwords.threads = 1;
    config.accounts.device_limit = 3;
    config.accounts.device_type_limit = 2;
    config.limits.login_timeout = Duration::from_secs(1);
    config.limits.max_packet = ByteSize::kib(64);
    config.limits.big_data_bytes = ByteSize::kib(128);
    config.limits.big_data_total_bytes = ByteSize::kib(160);
    config.limits.waiting_packets = 8;
    config.limits.unanswered_sends = 8;
    config.limits.outgoing_bytes = ByteSize::kib(64);
    config.limits.failures_per_address = u32::MAX;
    config.limits.registrations_per_address = u32::MAX;
    config.limits.connections_per_second_per_address = 0;
    config.messages.history_page = 5;
    config.rooms.creations = u32::MAX;
    config.delivery.window = 4;
    config.delivery.outlet_packets = 8;
    config.delivery.backlog_grace = Duration::from_millis(50);
    config.process.shutdown_timeout = Duration::from_secs(5);
    config
}

impl Stage {
    /// Starts a server and lets the bystander log in.
    ///
    /// # Errors
    /// The server does not start or does not serve.
    pub async fn build() -> Result<Self> {
        oracle::install();
        let server = Box::new(Box::pin(Server::start(config())).await?);
        let mut bystander = Client::open(server.client_addr()).await?;
        let cast = Cast::register(server.client_addr(), u32::MAX).await?;
        bystander.send_packet(&cast.login("alice")).await;
        let settled = bystander.settle(PATIENCE).await;
        anyhow::ensure!(settled == Settled::Answered, "the bystander cannot log in");
        Ok(Self {
            server,
            bystander,
            played: 0,
            sent: 0,
        })
    }

    /// Plays a script.
    ///
    /// # Errors
    /// The accounts of the script cannot be made; that the server misbehaves is no error but part of the outcome.
    pub async fn play(&mut self, script: &Script) -> Result<Outcome> {
        self.played += 1;
        self.sent += script.size();
        oracle::playing(script.to_string());
        let cast = Cast::register(self.server.client_addr(), self.played).await?;
        let mut play = Play {
            cast,
            clients: (0..CONNECTIONS).map(|_| None).collect(),
            outcome: Outcome::default(),
        };
        let started = Instant::now();
        if timeout(SCRIPT_TIME, play.all(script)).await.is_err() {
            let wrong = format!("hang: the script is not done after {:?}", started.elapsed());
            play.outcome.wrong.push(wrong);
        }
        let mut outcome = play.end();
        self.check_bystander(&mut outcome.wrong).await;
        self.check_sockets(&mut outcome.wrong).await;
        outcome.wrong.extend(oracle::take());
        Ok(outcome)
    }

    async fn check_bystander(&mut self, wrong: &mut Vec<String>) {
        match self.bystander.settle(PATIENCE).await {
            Settled::Answered => {}
            Settled::Silent => wrong.push("hang: the bystander gets no answer to a ping".to_owned()),
            Settled::Closed => wrong.push("the bystander was disconnected".to_owned()),
        }
        wrong.append(&mut self.bystander.wrong);
        self.bystander.forget_sightings();
    }

    /// Waits until the connections of the script are gone on the side of the server too.
    async fn check_sockets(&self, wrong: &mut Vec<String>) {
        let until = Instant::now() + PATIENCE;
        while self.server.sockets() > 1 {
            if Instant::now() > until {
                wrong.push(format!(
                    "{} sockets stay after their clients are gone",
                    self.server.sockets() - 1
                ));
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Scripts played to this server, and bytes that they sent.
    pub fn load(&self) -> (u32, usize) {
        (self.played, self.sent)
    }

    /// Stops the server.
    pub async fn close(self) -> Vec<String> {
        drop(self.bystander);
        Box::pin((*self.server).shutdown()).await;
        oracle::take()
    }
}

struct Play {
    cast: Cast,
    clients: Vec<Option<Client>>,
    outcome: Outcome,
}

impl Play {
    async fn all(&mut self, script: &Script) {
        for step in &script.0 {
            if let Err(error) = self.step(step).await {
                self.outcome.wrong.push(format!("{error:#}"));
                return;
            }
        }
        self.settle().await;
    }

    async fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Packet(connection, bytes) => {
                let packet = self.cast.fill_in(bytes);
                self.client(*connection).await?.send_packet(&packet).await;
            }
            Step::Text(connection, bytes) => {
                let packet = self.cast.fill_in(bytes);
                self.client(*connection).await?.send_text(&packet).await;
            }
            Step::Raw(connection, bytes) => self.client(*connection).await?.send_anything(bytes).await,
            Step::Http(bytes) => {
                let body = self.cast.fill_in(bytes);
                let status = self.cast.post(&body).await?.0;
                self.outcome.sightings.insert(format!("http {status}"));
            }
            Step::Acknowledge(connection) => self.client(*connection).await?.acknowledge().await,
            Step::Close(connection) => {
                if let Some(mut client) = self.take(*connection) {
                    client.close(PATIENCE).await;
                    client.report(&mut self.outcome);
                }
            }
            Step::Cut(connection) => {
                if let Some(client) = self.take(*connection) {
                    client.report(&mut self.outcome);
                }
            }
            Step::Settle => self.settle().await,
        }
        Ok(())
    }

    /// Cuts all connections.
    fn end(self) -> Outcome {
        let mut outcome = self.outcome;
        for client in self.clients.into_iter().flatten() {
            client.report(&mut outcome);
        }
        outcome
    }

    fn take(&mut self, connection: u8) -> Option<Client> {
        self.clients.get_mut(usize::from(connection))?.take()
    }

    async fn client(&mut self, connection: u8) -> Result<&mut Client> {
        let place = self
            .clients
            .get_mut(usize::from(connection))
            .context("no such connection")?;
        if place.as_ref().is_some_and(Client::is_over)
            && let Some(over) = place.take()
        {
            over.report(&mut self.outcome);
        }
        match place {
            Some(client) => Ok(client),
            None => Ok(place.insert(Client::open(self.cast.address()).await?)),
        }
    }

    async fn settle(&mut self) {
        for client in self.clients.iter_mut().flatten() {
            client.settle_if_talking().await;
            self.cast.learn(&mut client.learnt);
        }
    }
}
