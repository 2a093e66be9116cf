//! `startup`: memory of an empty server, and the time from starting the process until it
//! answers, on the first start (keys and database are made) and on the second.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use super::{Bench, parameters};
use crate::machine;
use crate::report::{ScenarioReport, Trial};
use crate::server_process::Passwords;

/// Parameters of `startup`.
#[derive(Clone, Debug, Args)]
pub struct Startup {
    /// Seconds between ready and measuring the memory.
    #[arg(long, default_value_t = 2)]
    pub settle: u64,
}

impl Startup {
    /// Runs all trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        ensure!(
            bench.host.can_restart(),
            "startup needs a server binary, not a running server"
        );
        let parameters = parameters([("seconds before measuring memory", self.settle.to_string())]);
        bench.trials("startup", parameters, |_| self.trial(bench))
    }

    fn trial(&self, bench: &Bench) -> Result<Trial> {
        let mut trial = Trial::default();
        let (server, folder) = bench.fresh_server(Passwords::Default)?;
        trial.figure("first_start_ready_ms", server.ready_after.as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_secs(self.settle));
        let memory = machine::memory(server.pid)?;
        trial.figure("empty_rss_mib", memory.rss as f64 / f64::from(1 << 20));
        trial.figure("empty_pss_mib", memory.pss as f64 / f64::from(1 << 20));
        server.stop()?;
        let server = bench.host.start(folder.path(), Passwords::Default)?;
        trial.figure("restart_ready_ms", server.ready_after.as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_secs(self.settle));
        let memory = machine::memory(server.pid)?;
        trial.figure("restarted_rss_mib", memory.rss as f64 / f64::from(1 << 20));
        server.stop()?;
        Ok(trial)
    }
}
