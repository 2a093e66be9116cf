//! What a request says of itself: its address, whether it is private, which page it comes from, its
//! body in JSON.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tim_protocol::error_code::ErrorCode;

use super::Web;
use super::answer::Refusal;
use crate::config::{Network, Origin};
use crate::gateway::{Peer, client_address, single};

/// Largest body in JSON.
const JSON_BYTES: usize = 16 << 10;

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// Address of the client.
    pub(crate) address: IpAddr,
    /// Whether nobody on the way can read it: TLS up to this server or to a trusted proxy.
    pub(crate) is_private: bool,
    /// The page.
    pub(crate) page: Page,
}

/// Which page makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// One of this server, or of an origin that the operator allows.
    Own,
    /// One of elsewhere, or one that hides where it comes from.
    Foreign,
    /// The request does not say; browsers always do where it matters.
    Unsaid,
}

impl Source {
    pub(super) fn new(web: &Web, peer: Peer, method: &Method, headers: &HeaderMap) -> Self {
        Self::of(&web.trusted_proxies, &web.origins, peer, method, headers)
    }

    /// The same for another listener: its proxies, and origins that may ask beside its own.
    pub(crate) fn of(
        trusted_proxies: &[Network],
        origins: &[Origin],
        peer: Peer,
        method: &Method,
        headers: &HeaderMap,
    ) -> Self {
        let is_private = peer.has_tls || said_by_proxy(peer, headers, trusted_proxies);
        Self {
            address: client_address(peer.address, headers, trusted_proxies),
            is_private,
            page: page(method, headers, is_private, origins),
        }
    }
}

/// Whether a trusted proxy says that the client speaks TLS.
fn said_by_proxy(peer: Peer, headers: &HeaderMap, trusted: &[Network]) -> bool {
    let is_trusted = trusted.iter().any(|network| network.contains(peer.address));
    // Like addresses: the right end is from the proxy that is connected to this server.
    let told = headers.get_all("x-forwarded-proto").iter().next_back();
    let told = told
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next());
    is_trusted && told.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}

fn page(method: &Method, headers: &HeaderMap, is_private: bool, allowed: &[Origin]) -> Page {
    let is_own = |origin: &Origin| is_same(origin, headers, is_private) || allowed.contains(origin);
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    if site == Some(b"same-origin") {
        // No page can make a browser say so; also behind a proxy that tells another host.
        return Page::Own;
    }
    match single(headers, &ORIGIN) {
        Ok(Some(origin)) => match Origin::from_header(origin) {
            Some(origin) if is_own(&origin) => Page::Own,
            _ => Page::Foreign,
        },
        Err(_) => Page::Foreign,
        Ok(None) => match site {
            None => Page::Unsaid,
            // The user typed the address or opened a bookmark.
            Some(b"none") if matches!(*method, Method::GET | Method::HEAD) => Page::Own,
            Some(_) => Page::Foreign,
        },
    }
}

/// Whether an origin is the address that the request was sent to.
fn is_same(origin: &Origin, headers: &HeaderMap, is_private: bool) -> bool {
    let Some((scheme, authority)) = origin.0.split_once("://") else {
        return false;
    };
    let usual_port = match scheme {
        "https" => ":443",
        // A page that others could have changed on the way is not trusted with a private connection.
        "http" if !is_private => ":80",
        _ => return false,
    };
    let Ok(Some(host)) = single(headers, &HOST) else {
        return false;
    };
    let host = host.to_ascii_lowercase();
    let plain = |text: &str| text.strip_suffix(usual_port).unwrap_or(text).to_owned();
    plain(&host) == plain(authority)
}

/// Reads a small body.
pub(super) async fn json_body<T: DeserializeOwned>(web: &Web, body: Body) -> Result<T, Refusal> {
    let bytes = limited_body(web.body_timeout, JSON_BYTES, body).await?;
    // What is wrong is not repeated: it may be a part of a password.
    serde_json::from_slice(&bytes).map_err(|_| Refusal::malformed("the body is not the JSON expected"))
}

