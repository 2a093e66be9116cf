//! Markdown tables from a report, and putting them into a document between two markers, so that
//! the figures of a document are never typed by hand.

use anyhow::{Context, Result};

use crate::budget::{BUDGETS, Limit, Outcome};
use crate::report::{Report, ScenarioReport, Spread};

/// First line of the generated part of a document.
pub const BEGIN: &str = "<!-- load figures: begin, made by `tim-bench render` -->";
/// Last line of the generated part.
pub const END: &str = "<!-- load figures: end -->";

/// Figures of the original server, measured on the same machine: what is compared, its figure,
/// the scenario with ours and how to say it.
type Comparison = (
    &'static str,
    &'static str,
    &'static str,
    fn(&ScenarioReport) -> Option<String>,
);
const ORIGINAL: &[Comparison] = &[
    ("memory of an idle connection", "26.6 KB", "idle", |idle| {
        Some(format!(
            "{:.1} KB",
            idle.figure("rss_bytes_per_connection")?.median / 1000.0
        ))
    }),
    (
        "durable messages per second",
        "at most 600 (at 500/s delays grow to 8-18 s and messages are refused)",
        "chat-max",
        |chat| Some(number(chat.figure("messages_per_second")?.median)),
    ),
    (
        "drain of offline messages",
        "5,000 in 3.5 s",
        "offline-drain",
        |drain| {
            let count = drain
                .parameters
                .get("messages")
                .and_then(|count| count.parse().ok())
                .map(number)?;
            Some(format!(
                "{count} in {:.2} s",
                drain.figure("drain_ms")?.median / 1e3
            ))
        },
    ),
    ("password logins per second", "16", "login-storm", |storm| {
        Some(format!(
            "{:.0} (Argon2id)",
            storm.figure("password_logins_per_second")?.median
        ))
    }),
    ("token logins per second", "-", "login-storm", |storm| {
        Some(number(storm.figure("token_logins_per_second")?.median))
    }),
    (
        "message to 1,000 members, last receiver",
        "p50 116-135 ms, p99 158-243 ms",
        "room-fanout-1000",
        |room| last_receiver(room, "plain"),
    ),
    (
        "the same, acknowledgements 20 ms late",
        "21.6 s",
        "room-fanout-1000",
        |room| last_receiver(room, "late_acks"),
    ),
    (
        "the same, 1 % never acknowledge",
        "137 of 1,000 reached after 45 s",
        "room-fanout-1000",
        |room| last_receiver(room, "mute"),
    ),
    (
        "message to 9,500 members, last receiver",
        "1.0-1.5 s",
        "room-fanout-9500",
        |room| last_receiver(room, "plain"),
    ),
    ("joins per second", "138-196", "joins", |joins| {
        Some(number(joins.figure("one_room_joins_per_second")?.median))
    }),
];

fn last_receiver(room: &ScenarioReport, variant: &str) -> Option<String> {
    let all = room.pooled.get(&format!("{variant}_last_receiver"))?;
    Some(format!(
        "p50 {} ms, p99 {} ms",
        number(all.p50_ms),
        number(all.p99_ms)
    ))
}

/// All tables of a report.
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    let machine = &report.machine;
    line(&mut text, format_args!("- Command: `{}`", report.command));
    line(
        &mut text,
        format_args!(
            "- Commit: `{}`; server: {}; {}",
            report.commit, report.server, report.placement
        ),
    );
    line(
        &mut text,
        format_args!(
            "- Machine: {}, {} cores, {} MiB, Linux {}; 4 KiB write + `fdatasync`: median {:.0} us, p99 {:.0} us; \
             load average before the run {:.1}\n",
            machine.cpu,
            machine.cores,
            machine.memory_mib,
            machine.kernel,
            machine.fsync_p50_us,
            machine.fsync_p99_us,
            machine.load_before
        ),
    );
    budgets(&mut text, report);
    comparison(&mut text, report);
    for scenario in &report.scenarios {
        scenario_tables(&mut text, scenario);
    }
    text
}

/// Appends a line.
fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.push_str(&arguments.to_string());
    text.push('\n');
}

fn budgets(text: &mut String, report: &Report) {
    text.push_str("| budget | limit | median | spread | |\n|---|---:|---:|---:|---|\n");
    for budget in BUDGETS
        .iter()
        .filter(|budget| report.scenario(budget.scenario).is_some())
    {
        let limit = match budget.limit {
            Limit::AtMost(limit) => format!("≤ {} {}", number(limit), budget.unit),
            Limit::AtLeast(limit) => format!("≥ {} {}", number(limit), budget.unit),
        };
        let (spread, verdict) = match budget.check(report) {
            Outcome::Met(spread) => (Some(spread), "met"),
            Outcome::Missed(spread) => (Some(spread), "**missed**"),
            Outcome::NotMeasured => (None, "not measured"),
        };
        let (median, spread) = spread.map_or_else(Default::default, columns);
        line(
            text,
            format_args!("| {} | {limit} | {median} | {spread} | {verdict} |", budget.what),
        );
    }
    let violations: Vec<_> = report
        .scenarios
        .iter()
        .flat_map(|scenario| {
            scenario
                .violations()
                .map(move |violation| format!("{}: {violation}", scenario.name))
        })
        .collect();
    if violations.is_empty() {
        text.push_str("\nNo message was lost, doubled, reordered or refused in any trial.\n\n");
    } else {
        text.push_str("\nViolations:\n\n");
        violations
            .iter()
            .for_each(|violation| line(text, format_args!("- {violation}")));
        text.push('\n');
    }
}

