//! Plain HTTP over a bare socket: `/tim2` and requests that no client library would send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::within;

/// An HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header lines with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no HTTP response: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        Self {
            status: status.and_then(|code| code.parse().ok()).expect("a status"),
            headers: headers.collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }
}

/// A POST to a server that may go away meanwhile: `None` when no whole response came.
pub async fn try_post(address: SocketAddr, path: &str, body: &[u8]) -> Option<Response> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream
        .write_all(&head_and_body(address, "POST", path, body))
        .await
        .ok()?;
    let mut answer = Vec::new();
    within("the end of an HTTP response", stream.read_to_end(&mut answer))
        .await
        .ok()?;
    let is_complete = answer.windows(4).any(|window| window == b"\r\n\r\n");
    is_complete.then(|| Response::parse(&answer))
}

fn head_and_body(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Sends bytes and reads until the server closes the connection.
///
/// # Panics
/// When no response comes.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect(address).await.expect("connect");
    // A server that refuses a request may close before it has read all of it.
    drop(stream.write_all(request).await);
    let mut answer = Vec::new();
    let read = within("the end of an HTTP response", stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok() || !answer.is_empty(), "no HTTP response: {read:?}");
    Response::parse(&answer)
}

/// A request with a body, over a connection of its own.
pub async fn request(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> Response {
    exchange(address, &head_and_body(address, method, path, body)).await
}

/// A POST.
pub async fn post(address: SocketAddr, path: &str, body: &[u8]) -> Response {
    request(address, "POST", path, body).await
}

/// Sends an upgrade request with the given header lines and reads the head of the response. The stream stays
/// open.
///
/// # Panics
/// When no response comes.
pub async fn upgrade(address: SocketAddr, path: &str, headers: &[&str]) -> (Response, TcpStream) {
    let mut stream = TcpStream::connect(address).await.expect("connect");
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n");
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("send a request");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = within("a response", stream.read_u8()).await;
        head.push(byte.unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&head))));
    }
    (Response::parse(&head), stream)
}