/// Reads a body of so many bytes at most, within a time.
pub(crate) async fn limited_body(time: Duration, limit: usize, body: Body) -> Result<Bytes, Refusal> {
    let reading = Limited::new(body, limit).collect();
    match tokio::time::timeout(time, reading).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::Params,
            "the body is too large",
        )),
        Ok(Err(_)) => Err(Refusal::malformed("the body is incomplete")),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::Params,
            "the body takes too long",
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;
    use crate::config::Value as _;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pairs.collect()
    }

    fn origin(origin: &'static str, host: &'static str, is_private: bool) -> Page {
        let allowed = [Origin::parse("https://app.example").unwrap()];
        let headers = headers(&[("origin", origin), ("host", host)]);
        page(&Method::POST, &headers, is_private, &allowed)
    }

    #[test]
    fn a_page_of_the_address_asked_is_an_own_one() {
        for (from, host, is_private) in [
            ("https://chat.example", "chat.example", true),
            ("https://Chat.Example:443", "chat.example", true),
            ("https://chat.example", "CHAT.example:443", false),
            ("https://chat.example:8443", "chat.example:8443", true),
            ("http://127.0.0.1:20003", "127.0.0.1:20003", false),
            ("http://[::1]:20003", "[::1]:20003", false),
            ("http://chat.example", "chat.example:80", false),
            ("https://app.example", "chat.example", true),
        ] {
            assert_eq!(origin(from, host, is_private), Page::Own, "{from}");
        }
    }

    #[test]
    fn all_other_pages_are_foreign() {
        for (from, host, is_private) in [
            ("https://evil.example", "chat.example", true),
            ("https://chat.example.evil.example", "chat.example", true),
            ("https://chat.example:8443", "chat.example", true),
            ("http://chat.example", "chat.example", true),
            ("http://app.example", "chat.example", true),
            ("ftp://chat.example", "chat.example", false),
            ("null", "chat.example", true),
            ("", "chat.example", true),
        ] {
            assert_eq!(origin(from, host, is_private), Page::Foreign, "{from}");
        }
        let mut twice = headers(&[("host", "chat.example"), ("origin", "https://chat.example")]);
        twice.append("origin", HeaderValue::from_static("https://chat.example"));
        assert_eq!(page(&Method::POST, &twice, true, &[]), Page::Foreign);
    }

    #[test]
    fn a_proxy_may_tell_another_host_when_the_browser_says_where_the_request_comes_from() {
        let page = |site| {
            let headers = headers(&[
                ("origin", "https://chat.example"),
                ("host", "10.0.0.1:20003"),
                ("sec-fetch-site", site),
            ]);
            page(&Method::POST, &headers, false, &[])
        };
        assert_eq!(page("same-origin"), Page::Own);
        assert_eq!(page("same-site"), Page::Foreign);
        assert_eq!(page("cross-site"), Page::Foreign);
    }

    #[test]
    fn without_an_origin_the_browser_says_where_the_request_comes_from() {
        let site = |method: Method, site| page(&method, &headers(&[("sec-fetch-site", site)]), true, &[]);
        assert_eq!(site(Method::GET, "same-origin"), Page::Own);
        assert_eq!(site(Method::GET, "none"), Page::Own);
        assert_eq!(site(Method::POST, "none"), Page::Foreign);
        for other in ["cross-site", "same-site", "", "SAME-ORIGIN"] {
            assert_eq!(site(Method::GET, other), Page::Foreign, "{other}");
        }
        assert_eq!(page(&Method::GET, &HeaderMap::new(), true, &[]), Page::Unsaid);
    }

    #[test]
    fn only_trusted_proxies_tell_that_a_connection_is_private() {
        let trusted = [Network::parse("10.0.0.0/8").unwrap()];
        let peer = |address: &str| Peer {
            address: address.parse().unwrap(),
            has_tls: false,
        };
        let https = headers(&[("x-forwarded-proto", "http, HTTPS")]);
        assert!(said_by_proxy(peer("10.1.2.3"), &https, &trusted));
        assert!(!said_by_proxy(peer("11.1.2.3"), &https, &trusted));
        let http = headers(&[("x-forwarded-proto", "https, http")]);
        assert!(!said_by_proxy(peer("10.1.2.3"), &http, &trusted));
        assert!(!said_by_proxy(peer("10.1.2.3"), &HeaderMap::new(), &trusted));
    }
}