fn comparison(text: &mut String, report: &Report) {
    let rows: Vec<_> = ORIGINAL
        .iter()
        .filter_map(|(what, original, scenario, ours)| {
            Some((what, original, ours(report.scenario(scenario)?)?))
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    text.push_str("| against the original | original | this server |\n|---|---:|---:|\n");
    for (what, original, ours) in rows {
        line(text, format_args!("| {what} | {original} | {ours} |"));
    }
    text.push('\n');
}

fn scenario_tables(text: &mut String, scenario: &ScenarioReport) {
    let parameters: Vec<_> = scenario
        .parameters
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    line(text, format_args!("### {}\n", scenario.name));
    line(
        text,
        format_args!(
            "{} {}; {}.\n",
            scenario.trials.len(),
            if scenario.trials.len() == 1 {
                "trial"
            } else {
                "trials"
            },
            parameters.join(", ")
        ),
    );
    text.push_str("| figure | median | spread |\n|---|---:|---:|\n");
    for name in scenario.figure_names() {
        if let Some(spread) = scenario.figure(name) {
            let (median, spread) = columns(spread);
            line(
                text,
                format_args!("| {} | {median} | {spread} |", name.replace('_', " ")),
            );
        }
    }
    text.push('\n');
    if scenario.pooled.is_empty() {
        return;
    }
    text.push_str(
        "| latency, ms, all trials | count | p50 | p90 | p99 | p99.9 | max | p99 of each trial |\n",
    );
    text.push_str("|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for (kind, all) in &scenario.pooled {
        let p99 = scenario
            .latency(kind, |summary| summary.p99_ms)
            .map_or_else(String::new, |spread| columns(spread).1);
        line(
            text,
            format_args!(
                "| {} | {} | {} | {} | {} | {} | {} | {p99} |",
                kind.replace('_', " "),
                all.count,
                number(all.p50_ms),
                number(all.p90_ms),
                number(all.p99_ms),
                number(all.p999_ms),
                number(all.max_ms)
            ),
        );
    }
    text.push('\n');
}

fn columns(spread: Spread) -> (String, String) {
    (
        number(spread.median),
        format!("{} – {}", number(spread.least), number(spread.most)),
    )
}

/// Three or four significant digits, thousands separated.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        below if below < 10.0 => 2,
        below if below < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::with_capacity(text.len() + 4);
    let digits = whole.trim_start_matches('-');
    if digits.len() < whole.len() {
        grouped.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

/// Replaces what stands between the markers of `document`.
pub fn replace_part(document: &str, part: &str) -> Result<String> {
    let (before, rest) = document
        .split_once(BEGIN)
        .with_context(|| format!("the document has no line {BEGIN:?}"))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("the document has no line {END:?}"))?;
    Ok(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", part.trim()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::Trial;

    #[test]
    fn numbers_keep_three_digits_and_separate_thousands() {
        assert_eq!(number(0.1234), "0.12");
        assert_eq!(number(19.96), "20.0");
        assert_eq!(number(22_345.6), "22,346");
        assert_eq!(number(999.6), "1,000");
        assert_eq!(number(-1_234_567.0), "-1,234,567");
    }

    #[test]
    fn tables_contain_figures_budgets_and_comparison() {
        let trials: Vec<Trial> = [21_000.0, 23_000.0, 22_000.0]
            .into_iter()
            .map(|rate| {
                let mut trial = Trial::default();
                trial.figure("messages_per_second", rate);
                trial
            })
            .collect();
        let scenario = ScenarioReport::new("chat-max", BTreeMap::new(), &trials);
        let text = markdown(&Report {
            scenarios: vec![scenario],
            ..Report::default()
        });
        assert!(
            text.contains("| messages per second | 22,000 | 21,000 – 23,000 |"),
            "{text}"
        );
        assert!(text.contains("≥ 20,000 messages/s | 22,000 |"), "{text}");
        assert!(text.contains("| durable messages per second |"), "{text}");
        assert!(
            !text.contains("drain"),
            "no rows of scenarios that did not run: {text}"
        );
    }

    #[test]
    fn only_the_part_between_the_markers_is_replaced() {
        let document = format!("head\n{BEGIN}\nold\n{END}\ntail\n");
        let changed = replace_part(&document, "new\n").unwrap();
        assert_eq!(changed, format!("head\n{BEGIN}\n\nnew\n\n{END}\ntail\n"));
        assert_eq!(replace_part(&changed, "new\n").unwrap(), changed);
    }

    #[test]
    fn document_without_markers_is_refused() {
        assert!(replace_part("nothing here", "x").is_err());
        assert!(replace_part(&format!("{BEGIN} only"), "x").is_err());
    }
}
