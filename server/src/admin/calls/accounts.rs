//! Accounts: lists, making them, passwords, suspension, devices, tokens, profiles.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::TimUserBean;

use crate::admin::access::{Needs, Reach, Scope};
use crate::admin::call::{Call, Context, Nothing, no_account};
use crate::admin::operators;
use crate::store::{AccountEntry, AccountOrder, AccountQuery, Timestamp};
use crate::web::answer::Refusal;

/// Entries of a page when the request does not say, and at most.
const USUAL_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1_000;

pub(super) fn calls() -> Vec<Call> {
    let read = Needs::Right(Scope::AccountsRead, Reach::Domain);
    let write = Needs::Right(Scope::AccountsWrite, Reach::Domain);
    let token = Needs::Right(Scope::TokensIssue, Reach::Domain);
    let (all, one) = ("/accounts", "/accounts/{node}");
    vec![
        Call::new(
            "listAccounts",
            (Method::GET, all),
            read,
            "A page of accounts",
            list,
        ),
        Call::new(
            "createAccount",
            (Method::POST, all),
            write,
            "Create an account",
            create,
        )
        .status(StatusCode::CREATED),
        Call::new(
            "findAccount",
            (Method::POST, "/accounts/find"),
            read,
            "The account with a login name",
            find,
        ),
        Call::new("getAccount", (Method::GET, one), read, "An account", get),
        Call::new(
            "resetPassword",
            (Method::PUT, "/accounts/{node}/password"),
            write,
            "Give an account a new password; ends its logins in browsers",
            reset,
        ),
        Call::new(
            "suspendAccount",
            (Method::PUT, "/accounts/{node}/suspension"),
            write,
            "End all sessions of an account and let nobody log in to it",
            suspend,
        ),
        Call::new(
            "allowAccount",
            (Method::DELETE, "/accounts/{node}/suspension"),
            write,
            "Let an account log in again",
            allow,
        ),
        Call::new(
            "listDevices",
            (Method::GET, "/accounts/{node}/devices"),
            read,
            "Devices of an account and what waits for them",
            devices,
        ),
        Call::new(
            "logOutAccount",
            (Method::POST, "/accounts/{node}/logout"),
            write,
            "End all sessions of an account",
            log_out,
        ),
        Call::new(
            "issueToken",
            (Method::POST, "/accounts/{node}/tokens"),
            token,
            "A token that logs in once",
            issue,
        )
        .status(StatusCode::CREATED),
        Call::new(
            "getProfile",
            (Method::GET, "/accounts/{node}/profile"),
            read,
            "The profile of an account",
            profile,
        ),
        Call::new(
            "changeProfile",
            (Method::PATCH, "/accounts/{node}/profile"),
            write,
            "Change it; what is absent stays",
            change_profile,
        ),
    ]
}

/// The order of a list.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// By address.
    #[default]
    Node,
    /// Oldest first.
    Created,
    /// Newest first.
    Newest,
}

#[derive(Deserialize, JsonSchema)]
struct ListQuery {
    /// Only those of this domain; empty for the default domain.
    domain: Option<String>,
    /// Only those whose address begins so.
    prefix: Option<String>,
    /// Only those that are suspended now, or that are not.
    suspended: Option<bool>,
    /// Only those registered at that time or later, in nanoseconds since 1970.
    created_from: Option<i64>,
    /// Only those registered before that time.
    created_before: Option<i64>,
    /// `node` when absent.
    sort: Option<Order>,
    /// `next` of the page before.
    after: Option<String>,
    /// 1 to 1000; 100 when absent.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
}

/// An account.
#[derive(Serialize, JsonSchema)]
struct Shown {
    /// Its public address.
    node: String,
    /// Its domain; empty for the default one.
    domain: String,
    /// When it was registered, in nanoseconds since 1970.
    created: i64,
    /// Nobody can log in before that time; absent: not suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_until: Option<i64>,
    /// Its sessions on this node.
    sessions: usize,
}

