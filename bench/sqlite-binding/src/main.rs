//! Compares group commits through rusqlite and through sqlx over the same SQLite library.
//!
//! `cargo run --release -- [seconds per trial] [trials] [directory]` prints a markdown table
//! with the median of the trials. The directory (default: the system's temporary one) should
//! be on the disk of interest; a RAM disk hides what group commit is for.

mod asynchronous;
mod direct;
mod workload;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::time::{ClockId, clock_gettime};

use crate::asynchronous::Asynchronous;
use crate::direct::Direct;
use crate::workload::Rows;

const BATCHES: [usize; 4] = [1, 16, 128, 512];
const ROWS_PER_CALL: usize = 64;

#[derive(Clone, Copy)]
enum Binding {
    Rusqlite,
    SqlxPerRow,
    SqlxMultiRow,
}

impl Binding {
    const ALL: [Self; 3] = [Self::Rusqlite, Self::SqlxPerRow, Self::SqlxMultiRow];

    fn name(self) -> &'static str {
        match self {
            Self::Rusqlite => "rusqlite, one call per row",
            Self::SqlxPerRow => "sqlx, one call per row",
            Self::SqlxMultiRow => "sqlx, one call per up to 64 rows",
        }
    }
}

/// What one trial measured. The time spent making rows is in neither figure.
struct Figure {
    messages_per_second: f64,
    cpu_micros_per_message: f64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments
        .next()
        .map_or(Ok(2), |text| text.parse())
        .context("seconds per trial")?;
    let trials: usize = arguments
        .next()
        .map_or(Ok(3), |text| text.parse())
        .context("number of trials")?;
    ensure!(seconds > 0 && trials > 0, "seconds and trials must be positive");
    let parent = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let length = Duration::from_secs(seconds);

    println!(
        "SQLite {}, {trials} trials of {seconds} s each, medians\n",
        rusqlite::version()
    );
    println!("| binding | messages per commit | messages/s | CPU per message (us) |");
    println!("|---|---:|---:|---:|");
    for batch in BATCHES {
        // Trials of the bindings alternate, so that a disturbance of the machine hits all of them.
        let mut figures = [const { Vec::new() }; Binding::ALL.len()];
        for _ in 0..trials {
            for (binding, figures) in Binding::ALL.into_iter().zip(&mut figures) {
                let folder = tempfile::tempdir_in(&parent)?;
                figures.push(trial(binding, &folder.path().join("trial.db"), batch, length)?);
            }
        }
        for (binding, figures) in Binding::ALL.into_iter().zip(&figures) {
            let rate = median(figures.iter().map(|figure| figure.messages_per_second));
            let cpu = median(figures.iter().map(|figure| figure.cpu_micros_per_message));
            println!("| {} | {batch} | {rate:.0} | {cpu:.1} |", binding.name());
        }
    }
    Ok(())
}

fn trial(binding: Binding, file: &Path, batch: usize, length: Duration) -> Result<Figure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    match binding {
        Binding::Rusqlite => {
            let mut database = Direct::open(file)?;
            let mut clock = Clock::default();
            let mut rows = Rows::new();
            while clock.wall < length {
                let rows = rows.batch(batch);
                clock.measure(batch, || database.commit(&rows))?;
            }
            clock.finish(database.count()?)
        }
        Binding::SqlxPerRow | Binding::SqlxMultiRow => {
            let rows_per_call = match binding {
                Binding::SqlxMultiRow => batch.min(ROWS_PER_CALL),
                _ => 1,
            };
            let mut database = runtime.block_on(Asynchronous::open(file, rows_per_call))?;
            let mut clock = Clock::default();
            let mut rows = Rows::new();
            while clock.wall < length {
                let rows = rows.batch(batch);
                clock.measure(batch, || runtime.block_on(database.commit(&rows)))?;
            }
            clock.finish(runtime.block_on(database.count())?)
        }
    }
}

/// Wall and CPU time of the commits alone.
#[derive(Default)]
struct Clock {
    messages: u64,
    wall: Duration,
    cpu: Duration,
}

impl Clock {
    fn measure(&mut self, messages: usize, commit: impl FnOnce() -> Result<()>) -> Result<()> {
        let (wall, cpu) = (Instant::now(), process_cpu());
        commit()?;
        self.wall += wall.elapsed();
        self.cpu += process_cpu() - cpu;
        self.messages += messages as u64;
        Ok(())
    }

    fn finish(self, stored: u64) -> Result<Figure> {
        ensure!(
            stored == self.messages,
            "{stored} messages stored, {} written",
            self.messages
        );
        Ok(Figure {
            messages_per_second: self.messages as f64 / self.wall.as_secs_f64(),
            cpu_micros_per_message: self.cpu.as_secs_f64() * 1e6 / self.messages as f64,
        })
    }
}

/// CPU time of all threads of this process.
fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
