//! Somebody who manages a server: speaks to the management API with a login or with a key.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::http::{self, Response};
use crate::{Options, Server};

/// Name of the first person.
pub const OWNER: &str = "admin";

/// Somebody with an access, or without one.
#[derive(Clone, Debug)]
pub struct Console {
    /// Where the management API is.
    pub address: SocketAddr,
    /// The page that makes the requests; `None`: not a browser.
    pub origin: Option<String>,
    /// The secret in the cookie.
    pub cookie: Option<String>,
    /// What a page shows besides when it changes something.
    pub csrf: Option<String>,
    /// The key of a program.
    pub key: Option<String>,
}

/// How to start a server with the management API.
pub fn options() -> Options {
    Server::options()
        .set("admin.enabled", "true")
        .set("admin.listen", "\"127.0.0.1:0\"")
}

/// Where the management API of a server is.
///
/// # Panics
/// When the server does not say so.
pub fn admin_address(server: &Server) -> SocketAddr {
    // It is told before the server says that it is ready; the last one counts.
    let log = server.log().text_from(0);
    let (_, rest) = log
        .rsplit_once("the management API is http://")
        .expect("the address of the management API");
    let address = rest.split('/').next().and_then(|address| address.parse().ok());
    address.expect("an address")
}

/// The password of the first person, as it was shown at the first start.
///
/// # Panics
/// When it was not shown.
pub fn first_password(server: &Server) -> String {
    let found = server.log().wait_for(0, |line| {
        let (_, password) = line.split_once("The password of the administrator is ")?;
        Some(password.trim().to_owned())
    });
    found.expect("the first password")
}

impl Console {
    /// Somebody without an access.
    pub fn new(server: &Server) -> Self {
        Self {
            address: admin_address(server),
            origin: None,
            cookie: None,
            csrf: None,
            key: None,
        }
    }

    /// The first person, logged in.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn owner(server: &Server) -> Self {
        Self::new(server).person(OWNER, &first_password(server)).await
    }

    /// Somebody logged in, from the same place.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn person(&self, name: &str, password: &str) -> Self {
        let mut console = Self {
            origin: Some(format!("http://{}", self.address)),
            cookie: None,
            csrf: None,
            key: None,
            ..self.clone()
        };
        let response = console.log_in(name, password).await;
        assert_eq!(response.status, 200, "{response:?}");
        console
    }

    /// A program with a key of these scopes, perhaps for one domain.
    ///
    /// # Panics
    /// When this access may not make it.
    pub async fn program(&self, scopes: &[&str], domain: Option<&str>) -> Self {
        let asked = json!({"label": "test", "scopes": scopes, "domain": domain});
        let made = self.done("POST", "/keys", Some(&asked)).await;
        Self {
            address: self.address,
            origin: None,
            cookie: None,
            csrf: None,
            key: Some(made["key"].as_str().expect("a key").to_owned()),
        }
    }

    /// Logs in and keeps the cookie and the token.
    pub async fn log_in(&mut self, name: &str, password: &str) -> Response {
        let asked = json!({"name": name, "password": password});
        let response = self.call("POST", "/session", Some(&asked)).await;
        if response.status == 200 {
            let cookie = response.header("set-cookie").expect("a cookie");
            let secret = cookie
                .strip_prefix("tim_admin=")
                .and_then(|rest| rest.split(';').next());
            self.cookie = secret.map(str::to_owned);
            self.csrf = body(&response)["csrf"].as_str().map(str::to_owned);
        }
        response
    }

    /// A call; `path` is what follows `/api/v1`.
    pub async fn call(&self, method: &str, path: &str, asked: Option<&Value>) -> Response {
        self.send(method, &format!("/api/v1{path}"), asked).await
    }

    /// A request.
    pub async fn send(&self, method: &str, path: &str, asked: Option<&Value>) -> Response {
        let text = asked.map(Value::to_string).unwrap_or_default();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.address,
            text.len()
        );
        let lines = [
            self.origin.as_ref().map(|origin| format!("Origin: {origin}")),
            self.cookie
                .as_ref()
                .map(|cookie| format!("Cookie: tim_admin={cookie}")),
            self.csrf.as_ref().map(|csrf| format!("X-CSRF-Token: {csrf}")),
            self.key
                .as_ref()
                .map(|key| format!("Authorization: Bearer {key}")),
        ];
        for line in lines.iter().flatten() {
            head.push_str(line);
            head.push_str("\r\n");
        }
        http::exchange(
            self.address,
            &[head.as_bytes(), b"\r\n", text.as_bytes()].concat(),
        )
        .await
    }

    /// A call that succeeds; answers its answer.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn done(&self, method: &str, path: &str, asked: Option<&Value>) -> Value {
        let response = self.call(method, path, asked).await;
        assert!(
            (200..300).contains(&response.status),
            "{method} {path}: {} {}",
            response.status,
            String::from_utf8_lossy(&response.body)
        );
        if response.body.is_empty() {
            return Value::Null;
        }
        body(&response)
    }

    /// A call that is refused with a status.
    ///
    /// # Panics
    /// When it is not, or when the refusal does not say why.
    pub async fn refused(&self, method: &str, path: &str, asked: Option<&Value>, status: u16) {
        let response = self.call(method, path, asked).await;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        assert_eq!(response.status, status, "{method} {path}: {text}");
        let error = &body(&response)["error"];
        assert!(
            error["code"].is_i64() && error["name"].is_string() && error["text"].is_string(),
            "{text}"
        );
    }
}

/// The JSON of an answer.
///
/// # Panics
/// When it is none.
pub fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_else(|error| panic!("{error}: {response:?}"))
}