#[derive(Serialize, JsonSchema)]
struct Page {
    /// The accounts.
    accounts: Vec<Shown>,
    /// `after` of the next page; absent: there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct NewAccount {
    /// Login name.
    name: String,
    /// Password.
    password: String,
    /// Domain; absent: the default one, or that of the caller.
    domain: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Name {
    /// Login name.
    name: String,
    /// Domain; absent: the default one, or that of the caller.
    domain: Option<String>,
}

/// The address of an account.
#[derive(Serialize, JsonSchema)]
struct Address {
    /// Its public address.
    node: String,
}

#[derive(Deserialize, JsonSchema)]
struct Password {
    /// The new password.
    password: String,
}

#[derive(Deserialize, JsonSchema)]
struct Suspension {
    /// For how many seconds; absent: until it is allowed again.
    #[schemars(range(min = 1, max = 3_153_600_000_i64))]
    seconds: Option<u64>,
}

/// A device of an account.
#[derive(Serialize, JsonSchema)]
struct Device {
    /// `r:` and the resource it logs in with, `h:` and a hash of a long one, or `t:` and its type.
    key: String,
    /// Its sessions on this node.
    sessions: usize,
    /// Entries of the inbox that it has not acknowledged.
    waiting: i64,
}

#[derive(Serialize, JsonSchema)]
struct Devices {
    /// Those that messages are kept for.
    devices: Vec<Device>,
}

/// A token.
#[derive(Serialize, JsonSchema)]
struct Token {
    /// Address of the account.
    node: String,
    /// The token, good once within `accounts.token_lifetime`.
    token: String,
}

/// A profile; all of it is free text.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Profile {
    /// Name for other people to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Second name for other people to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    /// Birthday.
    #[serde(skip_serializing_if = "Option::is_none")]
    birthday: Option<String>,
    /// Defined by the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<i8>,
    /// Address of the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    cover: Option<String>,
    /// Where the person is.
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<String>,
    /// Fields of applications; replaced as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    extend: Option<std::collections::BTreeMap<String, String>>,
}

fn shown(context: &Context, entry: AccountEntry) -> Shown {
    let engine = &context.admin.engine;
    let now = engine.clock().now();
    let online = engine.online().get(&entry.id);
    Shown {
        node: entry.id.as_str().to_owned(),
        domain: entry.domain,
        created: entry.created.0,
        suspended_until: entry
            .suspended_until
            .filter(|until| now < *until)
            .map(|until| until.0),
        sessions: online.map_or(0, |account| account.members().len()),
    }
}

async fn list(context: Context, asked: ListQuery, _: Nothing) -> Result<Page, Refusal> {
    let limit = asked.limit.unwrap_or(USUAL_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Refusal::malformed(format!("limit is 1 to {LARGEST_PAGE}")));
    }
    let after = match &asked.after {
        None => None,
        Some(cursor) => {
            let parsed = cursor
                .split_once('.')
                .and_then(|(created, id)| Some((Timestamp(created.parse().ok()?), id.to_owned())));
            Some(parsed.ok_or_else(|| Refusal::malformed("after is not what a page ended with"))?)
        }
    };
    let engine = &context.admin.engine;
    let query = AccountQuery {
        domain: context.domain(asked.domain)?,
        prefix: asked.prefix,
        suspended: asked.suspended.map(|wanted| (wanted, engine.clock().now())),
        created_from: asked.created_from.map(Timestamp),
        created_before: asked.created_before.map(Timestamp),
        order: match asked.sort.unwrap_or_default() {
            Order::Node => AccountOrder::Node,
            Order::Created => AccountOrder::Created,
            Order::Newest => AccountOrder::Newest,
        },
        after,
        limit,
    };
    let found = engine.store().list_accounts(&query).await;
    let found = found.map_err(|error| Refusal::from(operators::failed(&error)))?;
    let last = found.last().filter(|_| found.len() == limit);
    Ok(Page {
        next: last.map(|last| format!("{}.{}", last.created.0, last.id)),
        accounts: found.into_iter().map(|entry| shown(&context, entry)).collect(),
    })
}

