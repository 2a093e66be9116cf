//! A browser as far as HTTP goes: it keeps the cookie of the server, and says which page makes a request.

use std::net::SocketAddr;

use serde_json::Value;
use tim_protocol::wire::TimAuth;

use crate::http::{self, Response};
use crate::{Client, Encoding, Person, Server};

/// A browser.
#[derive(Clone, Debug)]
pub struct Browser {
    address: SocketAddr,
    /// The page that makes the requests; the server's own unless changed. `None`: not a browser.
    pub origin: Option<String>,
    /// The secret in the cookie.
    pub cookie: Option<String>,
    /// The secret in the header `Authorization`.
    pub bearer: Option<String>,
}

impl Browser {
    /// One that shows the server's own page and has no cookie.
    pub fn new(server: &Server) -> Self {
        let address = server.address();
        Self {
            address,
            origin: Some(format!("http://{address}")),
            cookie: None,
            bearer: None,
        }
    }

    /// One that has logged in.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn logged_in(server: &Server, person: &Person) -> Self {
        let mut browser = Self::new(server);
        let response = browser.log_in(person).await;
        assert_eq!(response.status, 200, "{response:?}");
        browser
    }

    /// Asks for a session.
    pub async fn log_in(&mut self, person: &Person) -> Response {
        let body = serde_json::json!({
            "name": person.name, "password": person.password, "domain": person.domain, "remember": true,
        });
        self.post("/client/v1/session", &body).await
    }

    /// A request with further header lines. Takes over a cookie that the answer sets.
    pub async fn send(&mut self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Response {
        let response = http::exchange(self.address, &self.request(method, path, headers, body)).await;
        for (name, value) in &response.headers {
            if name == "set-cookie"
                && let Some(rest) = value.strip_prefix("tim_session=")
            {
                let secret = rest.split(';').next().unwrap_or_default();
                self.cookie = (!secret.is_empty()).then(|| secret.to_owned());
            }
        }
        response
    }

    /// The bytes of a request.
    pub fn request(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        let own = [
            self.origin.as_ref().map(|origin| format!("Origin: {origin}")),
            self.cookie
                .as_ref()
                .map(|secret| format!("Cookie: theme=dark; tim_session={secret}")),
            self.bearer
                .as_ref()
                .map(|secret| format!("Authorization: Bearer {secret}")),
        ];
        let own = own.iter().flatten().map(String::as_str);
        for line in own.chain(headers.iter().copied()) {
            head.push_str(line);
            head.push_str("\r\n");
        }
        if method != "GET" && method != "HEAD" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        [head.as_bytes(), b"\r\n", body].concat()
    }

    /// A POST of JSON.
    pub async fn post(&mut self, path: &str, body: &Value) -> Response {
        let body = body.to_string();
        self.send("POST", path, &["Content-Type: application/json"], body.as_bytes())
            .await
    }

    /// A POST without a body.
    pub async fn call(&mut self, path: &str) -> Response {
        self.send("POST", path, &[], b"").await
    }

    /// A GET.
    pub async fn get(&mut self, path: &str) -> Response {
        self.send("GET", path, &[], b"").await
    }

    /// A DELETE.
    pub async fn delete(&mut self, path: &str) -> Response {
        self.send("DELETE", path, &[], b"").await
    }

    /// Gets a token and logs in with it over the WebSocket, on a device.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn connect(&mut self, server: &Server, encoding: Encoding, resource: &str) -> Client {
        let response = self.call("/client/v1/session/token").await;
        assert_eq!(response.status, 200, "{response:?}");
        let auth = with_token(&response, resource);
        let mut client = Client::connect(server.address(), encoding).await;
        client.log_in(&auth).await;
        client
    }
}

/// The login with the token of an answer.
///
/// # Panics
/// When there is none.
pub fn with_token(response: &Response, resource: &str) -> TimAuth {
    let token = json(response)["token"].as_str().expect("a token").to_owned();
    TimAuth {
        token: Some(token),
        resource: Some(resource.to_owned()),
        ..TimAuth::default()
    }
}

/// The body of an answer.
///
/// # Panics
/// When it is not JSON.
pub fn json(response: &Response) -> Value {
    assert_eq!(
        response.header("content-type"),
        Some("application/json"),
        "{response:?}"
    );
    serde_json::from_slice(&response.body).unwrap_or_else(|error| panic!("{error}: {response:?}"))
}

/// Checks that a request was refused.
///
/// # Panics
/// When it was not, or otherwise.
pub fn refused(response: &Response, status: u16, code: i64) {
    assert_eq!(response.status, status, "{response:?}");
    let error = json(response)["error"].clone();
    assert_eq!(error["code"], code, "{error}");
    assert!(!error["name"].as_str().expect("a name").is_empty(), "{error}");
    assert!(!error["text"].as_str().expect("a text").is_empty(), "{error}");
}
