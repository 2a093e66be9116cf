//! Checks of a WebSocket upgrade request (RFC 6455 section 4.2.1, wire-protocol 2.2) and the
//! address and origin of a request.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use tungstenite::handshake::derive_accept_key;

use crate::config::{Network, Origin};

/// Whether a request wants to become a WebSocket connection at all.
pub(super) fn wants_upgrade(headers: &HeaderMap) -> bool {
    has_token(headers, &UPGRADE, "websocket")
}

/// Checks an upgrade request; answers the headers of the response or the status of the refusal.
pub(super) fn accept(version: Version, headers: &HeaderMap) -> Result<HeaderMap, StatusCode> {
    if version != Version::HTTP_11 || !has_token(headers, &CONNECTION, "upgrade") || !wants_upgrade(headers) {
        return Err(StatusCode::BAD_REQUEST);
    }
    // The body of such a request could be taken for frames.
    let has_body = headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get(CONTENT_LENGTH)
            .is_some_and(|length| length.as_bytes() != b"0");
    if has_body {
        return Err(StatusCode::BAD_REQUEST);
    }
    if single(headers, &SEC_WEBSOCKET_VERSION)? != Some("13") {
        return Err(StatusCode::UPGRADE_REQUIRED);
    }
    let key = single(headers, &SEC_WEBSOCKET_KEY)?.ok_or(StatusCode::BAD_REQUEST)?;
    // 16 bytes in base64.
    let base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    if !key
        .strip_suffix("==")
        .is_some_and(|digits| digits.len() == 22 && digits.chars().all(base64))
    {
        return Err(StatusCode::BAD_REQUEST);
    }
    let mut response = HeaderMap::with_capacity(4);
    response.insert(UPGRADE, HeaderValue::from_static("websocket"));
    response.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    let accepted = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    response.insert(
        SEC_WEBSOCKET_ACCEPT,
        accepted.map_err(|_| StatusCode::BAD_REQUEST)?,
    );
    if let Some(protocol) = subprotocol(headers)? {
        response.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(response)
}

/// The one subprotocol offered. Several are refused.
fn subprotocol(headers: &HeaderMap) -> Result<Option<HeaderValue>, StatusCode> {
    let Some(offered) = single(headers, &SEC_WEBSOCKET_PROTOCOL)? else {
        return Ok(None);
    };
    let token = |c: char| c.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(c);
    if offered.is_empty() || !offered.chars().all(token) {
        return Err(StatusCode::BAD_REQUEST);
    }
    HeaderValue::from_str(offered)
        .map(Some)
        .map_err(|_| StatusCode::BAD_REQUEST)
}

/// Whether the origin of a request is allowed. Without a list everything is, also no origin.
pub(super) fn origin_allowed(headers: &HeaderMap, allowed: &[Origin]) -> bool {
    if allowed.is_empty() {
        return true;
    }
    single(headers, &ORIGIN)
        .ok()
        .flatten()
        .and_then(Origin::from_header)
        .is_some_and(|origin| allowed.contains(&origin))
}

/// The address of the client: that of the socket, or what trusted proxies say about it.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    // Every proxy appends the address it sees, so the right end is the one that can be believed.
    for hop in hops.into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        match parse_hop(hop.trim()) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

fn parse_hop(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// The value of a header that may appear once. Twice, or not ASCII: a bad request.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, StatusCode> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(StatusCode::BAD_REQUEST);
    }
    first
        .to_str()
        .map(|text| Some(text.trim()))
        .map_err(|_| StatusCode::BAD_REQUEST)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Value as _;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn a_good_request_is_answered_as_the_published_clients_need_it() {
        let response = accept(Version::HTTP_11, &headers(&GOOD)).unwrap();
        assert_eq!(response["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(response["connection"], "Upgrade");
        assert_eq!(response["upgrade"], "websocket");
        assert_eq!(response.len(), 3, "no subprotocol and no extension");
    }

    #[test]
    fn bad_requests_are_refused_with_the_right_status() {
        let replaced = |name: &str, value: &'static str| {
            let mut headers = headers(&GOOD);
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_static(value),
            );
            accept(Version::HTTP_11, &headers).unwrap_err()
        };
        assert_eq!(replaced("connection", "close"), StatusCode::BAD_REQUEST);
        assert_eq!(replaced("upgrade", "h2c"), StatusCode::BAD_REQUEST);
        assert_eq!(
            replaced("sec-websocket-version", "8"),
            StatusCode::UPGRADE_REQUIRED
        );
        for key in [
            "",
            "short==",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZ*==",
        ] {
            assert_eq!(replaced("sec-websocket-key", key), StatusCode::BAD_REQUEST);
        }
        assert_eq!(
            accept(Version::HTTP_10, &headers(&GOOD)).unwrap_err(),
            StatusCode::BAD_REQUEST
        );
        let mut twice = headers(&GOOD);
        twice.append(
            "sec-websocket-key",
            HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="),
        );
        assert_eq!(
            accept(Version::HTTP_11, &twice).unwrap_err(),
            StatusCode::BAD_REQUEST
        );
    }

    #[test]
    fn one_subprotocol_is_echoed_and_several_are_refused() {
        let offered = |values: &[&'static str]| {
            let mut headers = headers(&GOOD);
            for value in values {
                headers.append("sec-websocket-protocol", HeaderValue::from_static(value));
            }
            accept(Version::HTTP_11, &headers)
        };
        assert_eq!(offered(&["chat"]).unwrap()["sec-websocket-protocol"], "chat");
        assert_eq!(
            offered(&["chat, superchat"]).unwrap_err(),
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            offered(&["chat", "superchat"]).unwrap_err(),
            StatusCode::BAD_REQUEST
        );
    }

    #[test]
    fn origins_matter_only_when_a_list_is_configured() {
        let list = [Origin::parse("https://chat.example.org").unwrap()];
        for origin in [
            "null",
            "https://evil.example",
            "https://chat.example.org.evil.example",
            "",
        ] {
            let headers = headers(&[("origin", origin)]);
            assert!(origin_allowed(&headers, &[]));
            assert!(!origin_allowed(&headers, &list), "{origin}");
        }
        assert!(origin_allowed(&headers(&[]), &[]));
        assert!(!origin_allowed(&headers(&[]), &list));
        assert!(origin_allowed(
            &headers(&[("origin", "https://Chat.example.org")]),
            &list
        ));
    }

    #[test]
    fn forwarded_addresses_are_believed_only_from_trusted_proxies() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let trusted = Vec::<Network>::parse("10.0.0.0/8").unwrap();
        let of = |peer: &str, values: &[&'static str]| {
            let pairs: Vec<_> = values.iter().map(|value| ("x-forwarded-for", *value)).collect();
            client_address(address(peer), &headers(&pairs), &trusted)
        };
        assert_eq!(of("203.0.113.9", &["1.2.3.4"]), address("203.0.113.9"));
        assert_eq!(of("10.0.0.1", &["1.2.3.4"]), address("1.2.3.4"));
        assert_eq!(
            of("::ffff:10.0.0.1", &["6.6.6.6, 1.2.3.4 , 10.9.9.9"]),
            address("1.2.3.4")
        );
        assert_eq!(of("10.0.0.1", &["6.6.6.6", "1.2.3.4"]), address("1.2.3.4"));
        assert_eq!(of("10.0.0.1", &["[2001:db8::1]:443"]), address("2001:db8::1"));
        assert_eq!(of("10.0.0.1", &["unknown"]), address("10.0.0.1"));
        assert_eq!(of("10.0.0.1", &[]), address("10.0.0.1"));
    }
}