async fn create(context: Context, _: Nothing, asked: NewAccount) -> Result<Address, Refusal> {
    let domain = context.domain(asked.domain)?.unwrap_or_default();
    let engine = &context.admin.engine;
    let id = engine
        .create_account(&domain, &asked.name, &asked.password)
        .await?;
    context.note("node", &id);
    Ok(Address {
        node: id.as_str().to_owned(),
    })
}

async fn find(context: Context, _: Nothing, asked: Name) -> Result<Address, Refusal> {
    let domain = context.domain(asked.domain)?.unwrap_or_default();
    let id = context.admin.engine.account_named(&domain, &asked.name);
    let id = id.ok_or(ErrorCode::Interface)?;
    let account = context.account(id.as_str()).await?;
    Ok(Address {
        node: account.as_str().to_owned(),
    })
}

async fn get(context: Context, _: Nothing, _: Nothing) -> Result<Shown, Refusal> {
    let account = context.stored_account(context.argument("node")).await?;
    let entry = AccountEntry {
        id: account.id,
        domain: account.domain,
        created: account.created,
        suspended_until: account.suspended_until,
    };
    Ok(shown(&context, entry))
}

async fn reset(context: Context, _: Nothing, asked: Password) -> Result<Nothing, Refusal> {
    let account = context.account(context.argument("node")).await?;
    context
        .admin
        .engine
        .reset_password(&account, &asked.password)
        .await?;
    Ok(Nothing {})
}

async fn suspend(context: Context, _: Nothing, asked: Suspension) -> Result<Nothing, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let engine = &context.admin.engine;
    let until = match asked.seconds {
        Some(seconds) => engine.clock().now().plus(Duration::from_secs(seconds)),
        None => Timestamp(i64::MAX),
    };
    context.note("until", until.0);
    found(engine.suspend(&account, until).await)
}

async fn allow(context: Context, _: Nothing, _: Nothing) -> Result<Nothing, Refusal> {
    let account = context.account(context.argument("node")).await?;
    found(context.admin.engine.lift_suspension(&account).await)
}

fn found(done: crate::store::Result<bool>) -> Result<Nothing, Refusal> {
    match done.map_err(|error| operators::failed(&error))? {
        true => Ok(Nothing {}),
        false => Err(no_account()),
    }
}

async fn devices(context: Context, _: Nothing, _: Nothing) -> Result<Devices, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let devices = context.admin.engine.devices(&account).await?;
    let shown = devices.into_iter().map(|device| Device {
        key: device.key,
        sessions: device.sessions,
        waiting: device.waiting,
    });
    Ok(Devices {
        devices: shown.collect(),
    })
}

async fn log_out(context: Context, _: Nothing, _: Nothing) -> Result<Nothing, Refusal> {
    let account = context.account(context.argument("node")).await?;
    context.admin.engine.log_out(&account).await?;
    Ok(Nothing {})
}

async fn issue(context: Context, _: Nothing, _: Nothing) -> Result<Token, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let token = context.admin.engine.token_for(&account).await?;
    Ok(Token {
        node: account.as_str().to_owned(),
        token,
    })
}

async fn profile(context: Context, _: Nothing, _: Nothing) -> Result<Profile, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let agent = context.admin.engine.agent(&account).await?;
    let node = account.as_str().to_owned();
    let found = context
        .admin
        .engine
        .user_profiles(&agent, std::slice::from_ref(&node))
        .await?;
    let bean = found.into_values().next().ok_or_else(no_account)?;
    Ok(Profile {
        name: bean.name,
        nickname: bean.nick_name,
        birthday: bean.brithday,
        gender: bean.gender,
        cover: bean.cover,
        area: bean.area,
        extend: bean.extend,
    })
}

async fn change_profile(context: Context, _: Nothing, asked: Profile) -> Result<Nothing, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let agent = context.admin.engine.agent(&account).await?;
    let change = TimUserBean {
        name: asked.name,
        nick_name: asked.nickname,
        brithday: asked.birthday,
        gender: asked.gender,
        cover: asked.cover,
        area: asked.area,
        extend: asked.extend,
        ..TimUserBean::default()
    };
    context.admin.engine.modify_user(&agent, change).await?;
    Ok(Nothing {})
}
