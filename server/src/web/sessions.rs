//! `/client/v1/session`: logging in and out, tokens for the WebSocket.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::TimAuth;

use super::Web;
use super::answer::{Refusal, json};
use super::request::{Page, Source, json_body};
use super::visit::{Shown, Visit, foreign, set_cookie};
use crate::engine::web_sessions::SessionError;

/// Browsers keep no cookie longer.
const LONGEST_COOKIE: Duration = Duration::from_secs(400 * 86_400);

#[derive(Deserialize)]
pub(super) struct Credentials {
    name: String,
    password: String,
    #[serde(default)]
    domain: Option<String>,
    #[serde(default)]
    remember: bool,
    #[serde(default)]
    bearer: bool,
}

#[derive(Serialize)]
struct Begun<'a> {
    node: &'a str,
    token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
}

pub(super) async fn begin(
    State(web): State<Arc<Web>>,
    source: Source,
    body: Body,
) -> Result<Response, Refusal> {
    let asked: Credentials = json_body(&web, body).await?;
    if !asked.bearer && source.page == Page::Foreign {
        return Err(foreign());
    }
    let auth = TimAuth {
        name: Some(asked.name),
        pwd: Some(asked.password),
        domain: asked.domain.filter(|domain| !domain.is_empty()),
        ..TimAuth::default()
    };
    let remembered = asked.remember && !asked.bearer;
    let begun = web.engine.begin_session(source.address, &auth, remembered).await;
    let begun = begun.map_err(|code| refused_login(&web, code))?;
    let token = web.engine.session_token(&begun.visitor).await?;
    let secret = begun.secret.as_str();
    let answer = Begun {
        node: begun.visitor.account.as_str(),
        token: &token,
        session: asked.bearer.then_some(secret),
    };
    let mut response = json(StatusCode::OK, &answer);
    if !asked.bearer {
        keep(response.headers_mut(), &web, secret, source, remembered);
    }
    Ok(response)
}

fn refused_login(web: &Web, code: ErrorCode) -> Refusal {
    match code {
        ErrorCode::OverHz => {
            let pause = web.engine.settings().guessing.failures_per_account.refill;
            Refusal::too_many(ErrorCode::OverEntry, "too many attempts", pause)
        }
        ErrorCode::NoPass => Refusal::new(StatusCode::UNAUTHORIZED, code, "wrong name or password"),
        ErrorCode::PermDenied => Refusal::new(StatusCode::FORBIDDEN, code, "the account is suspended"),
        other => other.into(),
    }
}

pub(super) async fn token(State(web): State<Arc<Web>>, visit: Visit) -> Result<Response, Refusal> {
    let token = web.engine.session_token(&visit.visitor).await?;
    let answer = Begun {
        node: visit.visitor.account.as_str(),
        token: &token,
        session: None,
    };
    let mut response = json(StatusCode::OK, &answer);
    if let Some(secret) = &visit.cookie
        && visit.visitor.remembered
    {
        // The browser forgets it only when it is not used for that long.
        keep(response.headers_mut(), &web, secret, visit.source, true);
    }
    Ok(response)
}

/// Logging out twice is logging out.
pub(super) async fn end(
    State(web): State<Arc<Web>>,
    source: Source,
    shown: Shown,
) -> Result<Response, Refusal> {
    let (Shown::Bearer(secret) | Shown::Cookie(secret)) = &shown;
    match web.engine.visitor(secret).await {
        Ok(visitor) => web.engine.end_session(&visitor).await?,
        Err(SessionError::Ended) => {}
        Err(error) => return Err(error.into()),
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if matches!(shown, Shown::Cookie(_))
        && let Some(cookie) = set_cookie("", source.is_private, Some(0))
    {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

pub(super) async fn end_others(State(web): State<Arc<Web>>, visit: Visit) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Ended {
        ended: usize,
    }
    let ended = web.engine.end_other_sessions(&visit.visitor).await?;
    Ok(json(StatusCode::OK, &Ended { ended }))
}

/// Makes the browser keep the secret.
fn keep(headers: &mut HeaderMap, web: &Web, secret: &str, source: Source, remembered: bool) {
    let lifetime = web
        .engine
        .settings()
        .accounts
        .session_lifetime
        .min(LONGEST_COOKIE);
    let seconds = remembered.then_some(lifetime.as_secs());
    headers.extend(set_cookie(secret, source.is_private, seconds).map(|cookie| (SET_COOKIE, cookie)));
}
