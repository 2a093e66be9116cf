//! Who makes a request: the session in its cookie or header. A cookie alone says nothing about the page
//! that sends it along, so that page is looked at too.

use std::sync::Arc;

use axum::extract::{Extension, FromRequestParts};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use tim_protocol::error_code::ErrorCode;

use super::Web;
use super::answer::Refusal;
use super::request::{Page, Source};
use crate::engine::web_sessions::Visitor;
use crate::gateway::Peer;

/// Name of the cookie.
const COOKIE_NAME: &str = "tim_session";

/// A request of somebody who has logged in.
#[derive(Debug)]
pub(super) struct Visit {
    /// Who it is.
    pub(super) visitor: Visitor,
    /// Where it comes from.
    pub(super) source: Source,
    /// The secret, when it came in a cookie.
    pub(super) cookie: Option<String>,
}

/// What a request shows.
pub(super) enum Shown {
    /// From the header.
    Bearer(String),
    /// From the cookie.
    Cookie(String),
}

impl FromRequestParts<Arc<Web>> for Source {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Refusal> {
        let peer = Extension::<Peer>::from_request_parts(parts, web).await;
        let Extension(peer) = peer.map_err(|_| Refusal::from(ErrorCode::Undefined))?;
        let source = Self::new(web, peer, &parts.method, &parts.headers);
        // With a list of origins nobody else is served, as on the WebSocket.
        if source.page == Page::Foreign && !web.origins.is_empty() {
            return Err(foreign());
        }
        Ok(source)
    }
}

impl FromRequestParts<Arc<Web>> for Shown {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Refusal> {
        let source = Source::from_request_parts(parts, web).await?;
        if let Some(secret) = bearer(&parts.headers) {
            return Ok(Self::Bearer(secret.to_owned()));
        }
        let secret = cookie(&parts.headers).ok_or_else(Refusal::no_session)?;
        match source.page {
            Page::Own => Ok(Self::Cookie(secret.to_owned())),
            Page::Foreign => Err(foreign()),
            // Browsers without TLS say nothing with a GET. It changes nothing, no other page can read the
            // answer, and the cookie is not sent along from other sites.
            Page::Unsaid if matches!(parts.method, Method::GET | Method::HEAD) => {
                Ok(Self::Cookie(secret.to_owned()))
            }
            Page::Unsaid => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                ErrorCode::PermDenied,
                "a cookie counts only from a page; programs send the header Authorization",
            )),
        }
    }
}

impl FromRequestParts<Arc<Web>> for Visit {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Refusal> {
        let shown = Shown::from_request_parts(parts, web).await?;
        let source = Source::from_request_parts(parts, web).await?;
        let (secret, is_cookie) = match shown {
            Shown::Bearer(secret) => (secret, false),
            Shown::Cookie(secret) => (secret, true),
        };
        let visitor = web.engine.visitor(&secret).await?;
        Ok(Self {
            visitor,
            source,
            cookie: is_cookie.then_some(secret),
        })
    }
}

/// A page of elsewhere must not act in the name of who looks at it.
pub(super) fn foreign() -> Refusal {
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

/// The header that makes a browser keep a secret, for so many seconds or until it is closed.
pub(super) fn set_cookie(secret: &str, is_private: bool, seconds: Option<u64>) -> Option<HeaderValue> {
    let mut text = format!("{COOKIE_NAME}={secret}; Path=/client; HttpOnly; SameSite=Strict");
    if is_private {
        text.push_str("; Secure");
    }
    if let Some(seconds) = seconds {
        text.push_str(&format!("; Max-Age={seconds}"));
    }
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(cookie(&headers), None);
        headers.append(COOKIE, HeaderValue::from_static("a=1; xtim_session=no"));
        headers.append(COOKIE, HeaderValue::from_static("b=2;tim_session=yes; c"));
        assert_eq!(cookie(&headers), Some("yes"));
    }

    #[test]
    fn a_cookie_is_marked_as_far_as_the_connection_allows() {
        let private = set_cookie("s", true, Some(60)).unwrap();
        assert_eq!(
            private.to_str().unwrap(),
            "tim_session=s; Path=/client; HttpOnly; SameSite=Strict; Secure; Max-Age=60"
        );
        let plain = set_cookie("s", false, None).unwrap();
        assert_eq!(
            plain.to_str().unwrap(),
            "tim_session=s; Path=/client; HttpOnly; SameSite=Strict"
        );
        assert!(set_cookie("s\r\nx: y", true, None).is_none());
    }
}
