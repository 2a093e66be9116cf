//! What a run produces: machine, server and, for each scenario, every trial. This is the JSON
//! form; tables and budget checks are made from it, so that a document can be regenerated.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::latency::{Latencies, LatencySummary};
use crate::machine::Machine;

/// All results of one run of the generator.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Version of the generator.
    pub generator: String,
    /// What the server says of its version, or "unknown".
    pub server: String,
    /// Commit of the working tree, with "+" when it had changes; "unknown" outside a repository.
    pub commit: String,
    /// The command that made the report.
    pub command: String,
    /// Which cores the server and the generator were bound to.
    pub placement: String,
    /// The machine.
    pub machine: Machine,
    /// The scenarios in the order they ran.
    pub scenarios: Vec<ScenarioReport>,
}

/// The trials of one scenario.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ScenarioReport {
    /// Name of the scenario, as on the command line.
    pub name: String,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
    /// Each trial.
    pub trials: Vec<TrialReport>,
    /// Latencies of all trials together.
    pub pooled: BTreeMap<String, LatencySummary>,
}

/// Figures of one trial.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TrialReport {
    /// Figures; the name ends with the unit.
    pub figures: BTreeMap<String, f64>,
    /// Latencies by kind.
    pub latencies: BTreeMap<String, LatencySummary>,
    /// What was not as it must be: lost, doubled, reordered or refused messages.
    pub violations: Vec<String>,
}

/// One trial while it is being measured, with full histograms.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// Figures; the name ends with the unit.
    pub figures: BTreeMap<String, f64>,
    /// Latencies by kind.
    pub latencies: BTreeMap<String, Latencies>,
    /// What was not as it must be.
    pub violations: Vec<String>,
}

impl Trial {
    /// Notes a figure.
    pub fn figure(&mut self, name: &str, value: f64) {
        self.figures.insert(name.to_owned(), value);
    }

    /// Notes latencies.
    pub fn latency(&mut self, name: &str, latencies: Latencies) {
        self.latencies.insert(name.to_owned(), latencies);
    }

    /// Notes a violation when `count` is not zero.
    pub fn violation(&mut self, count: u64, what: &str) {
        if count > 0 {
            self.violations.push(format!("{count} {what}"));
        }
    }
}

impl ScenarioReport {
    /// Puts finished trials together.
    pub fn new(name: &str, parameters: BTreeMap<String, String>, trials: &[Trial]) -> Self {
        let mut pooled: BTreeMap<&String, Latencies> = BTreeMap::new();
        for (kind, latencies) in trials.iter().flat_map(|trial| &trial.latencies) {
            pooled.entry(kind).or_default().merge(latencies);
        }
        Self {
            name: name.to_owned(),
            parameters,
            trials: trials
                .iter()
                .map(|trial| TrialReport {
                    figures: trial.figures.clone(),
                    latencies: trial
                        .latencies
                        .iter()
                        .map(|(kind, all)| (kind.clone(), all.summary()))
                        .collect(),
                    violations: trial.violations.clone(),
                })
                .collect(),
            pooled: pooled
                .into_iter()
                .map(|(kind, all)| (kind.clone(), all.summary()))
                .collect(),
        }
    }

    /// Median, smallest and largest value of a figure over the trials.
    pub fn figure(&self, name: &str) -> Option<Spread> {
        Spread::of(
            self.trials
                .iter()
                .filter_map(|trial| trial.figures.get(name).copied()),
        )
    }

    /// Median, smallest and largest value over the trials of one number of the latencies.
    pub fn latency(&self, kind: &str, pick: impl Fn(&LatencySummary) -> f64) -> Option<Spread> {
        Spread::of(
            self.trials
                .iter()
                .filter_map(|trial| trial.latencies.get(kind).map(&pick)),
        )
    }

    /// Names of all figures, sorted.
    pub fn figure_names(&self) -> Vec<&str> {
        let names: std::collections::BTreeSet<&str> = self
            .trials
            .iter()
            .flat_map(|trial| trial.figures.keys().map(String::as_str))
            .collect();
        names.into_iter().collect()
    }

    /// Violations of all trials.
    pub fn violations(&self) -> impl Iterator<Item = &str> {
        self.trials
            .iter()
            .flat_map(|trial| trial.violations.iter().map(String::as_str))
    }
}

/// A figure over several trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle value; of an even number of trials the mean of the middle two.
    pub median: f64,
    /// The smallest value.
    pub least: f64,
    /// The largest value.
    pub most: f64,
}

impl Spread {
    /// The spread of `values`, `None` when there are none.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (&least, &most) = (values.first()?, values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self {
            median: (low + high) / 2.0,
            least,
            most,
        })
    }
}

impl Report {
    /// The scenario of that name.
    pub fn scenario(&self, name: &str) -> Option<&ScenarioReport> {
        self.scenarios.iter().find(|scenario| scenario.name == name)
    }

    /// Reads a report from a JSON file.
    pub fn load(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a report", file.display()))
    }

    /// Writes the report to a JSON file.
    pub fn store(&self, file: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self).context("encoding the report")?;
        text.push('\n');
        fs::write(file, text).with_context(|| format!("writing {}", file.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn trial(rate: f64, milliseconds: &[u64]) -> Trial {
        let mut trial = Trial::default();
        trial.figure("messages_per_second", rate);
        let mut latencies = Latencies::new();
        milliseconds
            .iter()
            .for_each(|&ms| latencies.record(Duration::from_millis(ms)));
        trial.latency("echo", latencies);
        trial
    }

    #[test]
    fn median_is_the_middle_value_and_spread_the_extremes() {
        let trials = [trial(3.0, &[]), trial(1.0, &[]), trial(10.0, &[])];
        let report = ScenarioReport::new("x", BTreeMap::new(), &trials);
        assert_eq!(
            report.figure("messages_per_second"),
            Some(Spread {
                median: 3.0,
                least: 1.0,
                most: 10.0
            })
        );
        assert_eq!(report.figure("unknown"), None);
        assert_eq!(
            Spread::of([1.0, 2.0].into_iter()).map(|spread| spread.median),
            Some(1.5)
        );
    }

    #[test]
    fn pooled_percentiles_come_from_the_values_of_all_trials() {
        let trials = [trial(1.0, &[1, 1, 1]), trial(1.0, &[100])];
        let report = ScenarioReport::new("x", BTreeMap::new(), &trials);
        assert_eq!(report.pooled["echo"].count, 4);
        assert!(report.pooled["echo"].max_ms > 99.0);
        assert!(report.pooled["echo"].p50_ms < 1.1);
    }

    #[test]
    fn report_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.json");
        let scenario = ScenarioReport::new("x", BTreeMap::new(), &[trial(2.0, &[5])]);
        let report = Report {
            commit: "abc".to_owned(),
            scenarios: vec![scenario],
            ..Report::default()
        };
        report.store(&file).unwrap();
        let read = Report::load(&file).unwrap();
        assert_eq!(read.commit, "abc");
        assert_eq!(read.scenario("x").unwrap().pooled, report.scenarios[0].pooled);
    }
}
