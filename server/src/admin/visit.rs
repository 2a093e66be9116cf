//! Who makes a request: a key in its header or a session in its cookie. A cookie alone says nothing about the page
//! that sends it along, so that page is looked at too, and a change needs a token besides.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use tim_protocol::error_code::ErrorCode;

use super::Admin;
use super::access::{Caller, Needs};
use super::call::{Call, Context};
use super::operators::{self, ApiKey, Operator};
use crate::web::answer::Refusal;
use crate::web::request::{Page, Source};

/// Name of the cookie.
const COOKIE_NAME: &str = "tim_admin";
/// Header in which pages show the token of their session.
const CSRF_HEADER: &str = "x-csrf-token";
/// Uses of a key closer together than this are not written down.
const USE_INTERVAL: Duration = Duration::from_secs(600);

/// Finds out who calls and whether it may.
pub(super) async fn enter(
    admin: &Arc<Admin>,
    call: &Call,
    context: &mut Context,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    if call.needs == Needs::Nothing {
        // A page of elsewhere must not log its visitor in either.
        return match context.source.page {
            Page::Foreign => Err(foreign()),
            Page::Own | Page::Unsaid => Ok(()),
        };
    }
    let (caller, cookie) = identify(admin, headers, context.source, call.is_change()).await?;
    let may = caller.may(call.needs);
    (context.caller, context.cookie) = (Some(caller), cookie);
    if may {
        return Ok(());
    }
    let text = match call.needs {
        Needs::Right(scope, _) => format!("this access does not reach so far: {scope} is needed"),
        Needs::Nothing | Needs::Person => "only for people who have logged in".to_owned(),
    };
    Err(Refusal::new(StatusCode::FORBIDDEN, ErrorCode::PermDenied, text))
}

/// Who shows these headers, and the secret of the session if it is one.
pub(super) async fn identify(
    admin: &Admin,
    headers: &HeaderMap,
    source: Source,
    is_change: bool,
) -> Result<(Caller, Option<String>), Refusal> {
    if let Some(key) = bearer(headers) {
        return Ok((key_holder(admin, key, source).await?, None));
    }
    let secret = cookie(headers).ok_or_else(Refusal::no_session)?;
    let session = admin.sessions.find(secret, admin.engine.clock().now());
    let session = session.ok_or_else(Refusal::no_session)?;
    if source.page == Page::Foreign {
        return Err(foreign());
    }
    let shown = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
    if is_change && !shown.is_some_and(|shown| session.is_csrf(shown)) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            ErrorCode::PermDenied,
            format!("a change needs the token of the session in the header {CSRF_HEADER}"),
        ));
    }
    // Read every time: a role that was taken away counts at once.
    let operator: Option<Operator> = operators::read(admin.engine.store(), &session.operator).await?;
    let operator = operator.filter(|operator| !operator.disabled);
    let operator = operator.ok_or_else(Refusal::no_session)?;
    let caller = Caller::person(&session.operator, operator.role, operator.domain);
    Ok((caller, Some(secret.to_owned())))
}

async fn key_holder(admin: &Admin, text: &str, source: Source) -> Result<Caller, Refusal> {
    let now = admin.engine.clock().now();
    if !admin.failures_by_address.is_allowed(&source.address, now) {
        let pause = admin.engine.settings().guessing.failures_per_address.refill;
        return Err(Refusal::too_many(ErrorCode::OverHz, "too many attempts", pause));
    }
    let refused = || {
        admin.failures_by_address.count(&source.address, now);
        Refusal::new(
            StatusCode::UNAUTHORIZED,
            ErrorCode::Token,
            "no such key, or it has expired",
        )
    };
    let id = operators::key_id(text).ok_or_else(refused)?;
    let store = admin.engine.store();
    let key: Option<ApiKey> = operators::read(store, id).await?;
    let is_good = |key: &ApiKey| {
        let hash = operators::hash(text);
        bool::from(subtle::ConstantTimeEq::ct_eq(&hash[..], &key.hash[..])) && key.is_good(now)
    };
    let key = key.filter(is_good).ok_or_else(refused)?;
    let is_stale = |used: i64| crate::store::Timestamp(used).plus(USE_INTERVAL) <= now;
    if key.last_used.is_none_or(is_stale) {
        let noting = operators::change(store, id, |key: &mut ApiKey| {
            key.last_used = Some(now.0);
            Ok(())
        });
        if let Err(code) = noting.await {
            tracing::warn!(?code, "the use of a key was not noted");
        }
    }
    Ok(key.caller(id))
}

fn foreign() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        ErrorCode::PermDenied,
        "the page that asks is of another origin",
    )
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value)
}

/// The header that makes a browser keep a secret, or forget it.
pub(super) fn set_cookie(secret: &str, is_private: bool, seconds: u64) -> Option<HeaderValue> {
    let mut text = format!("{COOKIE_NAME}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    if is_private {
        text.push_str("; Secure");
    }
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
