//! Where a server is: scheme, host, port and path, taken apart without trusting the text.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Port of servers that are named without scheme.
const DEFAULT_PORT: u16 = 20003;

/// Address of a server.
///
/// Accepted forms: `ws://host:port/path`, `wss://…`, `http://…` and `https://…` (the same as `ws` and `wss`),
/// or just `host` or `host:port` for `ws` on port 20003. The path is `/tim` when none is given.
///
/// ```
/// use tim_client::ServerAddress;
///
/// let address: ServerAddress = "wss://chat.example.org".parse()?;
/// assert_eq!(address.to_string(), "wss://chat.example.org:443/tim");
/// # Ok::<(), tim_client::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerAddress {
    is_tls: bool,
    host: String,
    port: u16,
    path: String,
}

/// Why a text is no [`ServerAddress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// The scheme is none of `ws`, `wss`, `http`, `https`.
    #[error("the scheme must be ws or wss")]
    Scheme,
    /// The host is missing or contains characters that no host has.
    #[error("the host is missing or malformed")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// The path contains characters that must be escaped, a query or a fragment.
    #[error("the path is malformed; queries and fragments are not allowed")]
    Path,
}

impl ServerAddress {
    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Host name or address. IPv6 addresses are without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path of the WebSocket.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Path of registration and tokens: beside the WebSocket.
    #[must_use]
    pub fn account_path(&self) -> String {
        match self.path.strip_suffix("/tim") {
            Some(prefix) => format!("{prefix}/tim2"),
            None => "/tim2".to_owned(),
        }
    }

    /// Host and port as they stand in a URL.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Value of the `Origin` header: servers may insist on one (`wire-protocol 2.2`).
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (is_tls, default_port, rest) = match text.trim().split_once("://") {
            Some(("ws" | "http", rest)) => (false, 80, rest),
            Some(("wss" | "https", rest)) => (true, 443, rest),
            Some(_) => return Err(AddressError::Scheme),
            None => (false, DEFAULT_PORT, text.trim()),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = split_authority(authority)?;
        let port = match port {
            None => default_port,
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or(AddressError::Port)?,
        };
        let is_plain =
            |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'"' | b'<' | b'>' | b'\\');
        if !path.bytes().all(is_plain) {
            return Err(AddressError::Path);
        }
        let path = if matches!(path, "" | "/") {
            "/tim".to_owned()
        } else {
            path.to_owned()
        };
        Ok(Self {
            is_tls,
            host,
            port,
            path,
        })
    }
}

fn split_authority(authority: &str) -> Result<(String, Option<&str>), AddressError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(AddressError::Host)?;
        host.parse::<std::net::Ipv6Addr>()
            .map_err(|_| AddressError::Host)?;
        return match rest {
            "" => Ok((host.to_owned(), None)),
            _ => Ok((
                host.to_owned(),
                Some(rest.strip_prefix(':').ok_or(AddressError::Port)?),
            )),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || host.len() > 253 || !host.bytes().all(is_host) {
        return Err(AddressError::Host);
    }
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, AddressError> {
        text.parse::<ServerAddress>().map(|address| address.to_string())
    }

    #[test]
    fn what_is_left_out_is_filled_in() {
        for (text, full) in [
            ("localhost", "ws://localhost:20003/tim"),
            ("127.0.0.1:9", "ws://127.0.0.1:9/tim"),
            ("ws://a.b/", "ws://a.b:80/tim"),
            ("wss://a.b", "wss://a.b:443/tim"),
            ("https://a.b:1/x/tim", "wss://a.b:1/x/tim"),
            ("ws://[::1]:20003", "ws://[::1]:20003/tim"),
            (" [::1] ", "ws://[::1]:20003/tim"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(full));
        }
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for (text, error) in [
            ("", AddressError::Host),
            ("ftp://a", AddressError::Scheme),
            ("ws://", AddressError::Host),
            ("ws://user@host", AddressError::Host),
            ("ws://a b", AddressError::Host),
            ("ws://a\r\nX: y", AddressError::Host),
            ("a:0", AddressError::Port),
            ("a:70000", AddressError::Port),
            ("a:", AddressError::Port),
            ("[::1]x", AddressError::Port),
            ("[zz]", AddressError::Host),
            ("ws://a/tim?x", AddressError::Path),
            ("ws://a/t im", AddressError::Path),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn accounts_are_beside_the_socket() {
        let path = |text: &str| text.parse::<ServerAddress>().unwrap().account_path();
        assert_eq!(path("localhost"), "/tim2");
        assert_eq!(path("ws://a/chat/tim"), "/chat/tim2");
        assert_eq!(path("ws://a/other"), "/tim2");
    }
}
