//! The steps of a command: runs one after the other, goes on after a failure, and says at the end how each went and
//! how long it took. A step that cannot run here is said loudly, and counts as a failure in continuous integration.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How a step ended, when it did not fail.
pub(crate) enum Outcome {
    /// It did what it is there for.
    Passed,
    /// It cannot run here; in continuous integration that is a failure.
    Skipped(String),
    /// It cannot run here, and no machine of ours has to be able to.
    SkippedEverywhere(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Passed,
    Skipped(String),
    Failed(String),
}

struct Record {
    name: String,
    verdict: Verdict,
    took: Duration,
}

/// The steps so far.
pub(crate) struct Steps {
    strict: bool,
    records: Vec<Record>,
}

impl Steps {
    /// No step yet. `strict`: a step that cannot run is a failure.
    pub(crate) fn new(strict: bool) -> Self {
        Self {
            strict,
            records: Vec::new(),
        }
    }

    /// Runs one step; whether it did not fail.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> Result<Outcome>) -> bool {
        println!("\n=== {name}");
        let start = Instant::now();
        let verdict = match step() {
            Ok(Outcome::Passed) => Verdict::Passed,
            Ok(Outcome::Skipped(reason)) if self.strict => Verdict::Failed(format!(
                "cannot run here, which is a failure with CI=true: {reason}"
            )),
            Ok(Outcome::Skipped(reason) | Outcome::SkippedEverywhere(reason)) => Verdict::Skipped(reason),
            Err(error) => Verdict::Failed(format!("{error:#}")),
        };
        match &verdict {
            Verdict::Passed => {}
            Verdict::Skipped(reason) => println!("!!! SKIPPED {name}: {reason}"),
            Verdict::Failed(reason) => println!("!!! FAILED {name}: {reason}"),
        }
        let passed = !matches!(verdict, Verdict::Failed(_));
        self.records.push(Record {
            name: name.to_owned(),
            verdict,
            took: start.elapsed(),
        });
        passed
    }

    /// Notes that a step was not run because an earlier one failed.
    pub(crate) fn not_run(&mut self, name: &str, because: &str) {
        let verdict = Verdict::Failed(format!("not run, because {because} failed"));
        self.records.push(Record {
            name: name.to_owned(),
            verdict,
            took: Duration::ZERO,
        });
    }

    /// Prints the table and says how the program has to end.
    pub(crate) fn finish(self) -> ExitCode {
        println!("\n{}", self.table());
        if self.failures() == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn failures(&self) -> usize {
        self.records
            .iter()
            .filter(|record| matches!(record.verdict, Verdict::Failed(_)))
            .count()
    }

    fn table(&self) -> String {
        let width = self
            .records
            .iter()
            .map(|record| record.name.chars().count())
            .max()
            .unwrap_or(0)
            .max(5);
        let mut table = String::new();
        let mut total = Duration::ZERO;
        for Record { name, verdict, took } in &self.records {
            total += *took;
            let (word, reason) = match verdict {
                Verdict::Passed => ("ok", ""),
                Verdict::Skipped(reason) => ("SKIPPED", reason.as_str()),
                Verdict::Failed(reason) => ("FAILED", reason.as_str()),
            };
            let row = format!("{name:<width$}  {:>8}  {word:<8}{reason}", time(*took));
            let _written = writeln!(table, "{}", row.trim_end());
        }
        let verdict = match self.failures() {
            0 => "ok".to_owned(),
            1 => "1 step FAILED".to_owned(),
            count => format!("{count} steps FAILED"),
        };
        let _written = write!(table, "{:<width$}  {:>8}  {verdict}", "total", time(total));
        table
    }
}

fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} m {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_failed_step_does_not_stop_the_others_and_fails_the_whole() {
        let mut steps = Steps::new(false);
        assert!(!steps.run("first", || Err(anyhow!("it broke"))));
        assert!(steps.run("second", || Ok(Outcome::Passed)));
        let table = steps.table();
        assert!(table.contains("FAILED  it broke"), "{table}");
        assert!(table.ends_with("1 step FAILED"), "{table}");
        assert_eq!(steps.failures(), 1);
    }

    #[test]
    fn a_skipped_step_is_told_with_its_reason() {
        let mut steps = Steps::new(false);
        assert!(steps.run("wasm", || Ok(Outcome::Skipped("no such target".to_owned()))));
        assert!(
            steps.table().contains("SKIPPED no such target"),
            "{}",
            steps.table()
        );
        assert_eq!(steps.failures(), 0);
    }

    #[test]
    fn in_continuous_integration_only_the_stated_skips_are_no_failure() {
        let mut steps = Steps::new(true);
        assert!(!steps.run("wasm", || Ok(Outcome::Skipped("no such target".to_owned()))));
        assert!(steps.run("advisories", || Ok(Outcome::SkippedEverywhere(
            "no network".to_owned()
        ))));
        assert_eq!(steps.failures(), 1);
    }

    #[test]
    fn a_step_that_was_not_run_is_a_failure() {
        let mut steps = Steps::new(false);
        steps.not_run("crash suite", "the build");
        assert_eq!(steps.failures(), 1);
    }
}
