//! What the server must reach on two cores, one of them for the server. The median over the
//! trials counts; a violation of the delivery contract in any trial fails whatever the speed.

use crate::report::{Report, ScenarioReport, Spread};

/// One budget: a figure of a scenario and its limit.
pub struct Budget {
    /// What is limited, for people.
    pub what: &'static str,
    /// Scenario that measures it.
    pub scenario: &'static str,
    /// The limit.
    pub limit: Limit,
    /// Unit of limit and figure.
    pub unit: &'static str,
    figure: fn(&ScenarioReport) -> Option<Spread>,
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// The figure must not be higher.
    AtMost(f64),
    /// The figure must not be lower.
    AtLeast(f64),
}

impl Limit {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

/// All budgets. Kilobytes and megabytes are decimal, the stricter reading.
pub const BUDGETS: &[Budget] = &[
    Budget {
        what: "memory of an idle authenticated connection (RSS)",
        scenario: "idle",
        limit: Limit::AtMost(10_000.0),
        unit: "bytes",
        figure: |scenario| scenario.figure("rss_bytes_per_connection"),
    },
    Budget {
        what: "memory of an empty server (RSS)",
        scenario: "startup",
        limit: Limit::AtMost(30.0),
        unit: "MB",
        figure: |scenario| {
            let to_megabytes = f64::from(1 << 20) / 1e6;
            scenario.figure("empty_rss_mib").map(|mib| Spread {
                median: mib.median * to_megabytes,
                least: mib.least * to_megabytes,
                most: mib.most * to_megabytes,
            })
        },
    },
    Budget {
        what: "first start until ready",
        scenario: "startup",
        limit: Limit::AtMost(1_000.0),
        unit: "ms",
        figure: |scenario| scenario.figure("first_start_ready_ms"),
    },
    Budget {
        what: "later start until ready",
        scenario: "startup",
        limit: Limit::AtMost(1_000.0),
        unit: "ms",
        figure: |scenario| scenario.figure("restart_ready_ms"),
    },
    Budget {
        what: "echo at 1,000 durable messages per second, 99th percentile",
        scenario: "chat-rate",
        limit: Limit::AtMost(20.0),
        unit: "ms",
        figure: |scenario| scenario.latency("echo", |summary| summary.p99_ms),
    },
    Budget {
        what: "durable one-to-one messages, maximum",
        scenario: "chat-max",
        limit: Limit::AtLeast(20_000.0),
        unit: "messages/s",
        figure: |scenario| scenario.figure("messages_per_second"),
    },
    Budget {
        what: "drain of 10,000 offline messages",
        scenario: "offline-drain",
        limit: Limit::AtMost(1_000.0),
        unit: "ms",
        figure: |scenario| scenario.figure("drain_ms"),
    },
];

/// How a budget came out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// Kept.
    Met(Spread),
    /// Not kept.
    Missed(Spread),
    /// The scenario or its figure is not in the report.
    NotMeasured,
}

impl Budget {
    /// Compares with a report.
    pub fn check(&self, report: &Report) -> Outcome {
        match report.scenario(self.scenario).and_then(self.figure) {
            None => Outcome::NotMeasured,
            Some(spread) if self.limit.holds(spread.median) => Outcome::Met(spread),
            Some(spread) => Outcome::Missed(spread),
        }
    }
}

/// Everything that makes a report fail, one line each.
pub fn failures(report: &Report) -> Vec<String> {
    let mut failures = Vec::new();
    for budget in BUDGETS {
        match budget.check(report) {
            Outcome::Met(_) => {}
            Outcome::Missed(spread) => failures.push(format!(
                "{}: {:.1} {} (of {:.1} to {:.1}) against {:?}",
                budget.what, spread.median, budget.unit, spread.least, spread.most, budget.limit
            )),
            Outcome::NotMeasured => failures.push(format!("{}: not measured", budget.what)),
        }
    }
    for scenario in &report.scenarios {
        failures.extend(
            scenario
                .violations()
                .map(|violation| format!("{}: {violation}", scenario.name)),
        );
    }
    failures
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::latency::Latencies;
    use crate::report::Trial;

    fn scenario(name: &str, figures: &[(&str, f64)]) -> ScenarioReport {
        let mut trial = Trial::default();
        figures
            .iter()
            .for_each(|(name, value)| trial.figure(name, *value));
        ScenarioReport::new(name, BTreeMap::new(), &[trial])
    }

    fn good() -> Report {
        let mut chat = Trial::default();
        let mut echo = Latencies::new();
        echo.record(Duration::from_millis(4));
        chat.latency("echo", echo);
        Report {
            scenarios: vec![
                scenario("idle", &[("rss_bytes_per_connection", 9_000.0)]),
                scenario(
                    "startup",
                    &[
                        ("empty_rss_mib", 20.0),
                        ("first_start_ready_ms", 300.0),
                        ("restart_ready_ms", 90.0),
                    ],
                ),
                ScenarioReport::new("chat-rate", BTreeMap::new(), &[chat]),
                scenario("chat-max", &[("messages_per_second", 20_000.0)]),
                scenario("offline-drain", &[("drain_ms", 1_000.0)]),
            ],
            ..Report::default()
        }
    }

    #[test]
    fn report_within_all_budgets_has_no_failures() {
        assert_eq!(failures(&good()), Vec::<String>::new());
    }

    #[test]
    fn figure_beyond_its_limit_is_a_failure_on_the_right_side() {
        let mut report = good();
        report.scenarios[3] = scenario("chat-max", &[("messages_per_second", 19_999.0)]);
        report.scenarios[4] = scenario("offline-drain", &[("drain_ms", 1_001.0)]);
        assert_eq!(failures(&report).len(), 2);
    }

    #[test]
    fn megabytes_are_decimal() {
        let mut report = good();
        let rest = [("first_start_ready_ms", 300.0), ("restart_ready_ms", 90.0)];
        report.scenarios[1] = scenario("startup", &[&rest[..], &[("empty_rss_mib", 29.0)]].concat());
        assert_eq!(failures(&report).len(), 1);
    }

    #[test]
    fn missing_scenario_is_a_failure() {
        assert_eq!(failures(&Report::default()).len(), BUDGETS.len());
    }

    #[test]
    fn violation_fails_a_fast_report() {
        let mut report = good();
        report.scenarios[3].trials[0]
            .violations
            .push("3 deliveries missing".to_owned());
        assert_eq!(failures(&report), ["chat-max: 3 deliveries missing"]);
    }
}
