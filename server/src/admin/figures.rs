//! Figures for Prometheus (docs/metrics.md) and whether the server is ready. Every figure is described once, here.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tim_protocol::error_code::ErrorCode;

use super::access::{Needs, Reach, Scope};
use super::{Admin, visit};
use crate::gateway::Peer;
use crate::web::answer::Refusal;

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
}

/// A figure.
pub(super) struct Figure {
    /// Its name.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) kind: Kind,
    /// What it tells.
    pub(super) help: &'static str,
    read: fn(&Admin) -> f64,
}

#[allow(clippy::cast_precision_loss, reason = "figures this large are only looked at")]
fn number(count: u64) -> f64 {
    count as f64
}

fn size(count: usize) -> f64 {
    number(count as u64)
}

fn counted(counter: &std::sync::atomic::AtomicU64) -> f64 {
    number(counter.load(Ordering::Relaxed))
}

/// All figures.
pub(super) const FIGURES: &[Figure] = &[
    Figure {
        name: "tim_uptime_seconds",
        kind: Kind::Gauge,
        help: "Seconds since the server was started.",
        read: |admin| admin.started.elapsed().as_secs_f64(),
    },
    Figure {
        name: "tim_client_sockets",
        kind: Kind::Gauge,
        help: "Sockets of clients, logged in or not.",
        read: |admin| size(admin.operations.client_sockets()),
    },
    Figure {
        name: "tim_sessions",
        kind: Kind::Gauge,
        help: "Sessions of this node that are logged in.",
        read: |admin| size(admin.engine.online().session_count()),
    },
    Figure {
        name: "tim_messages_stored_total",
        kind: Kind::Counter,
        help: "Messages made durable.",
        read: |admin| counted(&admin.engine.counters().messages_stored),
    },
    Figure {
        name: "tim_messages_failed_total",
        kind: Kind::Counter,
        help: "Messages refused because the store failed or was overloaded.",
        read: |admin| counted(&admin.engine.counters().messages_failed),
    },
    Figure {
        name: "tim_volatile_dropped_total",
        kind: Kind::Counter,
        help: "Messages and echoes that are never stored and that a slow session had no room for.",
        read: |admin| counted(&admin.engine.counters().volatile_dropped),
    },
    Figure {
        name: "tim_presence_dropped_total",
        kind: Kind::Counter,
        help: "Presence that reached nobody, or for which a slow session had no room.",
        read: |admin| counted(&admin.engine.counters().presence_dropped),
    },
    Figure {
        name: "tim_presence_replaced_total",
        kind: Kind::Counter,
        help: "Presence replaced by newer presence of the same account before it was its turn.",
        read: |admin| counted(&admin.engine.counters().presence_replaced),
    },
    Figure {
        name: "tim_big_data_dropped_total",
        kind: Kind::Counter,
        help: "Big strings and binaries that a slow session had no room for.",
        read: |admin| counted(&admin.engine.counters().big_data_dropped),
    },
    Figure {
        name: "tim_stream_frames_dropped_total",
        kind: Kind::Counter,
        help: "Frames of streams that a slow session had no room for.",
        read: |admin| counted(&admin.engine.counters().stream_frames_dropped),
    },
    Figure {
        name: "tim_unfinished_bytes",
        kind: Kind::Gauge,
        help: "Bytes of big packets that sessions hold unfinished.",
        read: |admin| size(admin.engine.unfinished_bytes().load(Ordering::Relaxed)),
    },
    Figure {
        name: "tim_waiting_message_bytes",
        kind: Kind::Gauge,
        help: "Bytes of messages that wait to be made durable.",
        read: |admin| size(admin.engine.waiting_bytes()),
    },
    Figure {
        name: "tim_store_transactions_total",
        kind: Kind::Counter,
        help: "Transactions of the database.",
        read: |admin| number(admin.engine.store().load().transactions),
    },
    Figure {
        name: "tim_store_writes_total",
        kind: Kind::Counter,
        help: "Write operations of the database.",
        read: |admin| number(admin.engine.store().load().writes),
    },
    Figure {
        name: "tim_store_failed_transactions_total",
        kind: Kind::Counter,
        help: "Transactions that the database refused.",
        read: |admin| number(admin.engine.store().load().failed_transactions),
    },
    Figure {
        name: "tim_store_damaged_records_total",
        kind: Kind::Counter,
        help: "Records left out because they did not decrypt.",
        read: |admin| number(admin.engine.store().load().damaged_records),
    },
    Figure {
        name: "tim_store_waiting_writes",
        kind: Kind::Gauge,
        help: "Operations that wait to be written.",
        read: |admin| size(admin.engine.store().load().waiting_writes),
    },
    Figure {
        name: "tim_store_waiting_reads",
        kind: Kind::Gauge,
        help: "Operations that wait to be read.",
        read: |admin| size(admin.engine.store().load().waiting_reads),
    },
    Figure {
        name: "process_resident_memory_bytes",
        kind: Kind::Gauge,
        help: "Resident memory size in bytes.",
        read: |_| process().map_or(0.0, |(bytes, _)| number(bytes)),
    },
    Figure {
        name: "process_cpu_seconds_total",
        kind: Kind::Counter,
        help: "Total user and system CPU time spent in seconds.",
        read: |_| process().map_or(0.0, |(_, seconds)| seconds),
    },
    Figure {
        name: "process_open_fds",
        kind: Kind::Gauge,
        help: "Number of open file descriptors.",
        read: |_| std::fs::read_dir("/proc/self/fd").map_or(0.0, |entries| size(entries.count())),
    },
];

