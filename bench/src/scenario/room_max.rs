//! `room-max`: as many deliveries to members of rooms as the server makes. A closed loop: a few
//! messages of every room are on their way, the next leaves when the slowest member has the
//! oldest. What counts is deliveries per second of the server's core.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::seating::{Seating, Variant, check_text};
use super::{Bench, Usage, parameters, rss_mib};
use crate::reactor::Reactor;
use crate::report::{ScenarioReport, Trial};
use crate::server_process::{Passwords, Server};
use crate::{accounts, crowd, machine};

/// Parameters of `room-max`.
#[derive(Clone, Debug, Args)]
pub struct RoomMax {
    /// Rooms, as number x members; several shapes are measured one after another.
    #[arg(long, value_delimiter = ',', default_values_t = ["10x500".to_owned(), "1x5000".to_owned()])]
    pub rooms: Vec<String>,
    /// Messages of each room on their way.
    #[arg(long, default_value_t = 4)]
    pub window: usize,
    /// Measured seconds of each variant.
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// Seconds of load before that.
    #[arg(long, default_value_t = 3)]
    pub warm_up: u64,
    /// Bytes of a text, at least 40.
    #[arg(long, default_value_t = 150)]
    pub body: usize,
    /// What is measured.
    #[arg(long, value_delimiter = ',', value_enum,
          default_values_t = [Variant::Plain, Variant::LateAcks, Variant::Mute])]
    pub variants: Vec<Variant>,
}

impl RoomMax {
    /// Runs all trials of all shapes; a report for each.
    pub fn run(&self, bench: &Bench) -> Result<Vec<ScenarioReport>> {
        check_text(self.body)?;
        ensure!(self.window > 0, "--window must be at least 1");
        ensure!(
            !self.variants.contains(&Variant::HalfOffline),
            "half-offline is a variant of room-fanout"
        );
        self.rooms
            .iter()
            .map(|shape| {
                let sizes = sizes(shape)?;
                let parameters = parameters([
                    ("rooms", shape.clone()),
                    ("window per room", self.window.to_string()),
                    ("seconds of each variant", self.seconds.to_string()),
                    ("warm-up seconds", self.warm_up.to_string()),
                    ("body bytes", self.body.to_string()),
                ]);
                bench.trials(&format!("room-max-{shape}"), parameters, |number| {
                    self.trial(bench, shape, &sizes, number)
                })
            })
            .collect()
    }

    fn trial(&self, bench: &Bench, shape: &str, sizes: &[usize], number: usize) -> Result<Trial> {
        let (server, _folder) = bench.fresh_server(Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let names = bench.names(&format!("rooms{shape}"), number);
        let mut seating = Seating::prepare(&mut reactor, &names, sizes)?;
        let mut trial = Trial::default();
        for &variant in &self.variants {
            self.variant(bench, &server, &mut reactor, &mut seating, variant, &mut trial)?;
        }
        changes(&mut trial);
        server.stop()?;
        Ok(trial)
    }

    fn variant(
        &self,
        bench: &Bench,
        server: &Server,
        reactor: &mut Reactor,
        seating: &mut Seating,
        variant: Variant,
        trial: &mut Trial,
    ) -> Result<()> {
        let prefix = variant.prefix();
        let (mut crowd, keys) = seating.enter(reactor, variant, self.body)?;
        crowd::run_closed(
            &mut crowd,
            reactor,
            self.window,
            Duration::from_secs(self.warm_up),
        )?;
        crowd::settle(&mut crowd, reactor, bench.settle)?;
        crowd.report_latencies(&mut Trial::default(), "");

        trial.figure(&format!("{prefix}rss_before_mib"), rss_mib(server.pid)?);
        let (before, cpu) = (crowd.deliveries(), machine::cpu_time(server.pid)?);
        let (usage, start) = (Usage::begin(server.pid)?, Instant::now());
        crowd::run_closed(
            &mut crowd,
            reactor,
            self.window,
            Duration::from_secs(self.seconds),
        )?;
        let (deliveries, wall) = (crowd.deliveries() - before, start.elapsed().as_secs_f64());
        let cpu = machine::cpu_time(server.pid)?.saturating_sub(cpu).as_secs_f64();
        usage.end_as(trial, prefix, "delivery", deliveries)?;
        let people: u32 = (0..crowd.rooms()).map(|room| crowd.awaited(room)).sum();
        let mut figure = |name: &str, value: f64| trial.figure(&format!("{prefix}{name}"), value);
        figure("deliveries_per_second", deliveries as f64 / wall);
        figure("deliveries_per_core_second", deliveries as f64 / cpu.max(0.01));
        figure(
            "deliveries_per_second_and_member",
            deliveries as f64 / wall / f64::from(people.max(1)),
        );
        figure("rss_after_mib", rss_mib(server.pid)?);
        crowd::settle(&mut crowd, reactor, bench.settle)?;
        crowd.report_latencies(trial, prefix);
        crowd.verify(trial, prefix);
        accounts::log_out(reactor, &keys)
    }
}

/// `10x500` is ten rooms of 500.
fn sizes(shape: &str) -> Result<Vec<usize>> {
    let parsed = shape
        .split_once('x')
        .and_then(|(count, size)| Some((count.parse().ok()?, size.parse().ok()?)));
    let (count, size): (usize, usize) = parsed
        .with_context(|| format!("--rooms {shape:?} is not a number of rooms x members, as in 10x500"))?;
    ensure!(
        count > 0 && size > 0 && count.saturating_mul(size) <= 1_000_000,
        "--rooms {shape} is out of range"
    );
    Ok(vec![size; count])
}

/// How much less than in the plain variant each member that acknowledges gets.
fn changes(trial: &mut Trial) {
    let of = |trial: &Trial, variant: Variant| {
        let name = format!("{}deliveries_per_second_and_member", variant.prefix());
        trial.figures.get(&name).copied()
    };
    let Some(plain) = of(trial, Variant::Plain).filter(|&plain| plain > 0.0) else {
        return;
    };
    for variant in [Variant::LateAcks, Variant::Mute] {
        if let Some(value) = of(trial, variant) {
            trial.figure(
                &format!("{}loss_percent", variant.prefix()),
                (plain - value) / plain * 100.0,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_and_nonsense_is_refused() {
        assert_eq!(sizes("3x20").unwrap(), [20, 20, 20]);
        for nonsense in ["", "10", "0x5", "5x0", "x", "9999999x9999999"] {
            assert!(sizes(nonsense).is_err(), "{nonsense}");
        }
    }
}
