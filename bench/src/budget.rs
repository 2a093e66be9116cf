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
    Budget {
        what: "message to 9,500 members online, last receiver, 99th percentile",
        scenario: "room-fanout-9500",
        limit: Limit::AtMost(150.0),
        unit: "ms",
        figure: |scenario| scenario.latency("plain_last_receiver", |summary| summary.p99_ms),
    },
    Budget {
        what: "the same with 1 % who never acknowledge, later by (median)",
        scenario: "room-fanout-9500",
        limit: Limit::AtMost(10.0),
        unit: "%",
        figure: |scenario| scenario.figure("mute_change_percent"),
    },
    Budget {
        what: "the same with acknowledgements 20 ms late, later by (median)",
        scenario: "room-fanout-9500",
        limit: Limit::AtMost(10.0),
        unit: "%",
        figure: |scenario| scenario.figure("late_acks_change_percent"),
    },
    Budget {
        what: "1,000 members, 1 % who never acknowledge, later by (median)",
        scenario: "room-fanout-1000",
        limit: Limit::AtMost(10.0),
        unit: "%",
        figure: |scenario| scenario.figure("mute_change_percent"),
    },
    Budget {
        what: "1,000 members, acknowledgements 20 ms late, later by (median)",
        scenario: "room-fanout-1000",
        limit: Limit::AtMost(10.0),
        unit: "%",
        figure: |scenario| scenario.figure("late_acks_change_percent"),
    },
    Budget {
        what: "storing a message to 9,500 members of whom one is online, CPU in multiples of a small room",
        scenario: "room-fanout-9500",
        limit: Limit::AtMost(2.0),
        unit: "times",
        figure: |scenario| scenario.figure("storing_cpu_times_small_room"),
    },
    Budget {
        what: "deliveries to ten rooms of 500 per second of the server's core",
        scenario: "room-max-10x500",
        limit: Limit::AtLeast(100_000.0),
        unit: "per core-second",
        figure: |scenario| scenario.figure("plain_deliveries_per_core_second"),
    },
    Budget {
        what: "the same with acknowledgements 20 ms late",
        scenario: "room-max-10x500",
        limit: Limit::AtLeast(100_000.0),
        unit: "per core-second",
        figure: |scenario| scenario.figure("late_acks_deliveries_per_core_second"),
    },
    Budget {
        what: "the same with 1 % who never acknowledge, less for each of the others by",
        scenario: "room-max-10x500",
        limit: Limit::AtMost(10.0),
        unit: "%",
        figure: |scenario| scenario.figure("mute_loss_percent"),
    },
    Budget {
        what: "deliveries to one room of 5,000 per second of the server's core",
        scenario: "room-max-1x5000",
        limit: Limit::AtLeast(100_000.0),
        unit: "per core-second",
        figure: |scenario| scenario.figure("plain_deliveries_per_core_second"),
    },
    Budget {
        what: "the same with 1 % who never acknowledge, less for each of the others by",
        scenario: "room-max-1x5000",
        limit: Limit::AtMost(10.0),
        unit: "%",
        figure: |scenario| scenario.figure("mute_loss_percent"),
    },
    Budget {
        what: "durable joins into one room",
        scenario: "joins",
        limit: Limit::AtLeast(2_000.0),
        unit: "joins/s",
        figure: |scenario| scenario.figure("one_room_joins_per_second"),
    },
    Budget {
        what: "durable joins into many rooms",
        scenario: "joins",
        limit: Limit::AtLeast(2_000.0),
        unit: "joins/s",
        figure: |scenario| scenario.figure("many_rooms_joins_per_second"),
    },
    Budget {
        what: "list of 10,000 members, complete, 99th percentile",
        scenario: "joins",
        limit: Limit::AtMost(50.0),
        unit: "ms",
        figure: |scenario| scenario.latency("member_list", |summary| summary.p99_ms),
    },
    Budget {
        what: "10 MB/s to 100 subscribers, binary, 99th percentile",
        scenario: "stream",
        limit: Limit::AtMost(100.0),
        unit: "ms",
        figure: |scenario| scenario.latency("binary_chunk", |summary| summary.p99_ms),
    },
    Budget {
        what: "10 MB/s to 100 subscribers, structured, 99th percentile",
        scenario: "stream",
        limit: Limit::AtMost(100.0),
        unit: "ms",
        figure: |scenario| scenario.latency("structured_chunk", |summary| summary.p99_ms),
    },
    Budget {
        what: "10 MB/s to 100 subscribers one of whom never reads, 99th percentile of the others",
        scenario: "stream",
        limit: Limit::AtMost(100.0),
        unit: "ms",
        figure: |scenario| scenario.latency("one_never_reads_chunk", |summary| summary.p99_ms),
    },
    Budget {
        what: "chunks dropped for subscribers that read, binary",
        scenario: "stream",
        limit: Limit::AtMost(0.1),
        unit: "%",
        figure: |scenario| scenario.figure("binary_dropped_percent"),
    },
    Budget {
        what: "chunks dropped for subscribers that read, while another never reads",
        scenario: "stream",
        limit: Limit::AtMost(0.1),
        unit: "%",
        figure: |scenario| scenario.figure("one_never_reads_dropped_percent"),
    },
    Budget {
        what: "chat echo while 10,000 people go online, 99th percentile",
        scenario: "presence-storm",
        limit: Limit::AtMost(20.0),
        unit: "ms",
        figure: |scenario| scenario.latency("storm_chat_echo", |summary| summary.p99_ms),
    },
    Budget {
        what: "messages done at twice the maximum load, in percent of the maximum",
        scenario: "overload",
        limit: Limit::AtLeast(90.0),
        unit: "%",
        figure: |scenario| scenario.figure("load_2x_goodput_percent_of_maximum"),
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

    /// A trial with figures and latencies of 4 ms.
    fn timed(figures: &[(&str, f64)], kinds: &[&str]) -> Trial {
        let mut trial = Trial::default();
        figures
            .iter()
            .for_each(|(name, value)| trial.figure(name, *value));
        for kind in kinds {
            let mut latencies = Latencies::new();
            latencies.record(Duration::from_millis(4));
            trial.latency(kind, latencies);
        }
        trial
    }

    /// The scenarios of rooms, streams, presence and overload, all within their budgets.
    fn good_community() -> Vec<ScenarioReport> {
        let changes = [("mute_change_percent", 9.9), ("late_acks_change_percent", -3.0)];
        let storing = [("storing_cpu_times_small_room", 1.1)];
        let rates = [
            ("plain_deliveries_per_core_second", 100_000.0),
            ("late_acks_deliveries_per_core_second", 100_000.0),
            ("mute_loss_percent", 10.0),
        ];
        let dropped = [
            ("binary_dropped_percent", 0.0),
            ("one_never_reads_dropped_percent", 0.1),
        ];
        let joins = [
            ("one_room_joins_per_second", 2_000.0),
            ("many_rooms_joins_per_second", 2_000.0),
        ];
        let chunks = ["binary_chunk", "structured_chunk", "one_never_reads_chunk"];
        let fanout = [&changes[..], &storing[..]].concat();
        [
            ("room-fanout-9500", timed(&fanout, &["plain_last_receiver"])),
            ("room-fanout-1000", timed(&changes, &["plain_last_receiver"])),
            ("room-max-10x500", timed(&rates, &[])),
            ("room-max-1x5000", timed(&rates, &[])),
            ("joins", timed(&joins, &["member_list"])),
            ("stream", timed(&dropped, &chunks)),
            ("presence-storm", timed(&[], &["storm_chat_echo"])),
            (
                "overload",
                timed(&[("load_2x_goodput_percent_of_maximum", 90.0)], &[]),
            ),
        ]
        .into_iter()
        .map(|(name, trial)| ScenarioReport::new(name, BTreeMap::new(), &[trial]))
        .collect()
    }

    fn good() -> Report {
        let mut report = good_chat();
        report.scenarios.extend(good_community());
        report
    }

    fn good_chat() -> Report {
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