/// Resident bytes and seconds of processor time; `None` where the operating system does not tell.
fn process() -> Option<(u64, f64)> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything, blanks too.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks = number(rustix::param::clock_ticks_per_second()).max(1.0);
    let page = rustix::param::page_size() as u64;
    Some((
        field(21)?.saturating_mul(page),
        number(field(11)?.saturating_add(field(12)?)) / ticks,
    ))
}

/// All figures now.
pub(super) fn values(admin: &Admin) -> Vec<(&'static str, f64)> {
    FIGURES
        .iter()
        .map(|figure| (figure.name, (figure.read)(admin)))
        .collect()
}

fn text(admin: &Admin) -> String {
    let mut text = String::new();
    for figure in FIGURES {
        let kind = match figure.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let (name, help, value) = (figure.name, figure.help, (figure.read)(admin));
        // Writing to a string cannot fail.
        if writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}").is_err() {
            break;
        }
    }
    text
}

/// `/metrics`: for those who may see figures, and for everybody when the operator says so.
pub(super) async fn metrics(
    State(admin): State<Arc<Admin>>,
    Extension(peer): Extension<Peer>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    if !admin.config.admin.open_metrics {
        let source = admin.source(peer, &request);
        let (caller, _) = visit::identify(&admin, request.headers(), source, false).await?;
        if !caller.may(Needs::Right(Scope::StatisticsRead, Reach::Server)) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                ErrorCode::PermDenied,
                format!("{} is needed", Scope::StatisticsRead),
            ));
        }
    }
    let mut response = text(&admin).into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// `/health/ready`: whether clients are served and the store answers.
pub(super) async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    if !admin.operations.is_serving() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match admin.engine.store().audit(None, 1).await {
        Ok(_) => "ok\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready: the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n").into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_documented() {
        let document = include_str!("../../../docs/metrics.md");
        for figure in FIGURES {
            assert!(
                document.contains(&format!("`{}`", figure.name)),
                "{}",
                figure.name
            );
            let is_counter = figure.name.ends_with("_total");
            assert_eq!(is_counter, figure.kind == Kind::Counter, "{}", figure.name);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_has_memory_and_has_worked() {
        let (bytes, seconds) = process().unwrap();
        assert!(bytes > 100_000 && seconds >= 0.0, "{bytes} {seconds}");
    }
}
