//! The server itself: figures, who is online, configuration, certificates, the data key.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tim_protocol::error_code::ErrorCode;

use crate::admin::access::{Needs, Reach, Scope};
use crate::admin::call::{Call, Context, Nothing};
use crate::admin::figures;
use crate::admin::operators;
use crate::config::KEYS;
use crate::web::answer::Refusal;

/// Entries of a page when the request does not say, and at most.
const USUAL_PAGE: usize = 1_000;
const LARGEST_PAGE: usize = 10_000;

pub(super) fn calls() -> Vec<Call> {
    let statistics = Needs::Right(Scope::StatisticsRead, Reach::Server);
    let configuration = Needs::Right(Scope::ConfigurationRead, Reach::Server);
    let operate = Needs::Right(Scope::ServerOperate, Reach::Server);
    let accounts = Needs::Right(Scope::AccountsRead, Reach::Domain);
    vec![
        Call::new(
            "listOnline",
            (Method::GET, "/online"),
            accounts,
            "Accounts with a session on this node",
            online,
        ),
        Call::new(
            "getStatistics",
            (Method::GET, "/statistics"),
            statistics,
            "Figures of the server",
            read_statistics,
        ),
        Call::new(
            "getConfiguration",
            (Method::GET, "/configuration"),
            configuration,
            "The configuration in force; secrets are not shown",
            read_configuration,
        ),
        Call::new(
            "reloadCertificates",
            (Method::POST, "/server/reload"),
            operate,
            "Read certificate and key again",
            reload,
        ),
        Call::new(
            "rotateKey",
            (Method::POST, "/server/rotate-key"),
            operate,
            "Make a new data key and re-encrypt in the background",
            rotate,
        ),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct OnlineQuery {
    /// Only those of this domain; empty for the default domain.
    domain: Option<String>,
    /// The last account of the page before.
    after: Option<String>,
    /// 1 to 10000; 1000 when absent.
    #[schemars(range(min = 1, max = 10000))]
    limit: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
struct OnlineAccount {
    /// Its public address.
    node: String,
    /// Its sessions here.
    sessions: Vec<OnlineSession>,
}

#[derive(Serialize, JsonSchema)]
struct OnlineSession {
    /// What it logged in with as its resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    /// Type of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_type: Option<i8>,
}

#[derive(Serialize, JsonSchema)]
struct OnlinePage {
    /// Sorted by address.
    accounts: Vec<OnlineAccount>,
    /// How many there are in all.
    total: usize,
    /// `after` of the next page; absent: there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Figures.
#[derive(Serialize, JsonSchema)]
struct Statistics {
    /// Version of the server.
    version: &'static str,
    /// Seconds since it was started.
    uptime: u64,
    /// Accounts there are.
    accounts: u64,
    /// Rooms there are.
    rooms: u64,
    /// Bytes of the database.
    database_bytes: u64,
    /// The figures of `/metrics`, by name.
    metrics: std::collections::BTreeMap<&'static str, f64>,
}

/// A setting.
#[derive(Serialize, JsonSchema)]
struct Setting {
    /// Its section and name.
    name: String,
    /// Its value, as it would stand in the file.
    value: String,
}

#[derive(Serialize, JsonSchema)]
struct Configuration {
    /// In the order of the file.
    settings: Vec<Setting>,
}

#[derive(Serialize, JsonSchema)]
struct Rotated {
    /// Number of the new key.
    key: u32,
}

async fn online(context: Context, asked: OnlineQuery, _: Nothing) -> Result<OnlinePage, Refusal> {
    let limit = asked.limit.unwrap_or(USUAL_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Refusal::malformed(format!("limit is 1 to {LARGEST_PAGE}")));
    }
    let engine = &context.admin.engine;
    let all = engine.online_accounts(context.domain(asked.domain)?.as_deref());
    let after = asked.after.as_deref().unwrap_or_default();
    let start = all.partition_point(|account| account.as_str() <= after);
    let page: Vec<_> = all.iter().skip(start).take(limit).collect();
    let shown = page.iter().map(|account| OnlineAccount {
        node: account.as_str().to_owned(),
        sessions: engine.online().get(account).map_or_else(Vec::new, |online| {
            let sessions = online.members().into_iter().map(|member| OnlineSession {
                resource: member.tid.resource.clone(),
                device_type: member.tid.termtyp,
            });
            sessions.collect()
        }),
    });
    let has_more = start + page.len() < all.len();
    Ok(OnlinePage {
        accounts: shown.collect(),
        total: all.len(),
        next: page
            .last()
            .filter(|_| has_more)
            .map(|account| account.as_str().to_owned()),
    })
}

async fn read_statistics(context: Context, _: Nothing, _: Nothing) -> Result<Statistics, Refusal> {
    let admin = &context.admin;
    let totals = admin.engine.store().totals().await;
    let totals = totals.map_err(|error| Refusal::from(operators::failed(&error)))?;
    Ok(Statistics {
        version: env!("CARGO_PKG_VERSION"),
        uptime: admin.started.elapsed().as_secs(),
        accounts: totals.accounts,
        rooms: totals.rooms,
        database_bytes: totals.bytes,
        metrics: figures::values(admin).into_iter().collect(),
    })
}

async fn read_configuration(context: Context, _: Nothing, _: Nothing) -> Result<Configuration, Refusal> {
    let settings = KEYS.iter().map(|key| Setting {
        name: format!("{}.{}", key.section, key.name),
        value: context.admin.config.shown(key),
    });
    Ok(Configuration {
        settings: settings.collect(),
    })
}

async fn reload(context: Context, _: Nothing, _: Nothing) -> Result<Nothing, Refusal> {
    let reloading = context.admin.operations.reload_tls();
    reloading.map_err(|reason| {
        Refusal::new(
            axum::http::StatusCode::CONFLICT,
            ErrorCode::Undefined,
            format!("the old certificate stays in use: {reason}"),
        )
    })?;
    Ok(Nothing {})
}

async fn rotate(context: Context, _: Nothing, _: Nothing) -> Result<Rotated, Refusal> {
    let rotated = context.admin.engine.rotate_key().await;
    let key = rotated.map_err(|error| Refusal::from(operators::failed(&error)))?;
    Ok(Rotated { key })
}
